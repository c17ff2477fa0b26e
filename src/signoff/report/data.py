"""What a report is made of: plain values, so that any store can fill them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows and items, and who decided them.

    ``human`` maps a phase, in the order to show ("learning", "audit", "review", …), to the
    answers people gave in it. ``audited`` labels are among them.
    """

    rows: int
    items: int
    human: Mapping[str, int]
    automatic: int
    undecided: int = 0

    @property
    def people(self) -> int:
        """Items people decided."""
        return sum(self.human.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSample:
    """The blindly audited labels, columnar over m of them, in frozen order.

    - ``position`` (m,) int64: place among the ``admitted`` labels, most confident first, from 0.
    - ``label``: what the model said; ``answer``: what people said ("cannot say" written out).
    - ``confidence`` (m,) float64: calibrated probability of being right, NaN where unknown.
    - ``right`` (m,) bool: the verdicts.
    - ``weight`` (m,) float64: labels each stands for, None where all stand for equally many.
    - ``standing``: the number of labels, from the most confident on, that the audit let stand
      (None where slices have ends of their own).
    """

    position: NDArray[np.int64]
    label: Sequence[str]
    answer: Sequence[str]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    admitted: int
    weight: NDArray[np.float64] | None = None
    standing: int | None = None

    def __len__(self) -> int:
        return len(self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRound:
    """One round of learning: answers so far, and what was expected then.

    ``forecast`` is the expected total of people's answers when all is done; ``bound`` the share
    of wrong labels that could have been promised then; ``accuracy`` the model's estimated share
    of right answers. None where not known.
    """

    answers: int
    forecast: int | None = None
    bound: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """An item on which people said something other than the model."""

    text: str
    model: str
    people: str
    confidence: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Who answered, and how much."""

    name: str
    kind: str
    answers: int
    median_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything a report shows; what is empty or None is left out of it.

    ``certificate`` is the certificate's JSON; ``slices`` are rows of a table whose first holds
    the names of columns; ``tokens`` maps a label to (token, weight), largest first; ``log`` maps
    names to what tells the log apart (project, key id, checkpoint); ``verify`` are commands.
    ``overruled_total`` counts all, where ``overruled`` holds only some.
    """

    title: str
    question: str
    labels: Sequence[str]
    policy: str
    counts: Counts
    created: str
    max_error: float | None = None
    certificate: Mapping[str, object] | None = None
    audit: AuditSample | None = None
    rounds: Sequence[LearningRound] = ()
    slices: Sequence[Sequence[str]] = ()
    tokens: Mapping[str, Sequence[tuple[str, float]]] = field(
        default_factory=dict[str, Sequence[tuple[str, float]]]
    )
    overruled: Sequence[Overruled] = ()
    overruled_total: int | None = None
    answerers: Sequence[Answerer] = ()
    log: Mapping[str, str] = field(default_factory=dict[str, str])
    verify: Sequence[str] = ()
    warnings: Sequence[str] = ()
    version: str = ""
