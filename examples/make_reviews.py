"""Write ``reviews.csv``: 2,000 short product reviews, made of phrases written for this project.

Most are plain, some weigh a good point against a bad one, about one in eleven is hard: irony,
double negation, or a story that never says what it thinks. The seed is fixed: the same file every
time, on every platform.

    python examples/make_reviews.py [FILE]
"""

from __future__ import annotations

import csv
import io
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from phrases import (
    BACKHANDED_PRAISE,
    COMPLAINTS,
    CONTEXTS,
    HARD_NEGATIVE,
    HARD_POSITIVE,
    IRONIC_PRAISE,
    LUKEWARM_NEGATIVE,
    LUKEWARM_POSITIVE,
    NEGATIVE_CLOSERS,
    NEGATIVE_EMOJI,
    NEGATIVE_OPENERS,
    POSITIVE_CLOSERS,
    POSITIVE_EMOJI,
    POSITIVE_OPENERS,
    PRAISE,
    PRODUCTS,
    SARCASM,
    Product,
)

T = TypeVar("T")

ROWS = 2000
SEED = 20260607
POSITIVE_SHARE = 0.52


class Draw:
    """Random choices made from ``random()`` alone: its sequence is the same in every Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        """True in this share of the calls."""
        return self._random.random() < share

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1."""
        return int(self._random.random() * n)

    def pick(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.below(len(values))]


@dataclass(frozen=True, slots=True)
class Review:
    """One row of the file."""

    text: str
    product: str
    label: str


def plain(draw: Draw, product: Product, *, positive: bool) -> list[str]:
    """A review that says what it means."""
    points = product.praise if positive else product.complaints
    general = PRAISE if positive else COMPLAINTS
    openers = POSITIVE_OPENERS if positive else NEGATIVE_OPENERS
    closers = POSITIVE_CLOSERS if positive else NEGATIVE_CLOSERS
    shapes: Sequence[Callable[[], list[str]]] = (
        lambda: [draw.pick(openers), draw.pick(points)],
        lambda: [draw.pick(points), draw.pick(closers)],
        lambda: [draw.pick(CONTEXTS), draw.pick(points), draw.pick(general)],
        lambda: [draw.pick(general), draw.pick(points)],
        lambda: [draw.pick(CONTEXTS), draw.pick(general), draw.pick(closers)],
        lambda: [draw.pick(openers), draw.pick(points), draw.pick(closers)],
        lambda: [draw.pick(points), draw.pick(general), draw.pick(closers)],
    )
    return draw.pick(shapes)()


def mixed(draw: Draw, product: Product, *, positive: bool) -> list[str]:
    """A review that weighs a good point against a bad one and then decides."""
    good, bad = draw.pick(product.praise), draw.pick(product.complaints)
    closer = draw.pick(POSITIVE_CLOSERS if positive else NEGATIVE_CLOSERS)
    first, second = (bad, good) if positive else (good, bad)
    link = draw.pick(("but", "though", "still,", "however,", "yet"))
    if draw.chance(0.5):
        return [f"{first}, {link} {lowered(second)}", closer]
    return [first, f"{draw.pick(('But', 'Then again,', 'Still,'))} {lowered(second)}", closer]


def hard(draw: Draw, product: Product, *, positive: bool) -> list[str]:
    """Irony, double negation, or a story that leaves the verdict to the reader."""
    if draw.chance(0.35):
        story = draw.pick(HARD_POSITIVE if positive else HARD_NEGATIVE + SARCASM)
        return [draw.pick(CONTEXTS), story] if draw.chance(0.55) else [story]
    story = told(draw, product, draw.pick(BACKHANDED_PRAISE if positive else IRONIC_PRAISE))
    return [draw.pick(CONTEXTS), story] if draw.chance(0.25) else [story]


def lukewarm(draw: Draw, product: Product, *, positive: bool) -> list[str]:
    """Two and a half stars, or three and a half: only a word or two tells."""
    story = told(draw, product, draw.pick(LUKEWARM_POSITIVE if positive else LUKEWARM_NEGATIVE))
    return [draw.pick(CONTEXTS), story] if draw.chance(0.3) else [story]


def told(draw: Draw, product: Product, story: str) -> str:
    """A story with points about the product in it, each with the letter its place asks for."""
    said = {
        "{good}": draw.pick(product.praise),
        "{bad}": draw.pick(product.complaints),
        "{hail}": draw.pick(POSITIVE_OPENERS),
        "{damn}": draw.pick(NEGATIVE_OPENERS),
        "{yes}": draw.pick(POSITIVE_CLOSERS),
        "{no}": draw.pick(NEGATIVE_CLOSERS),
    }
    for blank, phrase in said.items():
        while blank in story:
            before, after = story.split(blank, 1)
            starts = not before or before.rstrip().endswith((".", "!", "?"))
            story = before + (raised(phrase) if starts else lowered(phrase)) + after
    return story


def joined(parts: Sequence[str]) -> str:
    """Sentences from phrases: a capital in front, a full stop behind."""
    return " ".join(raised(part) + ("" if part[-1] in ".!?" else ".") for part in parts)


def raised(phrase: str) -> str:
    """The phrase with a capital in front."""
    return phrase[:1].upper() + phrase[1:]


def lowered(phrase: str) -> str:
    """The phrase in the middle of a sentence: small first letter, except for "I"."""
    return phrase if phrase.startswith(("I ", "I'")) else phrase[:1].lower() + phrase[1:]


def filled(draw: Draw, text: str, product: Product) -> str:
    """The phrase with its blanks filled in."""
    filled_in = (
        text.replace("{thing}", product.name)
        .replace("{part}", draw.pick(product.parts))
        .replace("{days}", draw.pick(("two days", "a week", "three weeks", "a month", "ten days")))
        .replace(
            "{person}", draw.pick(("my mum", "my husband", "my wife", "my flatmate", "my dad"))
        )
        .replace("{long}", draw.pick(("six months", "a year", "two years", "eight months")))
        .replace("{shop}", draw.pick(("the seller", "the shop", "customer service", "support")))
    )
    return re.sub(r"\b(a) (?=air|office|umbrella)", r"\1n ", filled_in, flags=re.IGNORECASE)


def typed(draw: Draw, text: str, *, happy: bool) -> str:
    """The text as hurried people type it: now and then a typo, no capitals, an emoji, marks."""
    if draw.chance(0.10):
        text = misspelt(draw, text)
    if draw.chance(0.09):
        text = text.lower()
    if draw.chance(0.10):
        text = text.rstrip(".")
    elif draw.chance(0.08):
        text = text.rstrip(".") + draw.pick(("!", "!!", "!!!", "...", " ."))
    if draw.chance(0.06):
        text = f"{text} {draw.pick(POSITIVE_EMOJI if happy else NEGATIVE_EMOJI)}"
    return text


def misspelt(draw: Draw, text: str) -> str:
    """One longer word with two letters swapped, one lost or one doubled."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    chosen = draw.pick(long)
    word = words[chosen]
    at = 1 + draw.below(len(word) - 2)
    kinds = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    words[chosen] = draw.pick(kinds)
    return " ".join(words)


# What a hundred reviews are made of.
KINDS = (plain,) * 65 + (mixed,) * 21 + (hard,) * 9 + (lukewarm,) * 5


def reviews(rows: int, seed: int) -> list[Review]:
    """That many reviews; no two have the same text."""
    draw = Draw(seed)
    made: dict[str, Review] = {}
    while len(made) < rows:
        product = draw.pick(PRODUCTS)
        positive = draw.chance(POSITIVE_SHARE)
        kind = draw.pick(KINDS)
        phrases = kind(draw, product, positive=positive)
        text = joined([filled(draw, phrase, product) for phrase in phrases])
        text = typed(draw, text, happy=positive or kind is hard)
        made.setdefault(
            text.casefold(), Review(text, product.name, "Positive" if positive else "Negative")
        )
    return list(made.values())


def as_csv(rows: Sequence[Review]) -> str:
    """The file's text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "text", "product", "label"])
    for number, row in enumerate(rows, start=1):
        writer.writerow([f"r{number:04d}", row.text, row.product, row.label])
    return out.getvalue()


def main() -> None:
    """Write the file named on the command line, else ``reviews.csv`` beside this script."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("reviews.csv")
    path.write_text(as_csv(reviews(ROWS, SEED)), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
