"""Does the queue say what the answers in it say? Requests against reviews, tallies against both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa

from signoff.store.schema import requests, reviews
from signoff.store.schema_queue import tallies

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
        expected[row.pool, "answers"] += row.given
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
