"""The secret seeds of windows: nothing but the functions here reads them.

A coin falls for logged admissions alone, and a seed is given away only once no coin and no verdict
of its window is to come.
"""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa

from signoff.core.coins import is_heads, seed_from_number
from signoff.core.streams import window_name
from signoff.store.schema_streams import items, window_seeds, windows

OPERATORS = 0
"""The number of no window: under it is what an operator chose, for the seeds of all windows."""

# Statements of every decision are made once, as in seats.py.
_IN_PROJECT = sa.bindparam("in_project", type_=sa.String)
_AT_WINDOW = sa.bindparam("at_window", type_=sa.Integer)
_ADMITTED = (
    sa.select(items.c.item, items.c.number)
    .where(
        items.c.project == _IN_PROJECT,
        items.c.window == _AT_WINDOW,
        items.c.state == "admitted",
    )
    .order_by(items.c.number)
)
_SEED = sa.select(window_seeds.c.seed).where(
    window_seeds.c.project == _IN_PROJECT, window_seeds.c.number == _AT_WINDOW
)


def keep_number(db: sa.Connection, project: str, chosen: int) -> None:
    """Store the number that an operator chose for a stream's seeds."""
    keep_seed(db, project, OPERATORS, str(chosen).encode())


def operators_seed(db: sa.Connection, project: str, number: int) -> bytes | None:
    """The seed of a window that follows from what an operator chose; None where nobody did."""
    chosen = db.execute(
        sa.select(window_seeds.c.seed).where(
            window_seeds.c.project == project, window_seeds.c.number == OPERATORS
        )
    ).scalar_one_or_none()
    return None if chosen is None else seed_from_number(int(chosen), window_name(number))


def keep_seed(db: sa.Connection, project: str, number: int, seed: bytes) -> None:
    """Store the seed of a window that begins."""
    db.execute(sa.insert(window_seeds).values(project=project, number=number, seed=seed))


def flip(
    db: sa.Connection, project: str, number: int, audit_rate: Decimal
) -> list[tuple[int, bool]]:
    """The coins of a window's admissions that have none yet, as (item, heads) in order of
    admission."""
    admitted = db.execute(_ADMITTED, {"in_project": project, "at_window": number}).all()
    if not admitted:
        return []
    pi, seed = float(audit_rate), _seed(db, project, number)
    name = window_name(number)
    return [(item, is_heads(seed, name, item, at, pi)) for item, at in admitted]


def reveal(db: sa.Connection, project: str, number: int) -> bytes:
    """The seed of a window that is full and waits for nothing; else :class:`ValueError`."""
    undecided = db.execute(
        sa.select(sa.func.count()).where(
            items.c.project == project, items.c.window == number, items.c.state != "decided"
        )
    ).scalar_one()
    window = _window(db, project, number)
    size = window.plan["items"] if window.ended is None else window.ended
    if undecided or window.arrived < size:
        raise ValueError(f"window {number} is not over: its seed stays secret")
    return _seed(db, project, number)


def _window(db: sa.Connection, project: str, number: int) -> sa.Row[tuple[object, ...]]:
    return db.execute(
        sa.select(windows).where(windows.c.project == project, windows.c.number == number)
    ).one()


def _seed(db: sa.Connection, project: str, number: int) -> bytes:
    return db.execute(_SEED, {"in_project": project, "at_window": number}).scalar_one()
