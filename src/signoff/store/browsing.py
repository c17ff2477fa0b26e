"""What those who run a project look at: items people were asked, and events.

Only reads. Lists go by keyset: each page begins behind the last row of the one before, so that the
millionth row costs what the first does. SQL only; what a visitor may see is for the caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa

from signoff.core.records import AskReason, Json, RequestState
from signoff.errors import StoreError
from signoff.store.connections import Database
from signoff.store.schema import (
    artifacts,
    event_content,
    events,
    requests,
    reviews,
)

FEW = 500
"""How many items are named one by one in a query; of more the range is read."""

WAITING: tuple[RequestState, ...] = ("open",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A review that counts and stands; ``answers`` by question, None once the item was erased."""

    n: int
    reviewer: str
    answers: Json | None
    at: int
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItem:
    """An item people were asked, with the answers that count, oldest first.

    ``shown`` is None once it was erased. ``cursor``: where the next page of its list begins.
    """

    request: str
    pool: int
    item: int
    key: str
    shown: Json | None
    state: RequestState
    reason: AskReason
    skips: int
    cursor: int
    given: tuple[Given, ...] = ()

    @property
    def waiting(self) -> bool:
        """Whether it still waits for an answer."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which asked items to list. ``label``: a question and what was said to it: a label, one of
    several labels, a number, a side; "" for "cannot say"."""

    state: Literal["any", "waiting", "answered"] = "any"
    reason: AskReason | None = None
    reviewer: str | None = None
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEvent:
    """An event without its content; ``leaf`` is None until it is numbered."""

    n: int
    id: str
    leaf: int | None
    type: str
    at: int
    canonical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent(SeenEvent):
    """An event with what was not erased of its content: names to canonical JSON."""

    content: Mapping[str, str]


class Browsing(Database):
    """Reading what people did; every method is one snapshot."""

    def asked_items(
        self,
        project: str,
        pool: int,
        wanted: Wanted,
        *,
        after: int | None,
        limit: int,
        newest: bool = False,
    ) -> list[AskedItem]:
        """Asked items of a pool behind a cursor: in item order, or newest answers first."""
        with self.reading() as db:
            if newest:
                return _newest_answered(db, project, pool, wanted, before=after, limit=limit)
            return _in_order(db, project, pool, wanted, after=after, limit=limit)

    def asked_among(self, project: str, pool: int, items: Sequence[int]) -> list[AskedItem]:
        """Those of these items that people were asked, in item order."""
        if not items:
            return []
        with self.reading() as db:
            rows = db.execute(
                sa.select(requests)
                .where(
                    requests.c.project == project,
                    requests.c.pool == pool,
                    _among(requests.c.item, items),
                )
                .order_by(requests.c.item)
            ).all()
            return _with_answers(db, project, pool, rows)

    def asked_item(self, project: str, pool: int, item: int) -> AskedItem | None:
        """One asked item; None where nobody was asked."""
        found = self.asked_among(project, pool, [item])
        return found[0] if found else None

    def item_history(self, project: str, pool: int, item: int) -> list[ToldEvent]:
        """The events that hold content of an item, oldest first: answers, notes."""
        with self.reading() as db:
            rows = db.execute(
                sa.select(events, event_content.c.name, event_content.c.value)
                .join(event_content, event_content.c.event == events.c.id)
                .where(
                    events.c.project == project,
                    event_content.c.pool == pool,
                    event_content.c.item == item,
                )
                .order_by(events.c.n)
            ).all()
        content: dict[str, dict[str, str]] = {}
        for row in rows:
            content.setdefault(row.id, {})[row.name] = row.value
        first = {row.id: row for row in reversed(rows)}
        return [
            ToldEvent(
                n=row.n,
                id=id,
                leaf=row.leaf,
                type=row.type,
                at=row.at,
                canonical=row.canonical,
                content=content[id],
            )
            for id, row in sorted(first.items(), key=lambda each: each[1].n)
        ]

    def newest_events(
        self, project: str, *, types: Sequence[str] | None, before: int | None, limit: int
    ) -> list[SeenEvent]:
        """The newest events, of these types where given, before a cursor (their ``n``)."""
        query = sa.select(events).where(events.c.project == project)
        if types is not None:
            query = query.where(events.c.type.in_(types))
        if before is not None:
            query = query.where(events.c.n < before)
        with self.reading() as db:
            return [
                _seen(row) for row in db.execute(query.order_by(events.c.n.desc()).limit(limit))
            ]

    def doers_of(self, wanted: Sequence[str]) -> dict[str, str]:
        """Whom events name privately as the one who did it, by event; an account or a name."""
        query = sa.select(event_content.c.event, event_content.c.value).where(
            event_content.c.event.in_(wanted), event_content.c.name == "by"
        )
        with self.reading() as db:
            return {event: str(json.loads(value)) for event, value in db.execute(query)}

    def givers_of(self, answers: Collection[str]) -> dict[str, str]:
        """The reviewers who gave answers, by the answer's event."""
        query = sa.select(events.c.id, events.c.canonical).where(events.c.id.in_(answers))
        with self.reading() as db:
            rows = db.execute(query).all()
        bodies: dict[str, Json] = {row.id: json.loads(row.canonical)["body"] for row in rows}
        return {id: str(body["reviewer"]) for id, body in bodies.items() if "reviewer" in body}

    def artifact_digest(self, project: str, name: str, root: str) -> str:
        """The SHA-256 that a columnar file has now; raises :class:`StoreError` where none is
        named."""
        with self.reading() as db:
            found = db.execute(
                sa.select(artifacts.c.sha256).where(
                    artifacts.c.project == project,
                    artifacts.c.root == root,
                    artifacts.c.name == name,
                )
            ).scalar_one_or_none()
        if found is None:
            raise StoreError(
                f"{self.name} names no artifact {root[:12]}.", hint="Restore it from a backup."
            )
        return found


# -------------------------------------------------------------------------------- items


def _in_order(
    db: sa.Connection, project: str, pool: int, wanted: Wanted, *, after: int | None, limit: int
) -> list[AskedItem]:
    query = sa.select(requests).where(
        requests.c.project == project, requests.c.pool == pool, *_fits(wanted)
    )
    if after is not None:
        query = query.where(requests.c.item > after)
    rows = db.execute(query.order_by(requests.c.item).limit(limit)).all()
    return _with_answers(db, project, pool, rows)


def _newest_answered(
    db: sa.Connection, project: str, pool: int, wanted: Wanted, *, before: int | None, limit: int
) -> list[AskedItem]:
    newer = reviews.alias("newer")
    query = (
        sa.select(requests, reviews.c.n)
        .join(reviews, reviews.c.request == requests.c.id)
        .where(
            reviews.c.project == project,
            reviews.c.pool == pool,
            *_stands(wanted),
            *_asked(wanted),
            # An item with several answers stands where its newest one does, and nowhere else.
            ~sa.exists().where(
                newer.c.project == project,
                newer.c.pool == pool,
                newer.c.item == reviews.c.item,
                newer.c.n > reviews.c.n,
                *_stands(wanted, newer),
            ),
        )
    )
    if before is not None:
        query = query.where(reviews.c.n < before)
    rows = db.execute(query.order_by(reviews.c.n.desc()).limit(limit)).all()
    items = _with_answers(db, project, pool, rows)
    return sorted(items, key=lambda each: -each.cursor)


def _asked(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """What is wanted of a request itself."""
    parts: list[sa.ColumnElement[bool]] = []
    if wanted.state == "waiting":
        parts.append(requests.c.state.in_(WAITING))
    if wanted.state == "answered":
        parts.append(requests.c.state == "answered")
    if wanted.reason is not None:
        parts.append(requests.c.reason == wanted.reason)
    return parts


def _fits(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    parts = _asked(wanted)
    if wanted.reviewer is not None or wanted.label is not None:
        given = sa.select(reviews.c.n).where(
            reviews.c.request == requests.c.id,
            reviews.c.project == requests.c.project,
            reviews.c.pool == requests.c.pool,
            reviews.c.item == requests.c.item,
            *_stands(wanted),
        )
        parts.append(given.exists())
    return parts


def _stands(wanted: Wanted, table: sa.FromClause = reviews) -> list[sa.ColumnElement[bool]]:
    """What is wanted of an answer that counts and was not taken back."""
    parts: list[sa.ColumnElement[bool]] = [
        table.c.undone.is_(False),
        table.c.counted.is_(True),
    ]
    if wanted.reviewer is not None:
        parts.append(table.c.reviewer == wanted.reviewer)
    if wanted.label is not None:
        question, label = wanted.label
        parts.append(_says(table.c.answers[question], label))
    return parts


def _says(answer: Any, label: str) -> sa.ColumnElement[bool]:
    """Whether an answer in JSON is this label, holds it, or is this number or side."""
    if not label:
        return answer["cannot_say"].as_boolean().is_(True)
    ways = [answer[name].as_string() == label for name in ("label", "preferred")]
    # One of several, between its quotes; SQLite keeps letters beyond ASCII as it was given them.
    for written in {json.dumps(label), json.dumps(label, ensure_ascii=False)}:
        ways.append(answer["labels"].as_string().contains(written, autoescape=True))
    with suppress(ValueError):
        ways.append(answer["value"].as_float() == float(label))
    return sa.or_(*ways)


def _with_answers(
    db: sa.Connection, project: str, pool: int, rows: Sequence[sa.Row[tuple[object, ...]]]
) -> list[AskedItem]:
    if not rows:
        return []
    items = [row.item for row in rows]
    given: dict[int, list[Given]] = {}
    for row in db.execute(
        sa.select(reviews)
        .where(
            reviews.c.project == project,
            reviews.c.pool == pool,
            _among(reviews.c.item, items),
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        )
        .order_by(reviews.c.n)
    ):
        given.setdefault(row.item, []).append(
            Given(n=row.n, reviewer=row.reviewer, answers=row.answers, at=row.at, event=row.event)
        )
    return [
        AskedItem(
            request=row.id,
            pool=row.pool,
            item=row.item,
            key=row.key or "",
            shown=row.shown,
            state=row.state,
            reason=row.reason,
            skips=row.skips,
            cursor=cast("int", getattr(row, "n", row.item)),
            given=tuple(given.get(row.item, ())),
        )
        for row in rows
    ]


def _among(column: sa.Column[int], items: Sequence[int]) -> sa.ColumnElement[bool]:
    few = len(items) <= FEW
    return column.in_(items) if few else column.between(min(items), max(items))


def _seen(row: sa.Row[tuple[object, ...]]) -> SeenEvent:
    return SeenEvent(
        n=row.n, id=row.id, leaf=row.leaf, type=row.type, at=row.at, canonical=row.canonical
    )
