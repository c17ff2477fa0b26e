"""Do the tables of a stream say what its log says? Every item, coin, answer and count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import sqlalchemy as sa

from signoff.core.records import Json
from signoff.store import window_seeds
from signoff.store.erase import ERASED
from signoff.store.schema import pools, requests
from signoff.store.schema_streams import items, windows
from signoff.store.streams import seen_by_people


class Told(Protocol):
    """An event of the log with the content that was not erased."""

    @property
    def type(self) -> str: ...
    @property
    def body(self) -> Json: ...
    @property
    def content(self) -> Mapping[str, str]: ...


@dataclass(slots=True, kw_only=True)
class _Item:
    """What the log says of an item; None where it says nothing."""

    key: object = None
    shown: object = None
    label: object = None
    number: int | None = None
    heads: bool | None = None
    left: bool = False
    answer: object = None
    repeats: int | None = None
    erased: bool = False


@dataclass(slots=True, kw_only=True)
class _Window:
    started: Json
    items: list[_Item] = field(default_factory=list[_Item])
    admitted: list[int] = field(default_factory=list[int])
    drawn: int = 0
    finds: int = 0
    right: int = 0
    alarmed: bool = False
    ended: int | None = None
    seed: object = None
    certificate: object = None
    closed: bool = False


def stream_disagreements(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    """What the tables hold that the log does not say, one sentence each."""
    told = _told(log)
    rows = db.execute(sa.select(windows).where(windows.c.project == project)).all()
    if {row.number for row in rows} != set(told):
        yield f"The tables hold {len(rows)} windows, the log {len(told)}."
    for row in rows:
        if row.number in told:
            yield from _window(db, project, row, told[row.number])


def _told(log: Sequence[Told]) -> dict[int, _Window]:
    """The windows of a log that was verified."""
    found: dict[int, _Window] = {}
    for event in log:
        number = cast("int", event.body.get("pool", 0))
        if event.type == "window.started":
            found[number] = _Window(started=event.body)
        elif number in found:
            _take(found[number], event)
    return found


def _take(window: _Window, event: Told) -> None:
    body = event.body
    match event.type:
        case "items.arrived":
            _take_items(window, event)
        case "coins.drawn":
            heads, left = cast("list[int]", body["heads"]), cast("list[int]", body["left"])
            for number in window.admitted[window.drawn :]:
                window.items[number].heads = number in heads
                window.items[number].left = number in left
            window.drawn = len(window.admitted)
        case "verdicts.sealed":
            verdicts = [right for _, right in cast("list[tuple[int, str]]", body["verdicts"])]
            window.right += verdicts.count("right")
            window.finds += verdicts.count("wrong")
        case "answer.given":
            window.items[cast("int", body["item"])].answer = _only(_read(event, "answers"))
        case "answer.undone":
            window.items[cast("int", body["item"])].answer = None
        case "item.erased":
            window.items[cast("int", body["item"])].erased = True
        case "drift.alarm":
            window.alarmed = True
        case "window.ended":
            window.ended = cast("int", body["items"])
        case "seed.revealed":
            window.seed = body["seed"]
        case "certificate.issued":
            window.certificate = body["certificate"]
        case "pool.closed":
            window.closed = True
        case _:
            pass


def _take_items(window: _Window, event: Told) -> None:
    body, first = event.body, len(window.items)
    for at in range(cast("int", body["count"])):
        said = cast("Json", _read(event, f"item:{first + at}") or {})
        shown = {name: value for name, value in said.items() if name != "key"}
        window.items.append(_Item(key=said.get("key"), shown=shown or None))
    for number in cast("list[int]", body["admitted"]):
        item = window.items[number]
        item.number = len(window.admitted)
        label = _read(event, f"label:{number}")
        item.label = cast("list[object]", label)[0] if isinstance(label, list) else None
        window.admitted.append(number)
    for number, twin in cast("list[list[int]]", body["repeats"]):
        window.items[number].repeats = twin


def _only(answers: object) -> object:
    """The answer to the one question of a stream, None where it was erased."""
    return next(iter(answers.values())) if isinstance(answers, dict) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType, reportUnknownVariableType]


def _read(event: Told, name: str) -> object:
    return json.loads(event.content[name]) if name in event.content else None


# --------------------------------------------------------------------------- comparing


def _window(
    db: sa.Connection, project: str, row: sa.Row[tuple[object, ...]], told: _Window
) -> Iterator[str]:
    drawn = [told.items[number] for number in told.admitted[: told.drawn]]
    audited = sum(bool(item.heads) for item in drawn)
    said = {
        "plan": {name: told.started[name] for name in row.plan},
        "seed_commitment": told.started["seed_commitment"],
        "arrived": len(told.items),
        "admitted": len(told.admitted),
        "audited": audited,
        "tails": len(drawn) - audited,
        "finds": told.finds,
        "open": audited - told.finds - told.right,
        "automatic": sum(item.left and not item.heads for item in drawn),
        "repeats": sum(item.repeats is not None for item in told.items),
        "alarmed": told.alarmed,
        "ended": told.ended,
        "certificate": told.certificate,
    }
    what = f"Window {row.number}"
    yield from _differs(what, {name: getattr(row, name) for name in said}, said)
    pool = db.execute(
        sa.select(pools).where(pools.c.project == project, pools.c.number == row.number)
    ).first()
    size = row.plan["items"] if told.ended is None else told.ended
    if pool is None or (pool.items, pool.phase == "closed") != (size, told.closed):
        yield f"{what} is another one among the pools."
    if told.seed is not None:
        seed = window_seeds.reveal(db, project, row.number).hex()
        yield from _differs(what, {"seed": seed}, {"seed": told.seed})
    yield from _items(db, project, row.number, told)


def _items(db: sa.Connection, project: str, number: int, told: _Window) -> Iterator[str]:
    rows = db.execute(
        sa.select(items)
        .where(items.c.project == project, items.c.window == number)
        .order_by(items.c.item)
    ).all()
    asked = {
        request.item: request
        for request in db.execute(
            sa.select(requests).where(requests.c.project == project, requests.c.pool == number)
        )
    }
    if [row.item for row in rows] != list(range(len(told.items))):
        yield f"The tables hold {len(rows)} items of window {number}, the log {len(told.items)}."
        return
    for row, item in zip(rows, told.items, strict=True):
        what = f"Item {row.item} of window {number}"
        yield from _item(what, row, item, told)
        request = None if item.erased else asked.get(row.item)
        seen = (row.key, seen_by_people(row.shown))
        if request is not None and (request.key, request.shown) != seen:
            yield f"{what}: its request shows people something else."


def _item(what: str, row: sa.Row[tuple[object, ...]], item: _Item, told: _Window) -> Iterator[str]:
    said: dict[str, object] = {
        "number": item.number,
        "heads": item.heads,
        "left": item.left,
        "repeats": item.repeats,
    }
    if item.erased:
        said |= {"key": f"{ERASED}{row.id}", "shown": None, "label": None, "answer": None}
        yield from _differs(what, {name: getattr(row, name) for name in said}, said)
        return
    if item.shown is not None:
        said |= {"key": item.key, "shown": item.shown}
    if item.label is not None:
        said["label"] = item.label
    source = item if item.repeats is None else told.items[item.repeats]
    # An answer that is not sealed yet can still be taken back.
    if row.state == "decided" and not source.erased:
        said["answer"] = source.answer
    yield from _differs(what, {name: getattr(row, name) for name in said}, said)


def _differs(what: str, table: Mapping[str, object], log: Mapping[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if value != log[name]:
            yield f"{what}: {name} is {_short(value)} in the table, {_short(log[name])} in the log."


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
