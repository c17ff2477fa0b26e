"""Routing: which predictions may stand without a person, and which go to people.

A policy is a value. It never trusts a self-reported score: what it compares is the confidence
that was calibrated on people's answers, or the certificate's ``standing`` labels. Whatever is
unknown goes to people, and rules ("always a person for ...") win over every policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from signoff.errors import UsageError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Predictions to route, columnar over n items.

    - ``codes`` (n,): label index, -1 where the model gave none.
    - ``confidence`` (n,): calibrated probability of being right; NaN where not known.
    - ``people_only`` (n,): a rule, or an empty text, keeps the item for people.
    - ``standing`` (n,): the certificate lets the label stand; None where there is none.
    """

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    people_only: Mask
    standing: Mask | None = None

    @property
    def possible(self) -> Mask:
        """Items a model may decide at all."""
        return (self.codes >= 0) & ~self.people_only


class RoutingPolicy(Protocol):
    """One verb: which candidates are AUTO. Everything else is REVIEW."""

    def automatic(self, candidates: Candidates) -> Mask: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """Automatic only where a certificate holds: at most ``max_error`` of all labels may differ.

    ``certainty`` is the confidence of the statement (1 - alpha); ``slice`` names a column whose
    every value gets a certificate of its own.
    """

    max_error: Decimal = Decimal("0.05")
    certainty: Decimal = Decimal("0.95")
    slice: str | None = None

    @property
    def alpha(self) -> Decimal:
        """The probability the promise may fail with."""
        return 1 - self.certainty

    def automatic(self, candidates: Candidates) -> Mask:
        """What the audit lets stand; nothing before there was one."""
        if candidates.standing is None:
            return np.zeros(len(candidates.codes), dtype=np.bool_)
        return candidates.possible & candidates.standing

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {
            "kind": "certified",
            "max_error": str(self.max_error),
            "certainty": str(self.certainty),
            "slice": self.slice,
        }

    def describe(self) -> str:
        """As shown to people."""
        by = f" in every {self.slice}" if self.slice else ""
        return f"certified, max error {self.max_error}{by}, certainty {self.certainty}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Automatic where calibrated confidence reaches ``confidence``; promises nothing."""

    confidence: float

    def __post_init__(self) -> None:
        if not 0 < self.confidence <= 1:
            raise UsageError(
                f"A threshold of {self.confidence!r} is no probability.",
                hint="Write --policy threshold:0.9 (between 0 and 1).",
            )

    def automatic(self, candidates: Candidates) -> Mask:
        """Finite confidence at or above the threshold."""
        confidence = candidates.confidence
        with np.errstate(invalid="ignore"):
            sure = np.isfinite(confidence) & (confidence >= self.confidence)
        return candidates.possible & sure

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {"kind": "threshold", "confidence": repr(self.confidence)}

    def describe(self) -> str:
        """As shown to people."""
        return f"threshold {self.confidence:g} on calibrated confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody answers everything; nothing is automatic."""

    def automatic(self, candidates: Candidates) -> Mask:
        """Nothing."""
        return np.zeros(len(candidates.codes), dtype=np.bool_)

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {"kind": "people"}

    def describe(self) -> str:
        """As shown to people."""
        return "people answer everything"


Policy = Certified | Threshold | People


def policy_from_json(value: Mapping[str, object]) -> Policy:
    """The inverse of ``to_json``."""
    match value.get("kind"):
        case "certified":
            by = value.get("slice")
            return Certified(
                max_error=Decimal(str(value["max_error"])),
                certainty=Decimal(str(value["certainty"])),
                slice=None if by is None else str(by),
            )
        case "threshold":
            return Threshold(confidence=float(str(value["confidence"])))
        case "people":
            return People()
        case kind:
            raise UsageError(f"Policy {kind!r} is not known.", hint="Update signoff.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAlways:
    """Rule: items whose ``column`` holds ``value`` go to a person whatever the model says."""

    column: str
    value: str

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {"kind": "ask_always", "column": self.column, "value": self.value}
