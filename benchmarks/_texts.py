"""Short distinct texts of two classes, as many as wanted, the same for the same seed.

Each is a sentence of 8 to 14 words or so: an opening, an invented product, a remark, a close. Most
remarks say clearly what their writer thinks. One text in twelve is hard: it weighs one against the
other, and which label its writer meant is nearly a coin toss. 3 in 1,000 labels are simply wrong.

    python benchmarks/_texts.py ROWS FILE
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

LABELS = ("Positive", "Negative")
HARD = 1 / 12
MIXED = 0.35  # of the hard texts carry the other label
SLIPS = 0.003

OPENINGS = (
    "bought the", "got this", "my new", "we ordered the", "finally tried the", "after a month the",
    "the", "honestly this", "gave my dad the", "second time i get the", "used the", "sent back the",
    "first week with the", "three days in, the", "picked up the", "the famous", "so, the",
    "a friend suggested the", "as a gift the", "for the price the",
)  # fmt: skip
KINDS = (
    "kettle", "lamp", "backpack", "headset", "blender", "chair", "keyboard", "jacket", "tent",
    "router", "mattress", "drill", "monitor", "toaster", "bike pump", "watch", "camera", "speaker",
    "notebook", "water bottle", "desk", "printer", "vacuum", "pan", "charger", "boots", "pillow",
)  # fmt: skip
GOOD = (
    "works perfectly", "is a joy to use", "feels solid and well made", "arrived early and intact",
    "is worth every cent", "does exactly what it promises", "is quiet and quick",
    "looks even better in person", "has made mornings easier", "still runs like new",
    "survived a fall without a scratch", "was easy to set up", "makes me smile every day",
    "is the best i have owned", "charges fast and lasts long", "fits just right",
    "impressed the whole family", "is light, sturdy and cheap", "came with great support",
    "saves me an hour a week",
)  # fmt: skip
BAD = (
    "broke within a week", "is a waste of money", "feels flimsy and cheap",
    "arrived late and damaged", "never worked properly", "does nothing it promises",
    "is loud and painfully slow", "looks nothing like the photo", "made everything harder",
    "died after two charges", "fell apart in my hands", "was impossible to set up",
    "annoys me every single day", "is the worst i have owned", "overheats and smells burnt",
    "fits nobody i know", "disappointed the whole family", "is heavy, wobbly and overpriced",
    "came without any support", "cost me a whole weekend",
)  # fmt: skip
HARD_REMARKS = (
    "is fine i suppose, nothing more", "could be worse, could be better",
    "does what a thing like it does", "is loved by my sister, less by me",
    "has its days and its other days", "was an experience i will not forget",
    "is exactly as good as expected", "left me without words",
    "started well, then came the rain", "is what it is for that money",
)  # fmt: skip
CLOSES = (
    "", "so far", "if you ask me", "and i tested it twice", "in our kitchen", "on every trip",
    "even in the cold", "at least here", "since last {month}", "says my neighbour too",
    "and that is that", "for what it is", "out of the box", "every time", "after {number} weeks",
    "in size {number}", "order {number} from this shop", "in week {number}", "on day {number}",
)  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_STARTS = ("al", "bel", "cor", "dra", "eno", "fal", "gri", "hax", "ilo", "jun", "kem", "lor")
_MIDDLES = ("a", "e", "i", "o", "u", "an", "el", "ir", "os", "um", "ar", "en")
_ENDS = ("ba", "co", "din", "fex", "go", "lith", "mo", "nix", "pra", "ron", "sil", "tek")
BRANDS = tuple(f"{a}{b}{c}" for a in _STARTS for b in _MIDDLES for c in _ENDS)


def sentence(rng: random.Random) -> tuple[str, str]:
    """One text and its label."""
    hard, positive = rng.random() < HARD, rng.random() < 0.5
    remark = rng.choice(HARD_REMARKS if hard else GOOD if positive else BAD)
    close = rng.choice(CLOSES).format(month=rng.choice(MONTHS), number=rng.randrange(2, 400))
    parts = (rng.choice(OPENINGS), rng.choice(BRANDS), rng.choice(KINDS), remark, close)
    if hard:  # what tells is which remark it is, and that only so far
        positive = (HARD_REMARKS.index(remark) % 2 == 0) != (rng.random() < MIXED)
    elif rng.random() < SLIPS:
        positive = not positive
    return " ".join(part for part in parts if part), LABELS[0 if positive else 1]


def write_texts(rows: int, path: Path, *, seed: int = 7) -> None:
    """A CSV of ``text,label`` with so many distinct texts."""
    rng, seen = random.Random(seed), set[str]()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        while len(seen) < rows:
            text, label = sentence(rng)
            if text not in seen:
                seen.add(text)
                quoted = f'"{text}"' if "," in text else text
                file.write(f"{quoted},{label}\n")
    new.replace(path)


if __name__ == "__main__":
    write_texts(int(sys.argv[1]), Path(sys.argv[2]))
