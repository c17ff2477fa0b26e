"""A stream seen from outside: its items as a table, its status and certificate as JSON."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import polars as pl

from signoff.core.questions import answer_text
from signoff.core.records import Json, Project
from signoff.core.streams import StreamItem, choice_of
from signoff.formats.results import Decisions, results_frame
from signoff.store.store import SqlStore
from signoff.stream.status import status_of


def stream_results(store: SqlStore, project: Project, *, blind: bool = False) -> pl.DataFrame:
    """Every item in the order it came in, with the seven result columns.

    ``blind``: of an open window without why items are asked, and nothing of those that wait for a
    person, of which some are audits of labels that left.
    """
    opened = {pool.number for pool in store.pools(project.id) if pool.phase != "closed"}
    hidden = opened if blind else set[int]()
    found = [
        _covered(item) if item.window in hidden else item
        for window in store.windows(project.id)
        for item in store.window_items(project.id, window.number)
    ]
    given = _reviewers(store, project)
    decided = Decisions(
        answer=[_answer(item, project) for item in found],
        by=[_by(item) for item in found],
        confidence=np.array(
            [np.nan if item.confidence is None else item.confidence for item in found],
            dtype=np.float64,
        ),
        reason=[
            None if item.window in hidden else "audit" if item.heads else item.why for item in found
        ],
        reviewers=[given.get((item.window, item.item), (None, None))[0] for item in found],
        model=[item.model for item in found],
        event=[given.get((item.window, item.item), (None, None))[1] for item in found],
    )
    return results_frame(_frame(found), np.arange(len(found)), {choice_of(project).name: decided})


def _covered(item: StreamItem) -> StreamItem:
    """An item as who may answer it sees it: where it waits for people, nothing is said of it."""
    waits = item.answer is None and (item.heads or not item.left)
    return replace(item, left=False, confidence=None, model=None) if waits else item


def _answer(item: StreamItem, project: Project) -> str | None:
    """What it ended with: a person's answer wins over the label that had left."""
    if item.answer is not None:
        return answer_text(choice_of(project).from_json(item.answer))
    return item.label if item.left else None


def _by(item: StreamItem) -> str | None:
    if item.shown is None:
        return None
    if item.answer is not None:
        return "reviewers"
    return "model" if item.left else None


def _reviewers(store: SqlStore, project: Project) -> dict[tuple[int, int], tuple[str, str]]:
    """Who answered each item, and in which event."""
    names = store.reviewer_names(project.id)
    return {
        (review.pool, review.item): (names[review.reviewer], review.event)
        for window in store.windows(project.id)
        for review in store.reviews(project, window.number)
    }


def _frame(found: list[StreamItem]) -> pl.DataFrame:
    """Key, text and window of each item, and the fields it came with, as text."""
    fields = [_fields(item) for item in found]
    names = dict.fromkeys(name for each in fields for name in each)
    columns: dict[str, pl.Series] = {
        "key": pl.Series(
            [None if item.shown is None else item.key for item in found], dtype=pl.String
        ),
        "text": pl.Series([_text(item) for item in found], dtype=pl.String),
        "window": pl.Series([item.window for item in found], dtype=pl.Int64),
    }
    for name in names:
        if name not in columns:
            values = [None if each.get(name) is None else str(each[name]) for each in fields]
            columns[name] = pl.Series(values, dtype=pl.String)
    return pl.DataFrame(columns)


def _text(item: StreamItem) -> str | None:
    return None if item.shown is None else str(item.shown.get("text", ""))


def _fields(item: StreamItem) -> Json:
    data = (item.shown or {}).get("data")
    return data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def stream_status(store: SqlStore, project: Project) -> Json:
    """Where a stream stands, for whoever runs it."""
    status = status_of(store, project)
    return {
        "project": project.name,
        "question": choice_of(project).text,
        "labels": list(choice_of(project).ids),
        "policy": project.policy.describe(),
        **({} if status is None else asdict(status)),
    }


def stream_certificate(store: SqlStore, project: Project) -> Json | None:
    """The newest window's certificate, with its checkpoint and those of earlier windows."""
    windows = store.windows(project.id)
    issued = [window.certificate for window in windows if window.certificate is not None]
    if not issued:
        return None
    certificate = dict(issued[-1])
    certificate["checkpoint"] = store.newest_checkpoint(project.id)
    certificate["key_id"] = project.key_id
    if len(issued) > 1:
        certificate["earlier_windows"] = issued[:-1]
    return certificate
