"""How many requests were opened, answered and skipped, counted as it happens.

Counting requests would cost more the more there are. Every reviewer has a row of their own per
pool, so that nobody's answer waits for another's; the loop's row has no reviewer.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from signoff.core.records import QueueCounts
from signoff.store.schema import pools
from signoff.store.schema_queue import tallies

LOOP = ""
COUNTS = ("opened", "finished", "answers", "skips")


def _adding(dialect: Any) -> sa.Insert:
    """Add to a row's counts, or make it; the same words on either database."""
    row = dialect.insert(tallies)
    return row.on_conflict_do_update(
        index_elements=["project", "pool", "reviewer"],
        set_={name: tallies.c[name] + row.excluded[name] for name in COUNTS},
    )


# Made once: to build such a statement takes ten times as long as SQLite takes to run it.
_ADD = {"sqlite": _adding(sqlite), "postgresql": _adding(postgresql)}
_COUNTS = sa.select(
    *(sa.func.coalesce(sa.func.sum(tallies.c[name]), 0).label(name) for name in COUNTS)
).where(tallies.c.project == sa.bindparam("project"), tallies.c.pool == sa.bindparam("pool"))
_OWN = sa.select(tallies.c.pool, tallies.c.answers).where(
    tallies.c.project == sa.bindparam("project"),
    tallies.c.reviewer == sa.bindparam("reviewer"),
    tallies.c.pool.in_(
        [
            sa.literal_column("0"),
            sa.select(sa.func.max(pools.c.number))
            .where(pools.c.project == sa.bindparam("project"))
            .scalar_subquery(),
        ]
    ),
)
_ANSWERS_OF = sa.select(tallies.c.answers).where(
    tallies.c.project == sa.bindparam("project"),
    tallies.c.pool == sa.bindparam("pool"),
    tallies.c.reviewer == sa.bindparam("reviewer"),
)


def add(
    db: sa.Connection,
    project: str,
    pool: int,
    reviewer: str = LOOP,
    *,
    opened: int = 0,
    finished: int = 0,
    answers: int = 0,
    skips: int = 0,
) -> None:
    """Add to the counts of a reviewer in a pool."""
    more = {"opened": opened, "finished": finished, "answers": answers, "skips": skips}
    if not any(more.values()):
        return
    row = {"project": project, "pool": pool, "reviewer": reviewer, **more}
    db.execute(_ADD[db.dialect.name], row)


def counts(db: sa.Connection, project: str, pool: int) -> QueueCounts:
    """How many of a pool's requests wait and were answered."""
    row = db.execute(_COUNTS, {"project": project, "pool": pool}).one()
    return QueueCounts(
        open=int(row.opened) - int(row.finished),
        answered=int(row.finished),
        skipped=int(row.skips),
        answers=int(row.answers),
    )


def own(db: sa.Connection, project: str, reviewer: str) -> tuple[int, int]:
    """How many answers of a reviewer count in the newest pool, and in pool 0, where items are whose
    answer is known."""
    rows = db.execute(_OWN, {"project": project, "reviewer": reviewer})
    found = {bool(pool): answers for pool, answers in rows}
    return found.get(True, 0), found.get(False, 0)


def answers_of(db: sa.Connection, project: str, pool: int, reviewer: str) -> int:
    """How many answers of a reviewer count in a pool."""
    place = {"project": project, "pool": pool, "reviewer": reviewer}
    found = db.execute(_ANSWERS_OF, place).scalar_one_or_none()
    return found or 0
