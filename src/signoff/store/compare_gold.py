"""Do the tables say of known answers what the log says?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from signoff.core.canonical import canonical_json
from signoff.store.compare_queue import Told
from signoff.store.gold import POOL
from signoff.store.schema import requests, reviews
from signoff.store.schema_queue import gold


def gold_disagreements(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    """What the tables hold of known answers that the log does not say, one sentence each."""
    yield from _planted(db, project, log)
    yield from _answered(db, project, log)


def _planted(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    told = {each.id: each for each in log if each.type == "gold.planted"}
    rows = db.execute(sa.select(gold).where(gold.c.project == project)).all()
    if set(told) != {row.event for row in rows}:
        yield f"The tables hold {len(rows)} known answers, the log {len(told)}."
    shown = {row.number: row.shown for row in rows}
    for row in rows:
        event = told.get(row.event)
        if event is None:
            continue
        parts = {name: json.loads(text) for name, text in event.content.items()}
        said = (event.body["gold"], parts.get("key"), parts.get("shown"), parts.get("answers"))
        if said != (row.number, row.key, row.shown, row.answer):
            yield f"Known answer {row.number} is not what was logged."
    served = db.execute(
        sa.select(requests.c.gold, requests.c.shown).where(
            requests.c.project == project, requests.c.pool == POOL
        )
    )
    for number, seen in served:
        if seen != shown.get(number):
            yield f"Known answer {number} shows people something else than was logged."


def _answered(db: sa.Connection, project: str, log: Sequence[Told]) -> Iterator[str]:
    told = {each.id: each for each in log if each.type == "gold.answered"}
    undone = {each.body["answer"] for each in log if each.type == "gold.undone"}
    rows = db.execute(
        sa.select(reviews, requests.c.gold)
        .join(requests, requests.c.id == reviews.c.request)
        .where(reviews.c.project == project, reviews.c.pool == POOL)
    ).all()
    if set(told) != {row.event for row in rows}:
        yield f"The tables hold {len(rows)} answers to known items, the log {len(told)}."
    for row in rows:
        event = told.get(row.event)
        if event is None:
            continue
        answers = None if row.answers is None else canonical_json(row.answers).decode()
        table = (row.gold, row.reviewer, answers, bool(row.undone))
        said = (
            event.body["gold"],
            event.body["reviewer"],
            event.content.get("answers"),
            event.id in undone,
        )
        if table != said:
            yield f"An answer to known item {row.gold} is not what was logged."
