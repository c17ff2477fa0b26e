"""Do the tables say what the log says? Every column that a decision rests on, against its event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from signoff.core.canonical import canonical_json
from signoff.core.events import instant
from signoff.core.records import Json
from signoff.store.compare_gold import gold_disagreements
from signoff.store.compare_queue import (
    queue_disagreements,
    said_otherwise,
    tagged_otherwise,
)
from signoff.store.compare_streams import stream_disagreements
from signoff.store.database import integrity_problem
from signoff.store.gold import POOL
from signoff.store.log import read_events, signed_and_numbered
from signoff.store.schema import audits, checkpoints, events, pools, projects, reviewers, reviews
from signoff.store.schema_accounts import roles

ANSWERS = ("answer.given", "answer.extra", "answer.carried")


@dataclass(frozen=True, slots=True)
class _Event:
    """An event and the content that was not erased."""

    id: str
    type: str
    at: str
    body: Json
    content: Mapping[str, str]


def disagreements(db: sa.Connection, project: str) -> Iterator[str]:
    """What the tables hold that the log does not say, one sentence each."""
    damage = integrity_problem(db)
    if damage is not None:
        yield f"The database file is damaged: {damage}."
    signed, numbered = signed_and_numbered(db, project)
    if signed != numbered:
        yield f"{numbered} events are numbered, but the newest checkpoint covers {signed}."
    log = list(_read(db, project))
    yield from _event_columns(db, project)
    yield from _checkpoint_columns(db, project)
    yield from _project(db, project, log)
    yield from _reviewers(db, project, log)
    yield from _roles(db, project, log)
    yield from _reviews(db, project, log)
    if any(event.body["kind"] == "stream" for event in log if event.type == "project.created"):
        yield from stream_disagreements(db, project, log)
        return
    yield from _pools(db, project, log)
    yield from _audits(db, project, log)
    yield from queue_disagreements(db, project)
    yield from gold_disagreements(db, project, log)
    yield from said_otherwise(db, project, log)
    yield from tagged_otherwise(db, project, log)


def _read(db: sa.Connection, project: str) -> Iterator[_Event]:
    for stored in read_events(db, project, unsigned=True):
        yield _Event(
            id=stored.id,
            type=stored.type,
            at=instant(stored.at),
            body=json.loads(stored.canonical)["body"],
            content={part.name: part.value for part in stored.content},
        )


def _event_columns(db: sa.Connection, project: str) -> Iterator[str]:
    """The columns beside an event's canonical text repeat what it says; leaves have no gaps."""
    query = sa.select(events).where(events.c.project == project)
    for place, row in enumerate(db.execute(query.order_by(events.c.leaf.nulls_last()))):
        if row.leaf not in (place, None):
            yield f"Event {row.id} is leaf {row.leaf} in the table, {place} in the log."
        value = json.loads(row.canonical)
        said = (value["id"], value["type"], value["at"], value["project"])
        if said != (row.id, row.type, instant(row.at), row.project):
            yield f"Event {place} has columns that are not its own ({row.type} {row.id})."


def _checkpoint_columns(db: sa.Connection, project: str) -> Iterator[str]:
    """The size beside a checkpoint's text is the one it signs."""
    for row in db.execute(sa.select(checkpoints).where(checkpoints.c.project == project)):
        if row.note.split("\n")[1:2] != [str(row.size)]:
            yield f"The checkpoint over {row.size} events signs another number of them."


def _differs(what: str, table: Mapping[str, object], log: Mapping[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if value != log.get(name):
            said = _short(log.get(name))
            yield f"{what}: {name} is {_short(value)} in the table, {said} in the log."


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _project(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    row = db.execute(sa.select(projects).where(projects.c.id == project)).one()
    created = [event.body for event in log if event.type == "project.created"]
    if len(created) != 1:
        yield f"The log begins {len(created)} projects."
        return
    table = {
        "name": row.name,
        "form": row.form,
        "policy": row.policy,
        "rules": row.rules,
        "process": row.process,
        "model": row.settings["model"],
        "item_kind": row.settings.get("item_kind"),
    }
    yield from _differs("Project", table, created[0])


def _pools(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    rows = db.execute(sa.select(pools).where(pools.c.project == project)).all()
    added = {event.body["pool"]: event.body for event in log if event.type == "rows.added"}
    if set(added) != {row.number for row in rows}:
        yield f"The tables hold {len(rows)} pools, the log {len(added)}."
    closed = {event.body["pool"] for event in log if event.type == "pool.closed"}
    for row in rows:
        if row.number not in added:
            continue
        roots = _roots(log, row.number)
        table = {
            "rows": row.rows,
            "items": row.items,
            "rows_root": row.rows_root,
            "frozen_roots": row.frozen_roots,
            "model_roots": row.model_roots,
            "people_roots": row.people_roots,
            "closed": row.phase == "closed",
        }
        said = {**added[row.number], **roots, "closed": row.number in closed}
        yield from _differs(f"Pool {row.number}", table, said)


def _roots(log: list[_Event], pool: int) -> dict[str, object]:
    rows: dict[str, object] = {}
    by_question: dict[str, dict[str, object]] = {
        "frozen_roots": {}, "model_roots": {}, "people_roots": {},
    }  # fmt: skip
    for event in log:
        batch = event.body.get("batch")
        if event.body.get("pool") != pool or not isinstance(batch, dict):
            continue
        if event.type == "rows.added":
            rows["rows_root"] = batch["root"]
        elif event.type == "audit.committed":
            by_question["frozen_roots"][str(event.body["question"])] = batch["root"]
        elif event.type == "decisions.made":
            name = "model_roots" if event.body["by"] == "model" else "people_roots"
            by_question[name][str(event.body["question"])] = batch["root"]
    return {**rows, **by_question}


def _reviewers(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    rows = db.execute(sa.select(reviewers).where(reviewers.c.project == project)).all()
    joined = {event.body["reviewer"]: event for event in log if event.type == "reviewer.added"}
    if set(joined) != {row.id for row in rows}:
        yield f"The tables hold {len(rows)} reviewers, the log {len(joined)}."
    for row in rows:
        event = joined.get(row.id)
        if event is None:
            continue
        name = event.content.get("name")
        said = {"kind": event.body["kind"], "name": None if name is None else json.loads(name)}
        said |= {"name": event.body["name"]} if "name" in event.body else {}
        yield from _differs(f"Reviewer {row.id}", {"kind": row.kind, "name": row.name}, said)


def _roles(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    """Who may do what in the project."""
    given: dict[str, object] = {}
    for event in log:
        account = str(event.body.get("account"))
        if event.type == "person.removed":
            given.pop(account, None)
        elif event.type == "role.changed" and not event.body["everywhere"]:
            given[account] = event.body["role"]
    query = sa.select(roles.c.account, roles.c.role).where(roles.c.project == project)
    held = {row.account: row.role for row in db.execute(query)}
    for account in sorted(given.keys() | held.keys()):
        said = {"role": given.get(account)}
        yield from _differs(f"Account {account}", {"role": held.get(account)}, said)


def _reviews(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    # As stored: SQLite would read any number but 0 as true.
    undone_as_stored = sa.type_coerce(reviews.c.undone, sa.Integer).label("undone_as_stored")
    counted_as_stored = sa.type_coerce(reviews.c.counted, sa.Integer).label("counted_as_stored")
    query = sa.select(reviews, undone_as_stored, counted_as_stored).where(
        reviews.c.project == project, reviews.c.pool != POOL
    )
    rows = db.execute(query).all()
    given = {event.id: event for event in log if event.type in ANSWERS}
    undone = {event.body["answer"] for event in log if event.type == "answer.undone"}
    if set(given) != {row.event for row in rows}:
        yield f"The tables hold {len(rows)} answers, the log {len(given)}."
    for row in rows:
        event = given.get(row.event)
        if event is None:
            continue
        table = {
            "pool": row.pool,
            "item": row.item,
            "reviewer": row.reviewer,
            "seconds": row.seconds,
            "at": instant(row.at),
            "reason": row.reason,
            "undone": row.undone_as_stored,
            "counted": row.counted_as_stored,
            "answers": None if row.answers is None else canonical_json(row.answers).decode(),
        }
        said = {
            "seconds": None,
            **event.body,
            "at": event.at,
            "undone": event.id in undone,
            "counted": event.type != "answer.extra",
            "answers": event.content.get("answers"),
        }
        yield from _differs(f"Answer to item {row.item}", table, said)


def _audits(db: sa.Connection, project: str, log: list[_Event]) -> Iterator[str]:
    rows = db.execute(sa.select(audits).where(audits.c.project == project)).all()
    committed = _by_attempt(log, "audit.committed")
    if set(committed) != {(row.pool, row.question, row.attempt) for row in rows}:
        yield f"The tables hold {len(rows)} audits, the log {len(committed)}."
    revealed = _by_attempt(log, "seed.revealed")
    issued = _by_attempt(log, "certificate.issued")
    for row in rows:
        place = (row.pool, row.question, row.attempt)
        if place not in committed:
            continue
        seed = revealed.get(place, {}).get("seed")
        table = {
            "committed": row.committed,
            "certificate": row.certificate,
            "seed": None if seed is None else row.seed.hex(),
            "seed_chosen_by": row.seed_chosen_by,
        }
        said = {
            "committed": committed[place],
            "certificate": issued.get(place, {}).get("certificate"),
            "seed": seed,
            "seed_chosen_by": committed[place]["seed_chosen_by"],
        }
        yield from _differs(f"Audit {row.pool}/{row.attempt} of {row.question!r}", table, said)


def _by_attempt(log: list[_Event], type: str) -> dict[tuple[object, ...], Json]:
    return {
        (event.body["pool"], event.body["question"], event.body["attempt"]): event.body
        for event in log
        if event.type == type
    }
