"""The part of the store that keeps one live run per project."""

from __future__ import annotations

import sqlalchemy as sa

from signoff.errors import Unfinished
from signoff.store import projects
from signoff.store.connections import Database


class Owning(Database):
    """Who owns a project's loop; what the loop writes, it writes only while it does."""

    def __init__(self, where: str, *, create: bool) -> None:
        super().__init__(where, create=create)
        self._owners: dict[str, str] = {}

    def take_ownership(
        self, project: str, owner: str, *, dead: str | None, now: int, until: int
    ) -> str | None:
        """Make ``owner`` the project's loop; the live owner's name where there is one."""
        with self.transaction() as db:
            return projects.take_ownership(db, project, owner, dead=dead, now=now, until=until)

    def renew_ownership(self, project: str, owner: str, *, until: int) -> bool:
        """Lengthen the lease of the project's loop; False where the owner lost it meanwhile."""
        with self.transaction() as db:
            return projects.renew_ownership(db, project, owner, until=until)

    def write_as(self, project: str, owner: str | None) -> None:
        """From now on let the loop write only while ``owner`` owns the project; None: ask nobody.

        A run whose machine slept may have been taken for dead: what it thought out is stale.
        """
        if owner is None:
            self._owners.pop(project, None)
        else:
            self._owners[project] = owner

    def require_ownership(self, db: sa.Connection, project: str) -> None:
        """Raise :class:`Unfinished` where the owner that writes here lost the project."""
        owner = self._owners.get(project)
        if owner is not None and not projects.owns(db, project, owner):
            raise Unfinished(
                f"Another run took over {self.name} while this one was asleep; it wrote no more.",
                hint="Every answer is kept; run again once the other one has ended.",
                code="taken_over",
            )

    def current_owner(self, project: str) -> str | None:
        """Who owns the project's loop, alive or not."""
        with self.reading() as db:
            return projects.current_owner(db, project)

    def release_ownership(self, project: str, owner: str) -> None:
        """Let another run own the project."""
        with self.transaction() as db:
            projects.release_ownership(db, project, owner)
