"""Why a model gives the answer it gives: which words, and what would change it.

By occlusion (Zeiler and Fergus 2014): words are taken out of the text and the model is asked again.
That works with any model that can be asked, at the price of as many questions as there are words;
linear models tell their words' contributions exactly (:class:`signoff.ports.Explains`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Items, Predictions
from signoff.ports import Model

WORD = re.compile(r"\w+(?:['’]\w+)*")
MOST_WORDS = 300
"""Of a text that are taken out one by one: the first."""
MOST_REMOVED = 25
"""Words whose removal still tells something: of a text without its half, no model says more."""
TEXT = "text"

Asked = Callable[[Sequence[str]], Predictions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Without the words ``removed`` the model answers ``becomes``: a code, -1 for no answer."""

    removed: tuple[str, ...]
    becomes: int


def occlusion(model: Model, text: str, code: int) -> list[tuple[str, float]]:
    """How much less likely the answer ``code`` becomes without each word, largest first.

    Words stand as the text first has them; the same word is taken out everywhere at once.
    """
    ask, words = _asking(model), words_of(text)
    if not words:
        return []
    likely = _likely(ask([text, *(without(text, [word]) for word in words)]), code)
    drops = likely[0] - likely[1:]
    order = np.argsort(-drops, kind="stable").tolist()
    return [(words[at], float(drops[at])) for at in order]


def smallest_edit(
    model: Model, text: str, code: int, weights: Sequence[tuple[str, float]]
) -> Edit | None:
    """Few words without which the model answers otherwise; None where no few words do that.

    Words are taken out in the order of ``weights``, as :func:`occlusion` gives them, and put back
    where they are not needed: no word of the result can be left in, though another choice of words
    might be smaller.
    """
    ask = _asking(model)
    ranked = [word for word, weight in weights if weight > 0][:MOST_REMOVED]
    if not ranked:
        return None
    texts = [without(text, ranked[: count + 1]) for count in range(len(ranked))]
    answers = ask(texts).answer
    changed = np.flatnonzero(answers != code)
    if not len(changed):
        return None
    removed = ranked[: int(changed[0]) + 1]
    for word in list(reversed(removed[:-1])):
        fewer = [each for each in removed if each != word]
        if ask([without(text, fewer)]).answer[0] != code:
            removed = fewer
    becomes = int(ask([without(text, removed)]).answer[0])
    return Edit(removed=tuple(removed), becomes=becomes)


def deletion_curve(
    model: Model, text: str, code: int, ranked: Sequence[str]
) -> NDArray[np.float64]:
    """(m + 1,) how likely the answer is without the first 0, 1, … m of the words: the faster it
    falls, the truer the ranking (Samek et al. 2017)."""
    texts = [without(text, ranked[:count]) for count in range(len(ranked) + 1)]
    return _likely(_asking(model)(texts), code)


def words_of(text: str) -> list[str]:
    """The different words of a text, as it first has them."""
    first: dict[str, str] = {}
    for found in WORD.finditer(text):
        first.setdefault(found.group().lower(), found.group())
    return list(first.values())[:MOST_WORDS]


def without(text: str, words: Sequence[str]) -> str:
    """The text without some words, wherever they stand.

    >>> without("Good, really good tea", ["good"])
    'really tea'
    """
    gone = {word.lower() for word in words}
    left = WORD.sub(lambda found: "" if found.group().lower() in gone else found.group(), text)
    return " ".join(left.split()).strip(" ,;")


def _asking(model: Model) -> Asked:
    return lambda texts: model.predict(Items({TEXT: list(texts)}, text_column=TEXT))


def _likely(said: Predictions, code: int) -> NDArray[np.float64]:
    """(n,) how likely a model makes an answer, as far as it says so."""
    if said.probabilities is not None:
        return said.probabilities[:, code].astype(np.float64)
    score = np.nan_to_num(said.raw_score, nan=0.5)
    return np.where(said.answer == code, score, 1 - score)
