"""An directory with a clock that tests move, cheap passwords, and projects whose logs verify."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher

from signoff.accounts.directory import Directory
from signoff.accounts.entrance import Entrance
from signoff.accounts.passwords import Passwords
from signoff.audit.verify import Verdict
from signoff.bootstrap import ProjectSpec, create_project
from signoff.core.people import Account
from signoff.core.questions import Choice, Form
from signoff.core.records import Project
from signoff.core.routing import People
from signoff.project.views import PoolViews
from signoff.store.store import SqlStore
from signoff.storeview import StoreView

PASSWORD = "four unrelated plain words"
SECOND = 1_000_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Real Argon2, of strength that tests can afford."""


def make_project(store: SqlStore, name: str) -> Project:
    """An empty project, signed with the test's own key."""
    return create_project(
        store,
        ProjectSpec(
            name=name,
            form=Form((Choice.of(["Positive", "Negative"]),)),
            policy=People(),
            rules=(),
            process={},
            model="text",
            group=True,
            text_column="text",
            key_column=None,
            hidden=(),
        ),
        actor="test",
    )


@dataclass(slots=True, kw_only=True)
class Desk:
    """What a test of accounts works with."""

    where: str
    store: SqlStore
    reviews: Project
    letters: Project
    directory: Directory = field(init=False)
    entrance: Entrance = field(init=False)
    now: int = 1_800_000_000 * SECOND

    def __post_init__(self) -> None:
        self.directory = Directory(
            store=self.store, passwords=Passwords(CHEAP), clock=lambda: self.now
        )
        self.entrance = Entrance(directory=self.directory)

    def admin(self, name: str = "Ann") -> Account:
        return self.directory.add(name, PASSWORD, everywhere="admin")

    def reviewer(self, name: str = "Ben") -> Account:
        return self.directory.add(name, PASSWORD, given={self.reviews.id: "reviewer"})

    def types(self, project: Project) -> list[str]:
        """The types of a project's events, oldest first."""
        self.store.checkpoint(project.id)
        return [event.type for event in self.store.events(project.id)]

    def texts(self, project: Project) -> str:
        """All that a project's log says in the open."""
        self.store.checkpoint(project.id)
        return "\n".join(event.canonical for event in self.store.events(project.id))

    def verdict(self, project: Project) -> Verdict:
        """What ``signoff verify`` says."""
        self.store.checkpoint(project.id)
        views = PoolViews(self.store, project, frozenset(), {})
        return StoreView(self.store, project, views).verify()


def open_desk(where: str, folder: Path) -> Desk:
    store = SqlStore(where, artifacts=folder / "artifacts", create=True)
    reviews, letters = make_project(store, "reviews"), make_project(store, "letters")
    return Desk(where=where, store=store, reviews=reviews, letters=letters)
