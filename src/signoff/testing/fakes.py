"""Made-up pools, and models that behave as told: to test the loop and what plugs into it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from signoff.core.items import Items, Predictions

LABELS = ("Positive", "Negative")
PRAISE = ("love", "great", "superb", "happy", "perfect", "sturdy", "elegant", "reliable")
BLAME = ("hate", "awful", "broken", "sad", "useless", "flimsy", "ugly", "returned")
THINGS = ("lamp", "kettle", "chair", "phone", "jacket", "bottle", "keyboard", "tent")


def two_topics(rows: int, *, seed: int = 1, sarcasm: float = 0.02) -> list[dict[str, str]]:
    """Short distinct reviews with id, text and label; a share of ``sarcasm`` says the opposite.

    >>> two_topics(1)
    [{'id': '0000', 'text': 'great perfect kettle number 0', 'label': 'Positive'}]
    """
    rng = random.Random(seed)
    made: list[dict[str, str]] = []
    for number in range(rows):
        label = rng.choice(LABELS)
        says_so = rng.random() >= sarcasm
        words = PRAISE if (label == LABELS[0]) == says_so else BLAME
        text = f"{rng.choice(words)} {rng.choice(words)} {rng.choice(THINGS)} number {number}"
        made.append({"id": f"{number:04}", "text": text, "label": label})
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnModel:
    """A model whose answers and scores are columns of the data (scores as text are read)."""

    labels: Sequence[str] = LABELS
    answer: str = "guess"
    score: str = "score"
    version: str = "columns-1"

    def predict(self, items: Items) -> Predictions:
        """What the columns say; an answer that is no label is none."""
        code_of = {label: code for code, label in enumerate(self.labels)}
        codes = [code_of.get(str(value), -1) for value in items.column(self.answer)]
        scores = [float(str(value)) for value in items.column(self.score)]
        return Predictions(answer=np.array(codes, dtype=np.int64), raw_score=np.array(scores))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordModel:
    """Praise is the first label, blame the second; remembers every text it was shown."""

    version: str = "keywords-1"
    seen: list[str] = field(default_factory=list[str])
    score: Callable[[str], float] = lambda _: 0.9

    def predict(self, items: Items) -> Predictions:
        """One answer per text, by its first word; none where that is neither praise nor blame."""
        texts = items.texts
        self.seen.extend(texts)
        return Predictions(
            answer=np.array([self.code(text) for text in texts], dtype=np.int64),
            raw_score=np.array([self.score(text) for text in texts]),
        )

    @staticmethod
    def code(text: str) -> int:
        """0 where the first word is praise, 1 where it is blame, else -1."""
        first = text.partition(" ")[0]
        return 0 if first in PRAISE else 1 if first in BLAME else -1
