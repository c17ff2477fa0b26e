"""The user's table with what was decided, by whom and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.core.repeated import repeated

RESULT_COLUMNS = (
    "signoff_answer",
    "signoff_by",
    "signoff_confidence",
    "signoff_reason",
    "signoff_reviewers",
    "signoff_model",
    "signoff_event",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What was decided about each of n items; every column has length n, None is undecided.

    - ``answer``: the label, or how "cannot say" is written.
    - ``by``: "model", "reviewers" or "blend".
    - ``confidence`` (n,) float64: calibrated probability, NaN where there is none.
    - ``reason``: why a person was asked or why the model could decide.
    - ``reviewers``: names of those who answered, "; " between them.
    - ``model``: version of the model that decided.
    - ``event``: id of the log event the decision is in.
    """

    answer: Sequence[str | None]
    by: Sequence[str | None]
    confidence: NDArray[np.float64]
    reason: Sequence[str | None]
    reviewers: Sequence[str | None]
    model: Sequence[str | None]
    event: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.answer)


def results_frame(
    frame: pl.DataFrame, item_of_row: NDArray[np.int64], decisions: Mapping[str, Decisions]
) -> pl.DataFrame:
    """The input's columns as they were, and the seven result columns of each question, one row per
    input row; of several questions, each column's name ends with the question's."""
    several = len(decisions) > 1
    columns = [
        column.alias(f"{column.name}.{question}") if several else column
        for question, decided in decisions.items()
        for column in _columns(decided)
    ]
    return frame.hstack(pl.DataFrame(columns)[item_of_row])


def _columns(decisions: Decisions) -> list[pl.Series]:
    return [
        _text("signoff_answer", decisions.answer),
        _text("signoff_by", decisions.by),
        pl.Series("signoff_confidence", decisions.confidence, nan_to_null=True).round(6),
        _text("signoff_reason", decisions.reason),
        _text("signoff_reviewers", decisions.reviewers),
        _text("signoff_model", decisions.model),
        _text("signoff_event", decisions.event),
    ]


def _text(name: str, values: Sequence[str | None]) -> pl.Series:
    column = repeated(values)
    return pl.Series(name, list(column.values), dtype=pl.String).gather(column.place)
