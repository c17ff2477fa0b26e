"""The part of the store that keeps what language models replied: nobody pays for it twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from signoff.core.replies import Asked, KeptReply, Spent
from signoff.store.connections import Database
from signoff.store.schema_replies import replies

MOST_AT_ONCE = 500
_COUNTS = ("input", "output", "cached", "calls")
_KNOWN = sa.select(replies).where(
    replies.c.key.in_(sa.bindparam("keys", expanding=True)), replies.c.text.is_not(None)
)


def _keep(insert: sqlite.Insert | postgresql.Insert) -> sa.Executable:
    """Store a reply; one that is there already is replaced, and what was spent on it stays."""
    said = {
        name: insert.excluded[name] for name in ("version", "text", "ended", "weight", "project")
    }
    spent = {name: replies.c[name] + insert.excluded[name] for name in _COUNTS}
    return insert.on_conflict_do_update(index_elements=["key"], set_={**said, **spent})


_KEEP = {
    "sqlite": _keep(sqlite.insert(replies)),
    "postgresql": _keep(postgresql.insert(replies)),
}


class Replying(Database):
    """Keeping, finding and erasing replies; every method is one transaction."""

    def replies_of(self, project: str) -> ProjectReplies:
        """The cache as a project's models use it."""
        return ProjectReplies(store=self, project=project)

    def known_replies(self, keys: Sequence[str]) -> dict[str, KeptReply]:
        """Those replies that are here, by key."""
        found: dict[str, KeptReply] = {}
        with self.reading() as db:
            for at in range(0, len(keys), MOST_AT_ONCE):
                rows = db.execute(_KNOWN, {"keys": list(keys[at : at + MOST_AT_ONCE])})
                found |= {row.key: _kept(row) for row in rows}
        return found

    def keep_reply(self, project: str, reply: KeptReply) -> None:
        """Store a reply that a project paid for. A power cut may take the last of them."""
        row = {
            "key": reply.key,
            "project": project,
            "content": reply.content,
            "provider": reply.asked.provider,
            "model": reply.asked.model,
            "host": reply.asked.host,
            "prompt": reply.asked.prompt,
            "version": reply.version,
            "text": reply.text,
            "ended": reply.ended,
            "weight": None if math.isnan(reply.weight) else reply.weight,
            **{name: getattr(reply, name) for name in _COUNTS},
        }
        self.write(lambda db: db.execute(_KEEP[db.dialect.name], row), durable=False)

    def spent(self, project: str) -> list[Spent]:
        """What language models were asked for a project, version by version."""
        who = (replies.c.provider, replies.c.model, replies.c.host, replies.c.version)
        sums = (sa.func.sum(replies.c[name]).label(name) for name in _COUNTS)
        told = sa.func.count(replies.c.text).label("items")
        rows = sa.select(*who, told, *sums).where(replies.c.project == project)
        with self.reading() as db:
            return [
                Spent(
                    provider=row.provider,
                    model=row.model,
                    host=row.host,
                    version=row.version,
                    items=row.items,
                    calls=int(row.calls),
                    input=int(row.input),
                    output=int(row.output),
                    cached=int(row.cached),
                )
                for row in db.execute(rows.group_by(*who).order_by(*who))
            ]


def erase_replies(db: sa.Connection, contents: Sequence[str]) -> None:
    """Remove what was replied about texts, whichever project asked."""
    if contents:
        db.execute(sa.delete(replies).where(replies.c.content.in_(contents)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReplies:
    """The replies that a project's models find and pay for."""

    store: Replying
    project: str

    def known(self, keys: Sequence[str]) -> Mapping[str, KeptReply]:
        """Those replies that are here, by key."""
        return self.store.known_replies(keys)

    def keep(self, reply: KeptReply) -> None:
        """Store a reply."""
        self.store.keep_reply(self.project, reply)


def _kept(row: sa.Row[tuple[object, ...]]) -> KeptReply:
    return KeptReply(
        asked=Asked(provider=row.provider, model=row.model, host=row.host, prompt=row.prompt),
        content=row.content,
        text=row.text,
        version=row.version,
        ended=row.ended,
        weight=math.nan if row.weight is None else row.weight,
        input=row.input,
        output=row.output,
        cached=row.cached,
        calls=row.calls,
    )
