"""How a project is shown to people: read with the project, changed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from signoff.core.records import NewEvent, PageSettings
from signoff.errors import InputError
from signoff.store import gold, log
from signoff.store.connections import Database
from signoff.store.schema import projects


class Presenting(Database):
    """Changing how a project is shown; every method is one transaction."""

    def change_page(self, project: str, settings: PageSettings, events: Sequence[NewEvent]) -> None:
        """Show a project differently from now on.

        Raises :class:`InputError` where hints would tell items with a known answer.
        """
        with self.transaction() as db:
            stored = db.execute(
                sa.select(projects.c.settings).where(projects.c.id == project).with_for_update()
            ).scalar_one()
            if settings.hints != "off" and gold.is_any(db, project):
                raise InputError(
                    "Known answers check people here; items with one have no hint, and would be"
                    " told by that.",
                    hint="Leave hints off.",
                )
            db.execute(
                sa.update(projects)
                .where(projects.c.id == project)
                .values(settings={**stored, "page": asdict(settings)})
            )
            log.append(db, project, events)
