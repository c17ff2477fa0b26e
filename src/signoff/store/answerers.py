"""Who answered a project: how much, how fast, and what they said to the same items.

Only reads; SQL only. What a visitor may see of it is for the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from signoff.core.records import CARRIED, Json
from signoff.store.connections import Database
from signoff.store.schema import requests, reviewers, reviews

PACE_OF = 200
"""How many of a reviewer's last answers their pace is taken from."""

MOST_OVERLAPS = 5_000
"""How many items with several answers agreement is measured on: the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerWork:
    """What a reviewer did: ``answers`` that count, ``extra`` ones beside others'.

    ``seconds`` is the median of the last timed answers, ``last`` when the newest answer came.
    """

    id: str
    name: str | None
    kind: str
    answers: int
    extra: int
    last: int | None
    seconds: float | None


class Answerers(Database):
    """Reading who did what; every method is one snapshot."""

    def reviewers_work(self, project: str) -> list[ReviewerWork]:
        """What each reviewer of a project did; who answered most comes first. An answer that was
        carried to a later pool is no work of theirs."""
        stands = reviews.c.undone.is_(False)
        counted = sa.func.count(reviews.c.n).filter(stands, reviews.c.counted.is_(True))
        extra = sa.func.count(reviews.c.n).filter(stands, reviews.c.counted.is_(False))
        with self.reading() as db:
            rows = db.execute(
                sa.select(
                    reviewers.c.id,
                    reviewers.c.name,
                    reviewers.c.kind,
                    counted.label("answers"),
                    extra.label("extra"),
                    sa.func.max(reviews.c.at).label("last"),
                )
                .select_from(reviewers)
                .outerjoin(
                    reviews,
                    (reviews.c.reviewer == reviewers.c.id)
                    & (reviews.c.project == project)
                    & (reviews.c.reason != CARRIED),
                )
                .where(reviewers.c.project == project)
                .group_by(reviewers.c.id, reviewers.c.name, reviewers.c.kind)
                .order_by(counted.desc(), reviewers.c.id)
            ).all()
            return [
                ReviewerWork(
                    id=row.id,
                    name=row.name,
                    kind=row.kind,
                    answers=row.answers,
                    extra=row.extra,
                    last=row.last,
                    seconds=_pace(db, project, row.id),
                )
                for row in rows
            ]

    def overlaps(self, project: str) -> list[Mapping[str, Json]]:
        """Answers of different people to the same item: reviewer to answers by question, for each
        such item, the newest first.

        None of an item that waits for a further person, whom the number would tell what others
        said; none that were carried from an equal item, where they are counted already.
        """
        stands = (
            (reviews.c.project == project)
            & reviews.c.undone.is_(False)
            & reviews.c.answers.is_not(None)
            & (reviews.c.reason != CARRIED)
        )
        several = (
            sa.select(reviews.c.pool, reviews.c.item, sa.func.max(reviews.c.n).label("newest"))
            .join(requests, requests.c.id == reviews.c.request)
            .where(stands, requests.c.state != "open")
            .group_by(reviews.c.pool, reviews.c.item)
            .having(sa.func.count(sa.distinct(reviews.c.reviewer)) > 1)
            .order_by(sa.func.max(reviews.c.n).desc())
            .limit(MOST_OVERLAPS)
            .subquery()
        )
        with self.reading() as db:
            rows = db.execute(
                sa.select(reviews)
                .join(
                    several,
                    (several.c.pool == reviews.c.pool) & (several.c.item == reviews.c.item),
                )
                .where(stands)
                .order_by(several.c.newest.desc(), reviews.c.n)
            )
            found: dict[tuple[int, int], dict[str, Json]] = {}
            for row in rows:
                # Whoever answers an item again is heard once, as they think now.
                if row.answers is not None:
                    found.setdefault((row.pool, row.item), {})[row.reviewer] = row.answers
        return list(found.values())


def _pace(db: sa.Connection, project: str, reviewer: str) -> float | None:
    rows = db.scalars(
        sa.select(reviews.c.seconds)
        .where(
            reviews.c.project == project,
            reviews.c.reviewer == reviewer,
            reviews.c.seconds.is_not(None),
        )
        .order_by(reviews.c.n.desc())
        .limit(PACE_OF)
    ).all()
    return median(rows) if rows else None
