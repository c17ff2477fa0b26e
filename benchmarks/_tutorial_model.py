"""The model of both sides of ``tutorial.py``: it answers at once, in the form the tutorial reads.

``answer`` takes a prompt and says ``Sentiment: ..`` and ``Confidence: ..``, as a language model was
asked to; ``KeywordModel`` puts the same function behind ``predict(list)``, one call per text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from _texts import BAD, CLOSES, GOOD, HARD_REMARKS, KINDS, LABELS, OPENINGS

PROMPT = "Is the writer of this review content? Give sentiment and confidence. The review: "
SURE, UNSURE = 0.97, 0.7


def _cues() -> dict[str, str]:
    """Words that give a remark away, with what the model says then."""
    used = Counter(" ".join((*OPENINGS, *KINDS, *GOOD, *CLOSES, PROMPT)).lower().split())
    cues: dict[str, str] = {}
    for at, remark in enumerate((*HARD_REMARKS, *BAD)):
        hard = at < len(HARD_REMARKS)
        label = LABELS[at % 2] if hard else LABELS[1]
        said = f"Sentiment: {label}\nConfidence: {UNSURE if hard else SURE}"
        word = next(w for w in sorted(remark.split(), key=len)[::-1] if w not in used)
        cues.setdefault(word, said)
    return cues


_CUES = _cues()
_NO_CUE = f"Sentiment: {LABELS[0]}\nConfidence: {SURE}"


def answer(prompt: str) -> str:
    """What the model says of a prompt, in a microsecond or two."""
    for word in prompt[len(PROMPT) :].split():
        if word in _CUES:
            return _CUES[word]
    return _NO_CUE


def read(said: str) -> tuple[str, float]:
    """Label and confidence from the two lines."""
    first, _, second = said.partition("\n")
    try:
        return first.removeprefix("Sentiment:").strip(), float(second.removeprefix("Confidence:"))
    except ValueError:
        return "Unknown", 0.0


class KeywordModel:
    """The same model, called for one text after the other."""

    def predict(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """A label and a confidence each."""
        return [read(answer(PROMPT + text)) for text in texts]
