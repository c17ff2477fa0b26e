"""Does the queue say what the answers in it say? Requests against reviews, tallies against both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

import sqlalchemy as sa

from signoff.core.events import instant
from signoff.core.records import CARRIED
from signoff.store.assigning import all_tags
from signoff.store.schema import requests, reviews
from signoff.store.schema_queue import comments, tallies

COUNTS = ("opened", "finished", "answers", "skips")


def queue_disagreements(db: sa.Connection, project: str) -> Iterator[str]:
    """What requests and tallies say that the answers do not, one sentence each."""
    answers = dict[str, int](
        db.execute(
            sa.select(reviews.c.request, sa.func.count())
            .where(_standing(project))
            .group_by(reviews.c.request)
        ).all()  # pyright: ignore[reportArgumentType]
    )
    expected: Counter[tuple[int, str]] = Counter()
    for row in db.execute(sa.select(requests).where(requests.c.project == project)):
        given = answers.pop(row.id, 0)
        if given != row.given:
            yield (
                f"The request for item {row.item} of pool {row.pool} counts {row.given} answers,"
                f" {given} stand."
            )
        if row.state == "answered" and row.given < row.wanted:
            yield (
                f"Item {row.item} of pool {row.pool} counts as answered with {row.given} of"
                f" {row.wanted} answers."
            )
        expected[row.pool, "opened"] += row.state != "withdrawn"
        expected[row.pool, "finished"] += row.state == "answered"
        expected[row.pool, "skips"] += row.skips
        # What was carried over is an answer of the item, and none that was given in this pool.
        expected[row.pool, "answers"] += 0 if row.reason == CARRIED else row.given
    if answers:
        yield f"{len(answers)} requests have answers and are not there."
    yield from _tallies(db, project, expected)


def _tallies(db: sa.Connection, project: str, expected: Counter[tuple[int, str]]) -> Iterator[str]:
    sums = [sa.func.sum(tallies.c[name]) for name in COUNTS]
    found: Counter[tuple[int, str]] = Counter()
    rows = db.execute(
        sa.select(tallies.c.pool, *sums)
        .where(tallies.c.project == project)
        .group_by(tallies.c.pool)
    )
    for pool, *totals in rows:
        for name, total in zip(COUNTS, totals, strict=True):
            found[pool, name] = int(total)
    for pool, name in sorted(expected.keys() | found.keys()):
        if expected[pool, name] != found[pool, name]:
            yield (
                f"Pool {pool} is counted with {found[pool, name]} {name}, the queue has"
                f" {expected[pool, name]}."
            )


def _standing(project: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        reviews.c.project == project,
        reviews.c.undone.is_(False),
        reviews.c.counted.is_(True),
    )


class Told(Protocol):
    """An event and the content that was not erased."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def body(self) -> Mapping[str, object]: ...
    @property
    def content(self) -> Mapping[str, str]: ...


def said_otherwise(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    """Comments that are not what was logged, and those that are gone."""
    told = {each.id: each for each in log if each.type in SAID}
    rows = db.execute(sa.select(comments).where(comments.c.project == project)).all()
    gone = {each.id for each in told.values() if each.type == "comment.added"}
    gone -= {row.event for row in rows}
    if gone:
        yield f"{len(gone)} comments of the log are not in the tables."
    for row in rows:
        event = told.get(row.event)
        if event is None:
            yield f"A comment on item {row.item} of pool {row.pool} is not in the log."
            continue
        name = "note" if row.kind == "flag" else "text"
        text = event.content.get(name)
        said = (
            # A known answer is in no pool, and its event names its number alone.
            event.body.get("pool", row.pool),
            event.body.get("item", row.item),
            event.body.get("reviewer"),
            event.at,
            None if text is None else json.loads(text),
        )
        if said != (row.pool, row.item, row.reviewer, instant(row.at), row.text):
            yield f"A comment on item {row.item} of pool {row.pool} is not what was logged."


SAID = ("comment.added", "item.flagged", "gold.said")


def tagged_otherwise(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    """Reviewers whose skills are not those that were logged last."""
    said = {
        str(each.body["reviewer"]): sorted(cast("list[str]", each.body["tags"]))
        for each in log
        if each.type == "reviewer.tagged"
    }
    found = {reviewer: sorted(tags) for reviewer, tags in all_tags(db, project).items()}
    for reviewer in sorted(said.keys() | found.keys()):
        if said.get(reviewer, []) != found.get(reviewer, []):
            yield f"Reviewer {reviewer} has other skills in the table than in the log."
