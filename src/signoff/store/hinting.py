"""The part of the store that hints take: when a project shows them, and decided items."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from signoff.core.hints import Alike
from signoff.core.items import Item
from signoff.core.joining import answered_items
from signoff.core.records import Project
from signoff.core.showing import HintTime
from signoff.store import projects, reviews
from signoff.store.connections import Database
from signoff.store.schema import requests
from signoff.store.schema import reviews as given


class Hinting(Database):
    """What hints need of a project; every method is one transaction."""

    def hint_time(self, project: str) -> HintTime:
        """When the project shows hints, as a manager set it last."""
        with self.reading() as db:
            return projects.page_of(db, project).hints

    def has_answered(self, project: str, request: str, reviewer: str) -> bool:
        """Whether an answer of this reviewer to a request stands."""
        mine = sa.select(given.c.id).where(
            given.c.project == project,
            given.c.request == request,
            given.c.reviewer == reviewer,
            given.c.undone.is_(False),
        )
        with self.reading() as db:
            return db.execute(mine.limit(1)).first() is not None

    def decided(self, project: Project, pool: int, items: Sequence[int]) -> dict[int, Alike]:
        """Those of some items that people have decided and nobody erased, and what they said."""
        if not items:
            return {}
        with self.reading() as db:
            shown = _answered(db, project.id, pool, items)
            standing = reviews.of_items(db, project.id, pool, items, project.form)
        return {
            each.item: Alike(item=shown[each.item], answers=each.answers)
            for each in answered_items(standing, project)
            if each.answers is not None and each.item in shown
        }


def _answered(db: sa.Connection, project: str, pool: int, items: Sequence[int]) -> dict[int, Item]:
    """Items as people saw them, of requests that wait for nobody."""
    rows = db.execute(
        sa.select(requests.c.item, requests.c.key, requests.c.shown).where(
            requests.c.project == project,
            requests.c.pool == pool,
            requests.c.item.in_(items),
            requests.c.state == "answered",
            requests.c.key.is_not(None),
        )
    )
    return {row.item: Item.from_shown(row.item, row.key, row.shown) for row in rows}
