"""Streams in SQL: windows and items. No transactions; callers hold the stream's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import cast

import sqlalchemy as sa

from signoff.core.records import AskReason, Json, NewRequest
from signoff.core.streams import (
    Answered,
    StreamItem,
    StreamSpec,
    StreamState,
    Window,
)
from signoff.core.windows import WindowPlan
from signoff.store import queue
from signoff.store.schema import erased_keys, pools, reviews
from signoff.store.schema_streams import items, streams, windows

CHUNK = 500
COUNTS = (
    "arrived", "admitted", "audited", "tails", "finds", "open", "automatic", "repeats", "alarmed",
    "ended", "certificate",
)  # fmt: skip
"""What changes of a window."""

ITEM_COLUMNS = tuple(field.name for field in fields(StreamItem))
UNDONE_NO_MORE = "finishing"
"""The phase of a sealed answer: no window is ever in it, so that nobody can take it back."""

# Statements of every decision are made once, as in seats.py.
_IN_PROJECT = sa.bindparam("in_project", type_=sa.String)
_AT_WINDOW = sa.bindparam("at_window", type_=sa.Integer)
_STREAM = sa.select(streams).where(streams.c.project == _IN_PROJECT)
_LOCKED_STREAM = _STREAM.with_for_update()
_NEWEST_WINDOW = (
    sa.select(windows)
    .where(windows.c.project == _IN_PROJECT)
    .order_by(windows.c.number.desc())
    .limit(1)
)
_UPDATE_WINDOW = (
    sa.update(windows)
    .where(windows.c.project == _IN_PROJECT, windows.c.number == _AT_WINDOW)
    .values({name: sa.bindparam(f"new_{name}", type_=windows.c[name].type) for name in COUNTS})
)
_INSERT_ITEMS = sa.insert(items)
_UPDATE_ITEMS = (
    sa.update(items)
    .where(
        items.c.project == _IN_PROJECT,
        items.c.window == _AT_WINDOW,
        items.c.item == sa.bindparam("at_item", type_=sa.BigInteger),
    )
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=items.c[name].type)
            for name in ("why", "state", "heads", "left", "answer", "answered")
        }
    )
)
_BY_KEY = sa.select(items).where(
    items.c.project == _IN_PROJECT,
    items.c.key.in_(sa.bindparam("keys", expanding=True, type_=sa.String)),
)
_SAME_CONTENT = (
    sa.select(items)
    .where(
        items.c.project == _IN_PROJECT,
        items.c.window == _AT_WINDOW,
        items.c.digest.in_(sa.bindparam("digests", expanding=True, type_=sa.String)),
        items.c.answered.is_not(None),
    )
    .order_by(items.c.item.desc())
)
_UNDECIDED = (
    sa.select(items.c.window)
    .where(
        items.c.project == _IN_PROJECT,
        items.c.state != "decided",
        items.c.state == sa.bindparam("in_state", type_=sa.String),
    )
    .distinct()
    .order_by(items.c.window)
)
_GIVEN = (
    sa.select(items, reviews.c.id.label("review"), reviews.c.answers.label("given"))
    .join(
        reviews,
        sa.and_(
            reviews.c.project == items.c.project,
            reviews.c.pool == items.c.window,
            reviews.c.item == items.c.item,
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        ),
    )
    .where(
        items.c.project == _IN_PROJECT,
        items.c.state != "decided",
        items.c.state == "waiting",
        reviews.c.at <= sa.bindparam("until", type_=sa.BigInteger),
    )
    .order_by(reviews.c.n)
)
"""Answers that count, are old enough, and are not sealed, with their waiting items."""
_FIRST_GIVEN = _GIVEN.limit(1)

# ---------------------------------------------------------------------------- streams


def insert_stream(db: sa.Connection, project: str, spec: StreamSpec) -> None:
    """Store a new stream."""
    db.execute(
        sa.insert(streams).values(
            project=project,
            spec=spec.to_json(),
            answers=0,
            model=None,
            fitted_at=0,
            fresh_from=0,
        )
    )


def read_stream(db: sa.Connection, project: str, *, lock: bool = False) -> StreamState:
    """The stream; with ``lock`` nobody else changes it until the transaction ends."""
    row = db.execute(_LOCKED_STREAM if lock else _STREAM, {"in_project": project}).one()
    return StreamState(
        spec=StreamSpec.from_json(row.spec),
        answers=row.answers,
        model=row.model,
        fitted_at=row.fitted_at,
        fresh_from=row.fresh_from,
    )


def update_stream(db: sa.Connection, project: str, **changes: object) -> None:
    """Change a stream's counts or model."""
    db.execute(sa.update(streams).where(streams.c.project == project).values(**changes))


# ---------------------------------------------------------------------------- windows


def insert_window(db: sa.Connection, project: str, window: Window) -> None:
    """Store a window that begins, also as the pool that reviewers know it as."""
    values = asdict(window) | {"plan": window.plan.to_json()}
    db.execute(sa.insert(windows).values(project=project, **values))
    db.execute(
        sa.insert(pools).values(
            project=project,
            number=window.number,
            rows=window.plan.items,
            items=window.plan.items,
            phase="learning",
            rows_root="",
            undone=0,
        )
    )


def update_window(db: sa.Connection, project: str, window: Window) -> None:
    """Store a window's counts."""
    counts = {f"new_{name}": getattr(window, name) for name in COUNTS}
    db.execute(_UPDATE_WINDOW, {"in_project": project, "at_window": window.number, **counts})


def shrink_pool(db: sa.Connection, project: str, number: int, items: int) -> None:
    """Let a window that ended early count as the pool it became."""
    db.execute(
        sa.update(pools)
        .where(pools.c.project == project, pools.c.number == number)
        .values(rows=items, items=items)
    )


def close_pool(db: sa.Connection, project: str, number: int) -> None:
    """Nothing of this window waits for people any more."""
    db.execute(
        sa.update(pools)
        .where(pools.c.project == project, pools.c.number == number)
        .values(phase="closed")
    )


def closed_pools(db: sa.Connection, project: str) -> int:
    """How many windows are over."""
    return db.execute(
        sa.select(sa.func.count()).where(pools.c.project == project, pools.c.phase == "closed")
    ).scalar_one()


def read_windows(
    db: sa.Connection, project: str, *, number: int | None = None, newest: bool = False
) -> list[Window]:
    """The windows of a stream, oldest first: all, one by number, or the newest alone."""
    if newest:
        return [_window(row) for row in db.execute(_NEWEST_WINDOW, {"in_project": project})]
    query = sa.select(windows).where(windows.c.project == project)
    if number is not None:
        query = query.where(windows.c.number == number)
    return [_window(row) for row in db.execute(query.order_by(windows.c.number))]


def _window(row: sa.Row[tuple[object, ...]]) -> Window:
    values = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["project"]
    plan = WindowPlan.from_json(cast("Json", values.pop("plan")))
    return Window(plan=plan, **cast("dict[str, object]", values))  # pyright: ignore[reportArgumentType]


# ------------------------------------------------------------------------------ items


def insert_items(db: sa.Connection, project: str, new: Sequence[StreamItem]) -> None:
    """Store items that arrived."""
    if new:
        db.execute(_INSERT_ITEMS, [_row(project, item) for item in new])


def _row(project: str, item: StreamItem) -> dict[str, object]:
    return {"project": project, **{name: getattr(item, name) for name in ITEM_COLUMNS}}


def update_items(db: sa.Connection, project: str, changed: Sequence[StreamItem]) -> None:
    """Store what became of items."""
    if not changed:
        return
    db.execute(
        _UPDATE_ITEMS,
        [
            {
                "in_project": project,
                "at_window": item.window,
                "at_item": item.item,
                "new_why": item.why,
                "new_state": item.state,
                "new_heads": item.heads,
                "new_left": item.left,
                "new_answer": item.answer,
                "new_answered": item.answered,
            }
            for item in changed
        ],
    )


def ask(
    db: sa.Connection, project: str, window: Window, asked: Sequence[tuple[StreamItem, AskReason]]
) -> None:
    """Open requests for items of one window; earlier windows, then earlier items come first."""
    before = (window.number - 1) * window.plan.items
    queue.open_requests(
        db,
        project,
        window.number,
        [
            NewRequest(
                id=item.request,
                item=item.item,
                reason=reason,
                priority=before + item.item,
                key=item.key,
                shown=seen_by_people(item.shown),
            )
            for item, reason in asked
        ],
    )


def seen_by_people(shown: Json | None) -> Json | None:
    """What people see of an item: its text and fields, and nothing that a model said."""
    if shown is None:
        return None
    return {name: shown[name] for name in ("text", "data") if name in shown}


def items_by_key(db: sa.Connection, project: str, keys: Sequence[str]) -> dict[str, StreamItem]:
    """The items with these keys."""
    found: dict[str, StreamItem] = {}
    for at in range(0, len(keys), CHUNK):
        some = {"in_project": project, "keys": list(keys[at : at + CHUNK])}
        rows = db.execute(_BY_KEY, some)
        found |= {row.key: item_of(row) for row in rows}
    return found


def erased_among(db: sa.Connection, project: str, digests: Sequence[str]) -> set[str]:
    """Those of these digests that erased keys have."""
    found: set[str] = set()
    for at in range(0, len(digests), CHUNK):
        found |= set(
            db.scalars(
                sa.select(erased_keys.c.digest).where(
                    erased_keys.c.project == project,
                    erased_keys.c.digest.in_(digests[at : at + CHUNK]),
                )
            )
        )
    return found


def withdrawn(db: sa.Connection, project: str, number: int) -> int:
    """How many items of a window were erased before anybody decided them."""
    left_for_good = sa.and_(items.c.left, items.c.heads.is_(False))
    return db.execute(
        sa.select(sa.func.count()).where(
            items.c.project == project,
            items.c.window == number,
            items.c.shown.is_(None),
            items.c.answered.is_(None),
            items.c.repeats.is_(None),
            ~sa.func.coalesce(left_for_good, sa.false()),
        )
    ).scalar_one()


def item_by_id(db: sa.Connection, project: str, id: str) -> StreamItem | None:
    """An item by its public id."""
    row = db.execute(sa.select(items).where(items.c.project == project, items.c.id == id)).first()
    return None if row is None else item_of(row)


def window_items(
    db: sa.Connection, project: str, number: int, *, only: Sequence[int] | None = None
) -> list[StreamItem]:
    """The items of a window in order, or ``only`` these."""
    query = sa.select(items).where(items.c.project == project, items.c.window == number)
    if only is not None:
        query = query.where(items.c.item.in_(only))
    return [item_of(row) for row in db.execute(query.order_by(items.c.item))]


def answered_contents(
    db: sa.Connection, project: str, number: int, digests: Sequence[str]
) -> dict[str, StreamItem]:
    """By digest: the first item of a window with this content that a person answered."""
    found: dict[str, StreamItem] = {}
    for at in range(0, len(digests), CHUNK):
        some = list(digests[at : at + CHUNK])
        which = {"in_project": project, "at_window": number, "digests": some}
        rows = db.execute(_SAME_CONTENT, which)
        found |= {row.digest: item_of(row) for row in rows}
    return found


def undecided_windows(db: sa.Connection, project: str, state: str) -> list[int]:
    """The windows that have items in this state."""
    return list(db.scalars(_UNDECIDED, {"in_project": project, "in_state": state}))


def is_decided(db: sa.Connection, project: str, number: int) -> bool:
    """Whether nothing of a window's items is to come."""
    waiting = sa.select(items.c.item).where(
        items.c.project == project, items.c.window == number, items.c.state != "decided"
    )
    return db.execute(waiting.limit(1)).first() is None


def to_learn_from(db: sa.Connection, project: str, *, after: int, most: int) -> list[StreamItem]:
    """The newest items that people answered, after so many answers, in order of answering."""
    rows = db.execute(
        sa.select(items)
        .where(items.c.project == project, items.c.answered > after, items.c.shown.is_not(None))
        .order_by(items.c.answered.desc())
        .limit(most)
    ).all()
    return [item_of(row) for row in reversed(rows)]


def traffic(db: sa.Connection, project: str, *, most: int) -> list[StreamItem]:
    """The newest items, whatever became of them."""
    rows = db.execute(
        sa.select(items)
        .where(items.c.project == project, items.c.shown.is_not(None))
        .order_by(items.c.window.desc(), items.c.item.desc())
        .limit(most)
    ).all()
    return [item_of(row) for row in reversed(rows)]


def item_of(row: sa.Row[tuple[object, ...]]) -> StreamItem:
    """An item from its row."""
    values = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["project"]
    return StreamItem(**values)  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------------------- answers


def has_answers(db: sa.Connection, project: str, until: int) -> bool:
    """Whether there are answers to seal."""
    return db.execute(_FIRST_GIVEN, {"in_project": project, "until": until}).first() is not None


def seal_answers(db: sa.Connection, project: str, until: int) -> list[Answered]:
    """Seal the answers given until then, in order: from now on nobody can take them back."""
    found = db.execute(_GIVEN, {"in_project": project, "until": until}).all()
    sealed: set[str] = set()
    ids = [str(row.review) for row in found]
    for at in range(0, len(ids), CHUNK):
        sealed |= set(
            db.scalars(
                sa.update(reviews)
                .where(reviews.c.id.in_(ids[at : at + CHUNK]), reviews.c.undone.is_(False))
                .values(phase=UNDONE_NO_MORE)
                .returning(reviews.c.id)
            )
        )
    return [_answered(row) for row in found if row.review in sealed]


def _answered(row: sa.Row[tuple[object, ...]]) -> Answered:
    values = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    review, answers = str(values.pop("review")), cast("dict[str, Json]", values.pop("given"))
    del values["project"]
    item = StreamItem(**values)  # pyright: ignore[reportArgumentType]
    (answer,) = answers.values()
    return Answered(item=item, answer=answer, review=review)
