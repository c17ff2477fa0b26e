"""What tells how sure a model is: features for a calibration on people's answers, never the gate.

All are numbers in [0, 1], NaN where the model does not tell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from signoff.models.llm.calls import Token

NOTHING = math.nan


def label_probability(tokens: Sequence[Token], code: str, codes: Collection[str]) -> float:
    """The weight of a code among all codes, where the reply first gave it: exp of its
    log-probability over the sum of theirs. NaN where the provider did not list another code.

    >>> told = Token(text='A', log_probability=-0.1, others={'A': -0.1, ' B': -2.4})
    >>> round(label_probability([told], "A", ["A", "B"]), 3)
    0.909
    """
    for token in tokens:
        if _bare(token.text) == code:
            weights: dict[str, float] = {code: math.exp(min(0.0, token.log_probability))}
            for text, weight in token.others.items():
                name = _bare(text)
                if name in codes and name != code:
                    weights[name] = weights.get(name, 0.0) + math.exp(min(0.0, weight))
            total = sum(weights.values())
            known = len(weights) > 1 and math.isfinite(total) and total > 0
            return weights[code] / total if known else NOTHING
    return NOTHING


def answered_probability(tokens: Sequence[Token], codes: Collection[str]) -> float:
    """The :func:`label_probability` of the code that the reply answers with: the first there is."""
    first = next((_bare(token.text) for token in tokens if _bare(token.text) in codes), None)
    return NOTHING if first is None else label_probability(tokens, first, codes)


def agreement(answers: Sequence[object], own: object) -> float:
    """The share of further samples that give the same answer; NaN without samples."""
    if not answers:
        return NOTHING
    return Counter(answers)[own] / len(answers)


def order_consistency(first: object, swapped: object) -> float:
    """1 where a pair shown in either order gets the same answer, else 0."""
    return float(first == swapped)


def _bare(text: str) -> str:
    return text.strip().strip('"').strip()
