"""Known answers: items that check how people answer, served like any other. SQL only; no
transactions.

A known answer is no item of a pool, so that nothing of it can enter a certificate or teach a model.
Each time it is served it gets a request of its own in pool 0, for one reviewer, which goes the way
of every other request. Its ids, its place and its numbers are those of its neighbours.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from uuid import uuid4

import sqlalchemy as sa

from signoff.core.questions import Form, answers_to_json
from signoff.core.records import Gold, GoldScore, NewEvent, NewGold, PageSettings, Project
from signoff.errors import InputError
from signoff.store import tallies
from signoff.store.lanes import lane, of_gold
from signoff.store.schema import event_content, events, requests, reviews
from signoff.store.schema_queue import comments, gold

POOL = 0
SERVING_BITS = 32
_THERE = sa.select(sa.func.count()).where(
    gold.c.project == sa.bindparam("project"), gold.c.retired.is_(False), gold.c.key.is_not(None)
)

_MET = sa.select(requests.c.gold).where(
    requests.c.project == sa.bindparam("project"),
    requests.c.pool == POOL,
    requests.c.lane.like(sa.bindparam("lanes", type_=sa.String)),
)
_KNOWN = sa.exists().where(
    reviews.c.project == sa.bindparam("project"),
    reviews.c.reviewer == sa.bindparam("reviewer"),
    reviews.c.pool == gold.c.pool,
    reviews.c.item == gold.c.item,
)
_NOT_SEEN = (
    sa.select(gold)
    .where(
        gold.c.project == sa.bindparam("project"),
        gold.c.retired.is_(False),
        gold.c.key.is_not(None),
        gold.c.number.not_in(_MET),
        ~_KNOWN,
    )
    .order_by(gold.c.number)
)


def plant(
    db: sa.Connection, project: Project, new: NewGold, tell: Callable[[Gold], NewEvent]
) -> tuple[int, NewEvent]:
    """Keep a known answer; its number and its event. What it shows may be that of an answered item
    of a pool.

    Raises :class:`InputError` where there is nothing to show.
    """
    key, shown, origin = new.key, new.shown, None
    if shown is None:
        origin = _answered_item(db, project.id, key)
        key, shown = origin.key, origin.shown
    answers = answers_to_json(project.form.check(new.answers))
    event = tell(Gold(number=new.number, key=key, shown=shown, answers=answers, retired=False))
    db.execute(
        sa.insert(gold).values(
            project=project.id,
            number=new.number,
            key=key,
            shown=shown,
            answer=answers,
            pool=None if origin is None else origin.pool,
            item=None if origin is None else origin.item,
            retired=False,
            event=event.id,
            at=event.at,
        )
    )
    return new.number, event


def is_any(db: sa.Connection, project: str) -> bool:
    """Whether a project has known answers, or had before they were erased."""
    found = sa.select(gold.c.number).where(gold.c.project == project).limit(1)
    return db.execute(found).first() is not None


def require_no_hints(page: PageSettings) -> None:
    """Refuse known answers where items come with hints: theirs have none, which would tell them."""
    if page.hints != "off":
        raise InputError(
            "This project shows hints; items with a known answer have none, and would be told by"
            " that.",
            hint="Turn hints off in the settings first.",
        )


def next_number(db: sa.Connection, project: str) -> int:
    """The number of the next known answer."""
    last = sa.select(sa.func.coalesce(sa.func.max(gold.c.number), 0)).where(
        gold.c.project == project
    )
    return db.execute(last).scalar_one() + 1


def _answered_item(db: sa.Connection, project: str, key: str) -> sa.Row[tuple[object, ...]]:
    row = db.execute(
        sa.select(requests)
        .where(requests.c.project == project, requests.c.pool > POOL, requests.c.key == key)
        .limit(1)
    ).first()
    if row is None:
        raise InputError(
            f"No item with the key {key[:40]!r} was asked, so there is nothing to show.",
            hint="Give its text, too.",
        )
    if row.state != "answered":
        raise InputError(
            f"The item {key[:40]!r} still waits for people, who would see it twice.",
            hint="Wait until it is answered, or take another.",
        )
    return row


def all_gold(db: sa.Connection, project: str) -> list[Gold]:
    """The known answers of a project, oldest first."""
    rows = db.execute(sa.select(gold).where(gold.c.project == project).order_by(gold.c.number))
    return [_gold(row) for row in rows]


def _gold(row: sa.Row[tuple[object, ...]]) -> Gold:
    return Gold(
        number=row.number, key=row.key, shown=row.shown, answers=row.answer, retired=row.retired
    )


def not_seen(db: sa.Connection, project: str, reviewer: str, limit: int) -> list[Gold]:
    """Known answers that this reviewer never met, in an order of their own."""
    if limit == 0:
        return []
    # No reviewer's id holds what LIKE reads as a wildcard.
    which = {"project": project, "reviewer": reviewer, "lanes": of_gold(reviewer) + "|%"}
    rows = db.execute(_NOT_SEEN, which).all()
    # Everybody meets them in another order: neighbours cannot compare.
    rows = sorted(rows, key=lambda row: zlib.crc32(f"{reviewer}{row.number}".encode()))
    return [_gold(row) for row in rows[:limit]]


def serve(
    db: sa.Connection,
    project: str,
    reviewer: str,
    chosen: Sequence[Gold],
    beside: Sequence[sa.Row[tuple[object, ...]]],
) -> list[str]:
    """Make requests of known answers, each like one of the requests it stands beside; their ids."""
    ids: list[str] = []
    for at, each in enumerate(chosen):
        neighbour = beside[at % len(beside)]
        # The time in an id is that of its neighbour, the rest is chance: as with all of a round.
        id = neighbour.id[:15] + str(uuid4())[15:]
        db.execute(
            sa.insert(requests).values(
                id=id,
                project=project,
                pool=POOL,
                item=each.number << SERVING_BITS | zlib.crc32(reviewer.encode()),
                reason="gold",
                priority=neighbour.priority,
                state="open",
                key=each.key,
                shown=each.shown,
                wanted=1,
                given=0,
                free=1,
                lane=lane(of_gold(reviewer)),
                gold=each.number,
            )
        )
        tallies.add(db, project, POOL, reviewer, opened=1)
        ids.append(id)
    return ids


def scores(db: sa.Connection, project: str, form: Form) -> list[GoldScore]:
    """How often each reviewer was right where the answer is known: right in every question."""
    rows = db.execute(
        sa.select(reviews.c.reviewer, reviews.c.answers, gold.c.answer)
        .join(requests, requests.c.id == reviews.c.request)
        .join(
            gold,
            sa.and_(gold.c.project == requests.c.project, gold.c.number == requests.c.gold),
        )
        .where(
            reviews.c.project == project,
            reviews.c.pool == POOL,
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        )
        .order_by(reviews.c.n)
    )
    answered: dict[str, int] = {}
    right: dict[str, int] = {}
    for reviewer, said, known in rows:
        if said is None or known is None:
            continue
        given, expected = form.from_json(said), form.from_json(known)
        same = all(each.same(given[each.name], expected[each.name]) for each in form.questions)
        answered[reviewer] = answered.get(reviewer, 0) + 1
        right[reviewer] = right.get(reviewer, 0) + same
    return [
        GoldScore(reviewer=reviewer, answers=count, right=right[reviewer])
        for reviewer, count in answered.items()
    ]


def served(db: sa.Connection, project: str) -> int:
    """How many known answers there are to serve."""
    return db.execute(_THERE, {"project": project}).scalar_one()


def numbers_of(db: sa.Connection, project: str, pool: int, item: int) -> list[int]:
    """The known answers that were taken from an item of a pool."""
    return list(
        db.scalars(
            sa.select(gold.c.number).where(
                gold.c.project == project, gold.c.pool == pool, gold.c.item == item
            )
        )
    )


def number_of_key(db: sa.Connection, project: str, key: str) -> int | None:
    """The known answer with this key, if there is one."""
    return db.execute(
        sa.select(gold.c.number).where(gold.c.project == project, gold.c.key == key).limit(1)
    ).scalar_one_or_none()


def blank(db: sa.Connection, project: str, number: int) -> None:
    """Remove what a known answer shows, what was said to it, and the salts; nobody gets it."""
    shown = sa.and_(requests.c.project == project, requests.c.gold == number)
    items = db.scalars(sa.select(requests.c.item).where(shown)).all()
    mine = sa.select(events.c.id).where(events.c.project == project)
    db.execute(
        sa.delete(event_content).where(
            event_content.c.event.in_(mine),
            event_content.c.pool == POOL,
            event_content.c.item.in_([number, *items]),
        )
    )
    for table in (reviews, comments):
        column = {"answers": sa.null()} if table is reviews else {"text": None}
        db.execute(
            sa.update(table)
            .where(table.c.project == project, table.c.pool == POOL, table.c.item.in_(items))
            .values(column)
        )
    waiting = db.execute(sa.select(requests).where(shown, requests.c.state == "open")).all()
    for row in waiting:
        db.execute(
            sa.update(requests)
            .where(requests.c.id == row.id)
            .values(state="withdrawn", wanted=row.given, free=0)
        )
        tallies.add(db, project, POOL, opened=-1)
    db.execute(sa.update(requests).where(shown).values(key=None, shown=sa.null()))
    db.execute(
        sa.update(gold)
        .where(gold.c.project == project, gold.c.number == number)
        .values(key=None, shown=sa.null(), answer=sa.null(), retired=True)
    )
