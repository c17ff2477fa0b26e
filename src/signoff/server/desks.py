"""What the server needs of projects and of a reviewer's place at the queue, as Protocols.

``stored.py`` satisfies them over a store. Everything is synchronous and may be called from several
threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from signoff.core.hints import ShownHint
from signoff.core.items import Item
from signoff.core.records import Answers, CommentKind, Gold, Json, OwnCounts, Project, Waiting
from signoff.managing import Known
from signoff.ports import Progress

# --------------------------------------------------------------------- what a desk gives


class Asked(Protocol):
    """One item waiting for this reviewer; ``until``: when the lease ends, in microseconds;
    ``hint``: what the machine says, where that shows before the answer."""

    @property
    def id(self) -> str: ...
    @property
    def item(self) -> Item: ...
    @property
    def until(self) -> int: ...
    @property
    def hint(self) -> ShownHint | None: ...


class Lease(Protocol):
    """What was leased now, and which of the requests held before are not held any more."""

    @property
    def requests(self) -> Sequence[Asked]: ...
    @property
    def lost(self) -> Sequence[str]: ...


class Receipt(Protocol):
    """An answer is stored; ``counted``: it was the first to its item; ``hint``: what the machine
    says, where that shows after the answer."""

    @property
    def id(self) -> str: ...
    @property
    def request(self) -> str: ...
    @property
    def counted(self) -> bool: ...
    @property
    def hint(self) -> ShownHint | None: ...


class Undone(Protocol):
    """An answer was taken back; its item waits for this reviewer again."""

    @property
    def request(self) -> Asked: ...
    @property
    def answers(self) -> Answers | None: ...


class Recent(Protocol):
    """An answer this reviewer gave, None once it was erased; ``at`` in microseconds."""

    @property
    def id(self) -> str: ...
    @property
    def request(self) -> str: ...
    @property
    def item(self) -> Item: ...
    @property
    def answers(self) -> Answers | None: ...
    @property
    def at(self) -> int: ...
    @property
    def undoable(self) -> bool: ...


class Revealed(Protocol):
    """What the machine says of an item, or why that is not to be seen."""

    @property
    def hint(self) -> ShownHint | None: ...
    @property
    def why(self) -> str: ...


class Said(Protocol):
    """A comment as this reviewer reads it; ``at`` in microseconds."""

    @property
    def id(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def mine(self) -> bool: ...
    @property
    def kind(self) -> CommentKind: ...
    @property
    def text(self) -> str | None: ...
    @property
    def at(self) -> int: ...


class Desk(Protocol):
    """One reviewer's place at a project's queue. Blind: nothing tells why an item is asked."""

    def lease(self, limit: int, /, *, holding: Sequence[str] = ()) -> Lease: ...
    def give_back(self, requests: Sequence[str], /) -> None: ...
    def answer(
        self,
        request: str,
        answers: Answers,
        /,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> Receipt: ...
    def skip(
        self, request: str, /, reason: str | None = None, *, for_good: bool = False
    ) -> None: ...
    def flag(self, request: str, note: str, /) -> None: ...
    def take_back(self, review: str | None = None, /) -> Undone: ...
    def recent(self, limit: int, /) -> Sequence[Recent]: ...
    def counts(self) -> OwnCounts: ...
    def waiting(self) -> Waiting: ...
    def hint(self, request: str, /) -> Revealed: ...
    def comment(self, request: str, text: str, /, *, id: str | None = None) -> None: ...
    def thread(self, request: str, /, *, everything: bool = False) -> Sequence[Said]: ...


class Looking(Protocol):
    """What somebody sees of a queue by looking at it, whether or not they ever answered."""

    def recent(self, limit: int, /) -> Sequence[Recent]: ...
    def counts(self) -> OwnCounts: ...


class Person(Protocol):
    """Somebody who answers, as managers see them."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def answers(self) -> int: ...
    @property
    def gold_answers(self) -> int: ...
    @property
    def gold_right(self) -> int: ...


class Manager(Protocol):
    """What managers do to a project's queue."""

    def people(self) -> Sequence[Person]: ...
    def tag(self, reviewer: str, tags: Sequence[str], /) -> None: ...
    def assign(self, request: str, /, *, tag: str | None, people: Sequence[str]) -> None: ...
    def plant(self, known: Sequence[Known], /) -> list[int]: ...
    def gold(self) -> Sequence[Gold]: ...


class Desks(Protocol):
    """Where the desk of a reviewer comes from, by the reviewer's name.

    ``account``: whose name it is; somebody else may have had it before. Who takes a desk joins the
    project as a reviewer, who is ``looking`` does not.
    """

    def __call__(self, project: Project, reviewer: str, account: str | None = None, /) -> Desk:
        """Raises :class:`InputError` where the account was removed."""
        ...

    def looking(
        self, project: Project, reviewer: str, account: str | None = None, /
    ) -> Looking: ...
    def knows(self, project: Project, reviewer: str, account: str | None = None, /) -> bool:
        """Whether this reviewer had a desk here before, so that giving them one joins nobody."""
        ...

    def manager(self, project: Project) -> Manager:
        """Where managers sit."""
        ...


# ------------------------------------------------------------------------- projects


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A further part of a project's overview, for kinds of projects that have more to tell.

    ``facts`` are names and values in words; ``state`` is one sentence, ``care`` whether it asks
    for somebody's attention. Nothing in it may tell a reviewer which items are audited.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    state: str = ""
    care: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a project stands, for everybody who watches it.

    ``paused``: why nothing moves, in a sentence. ``statement``: its certificate in a sentence.
    ``panels``: what the overview shows besides.
    """

    progress: Progress
    paused: str | None = None
    statement: str | None = None
    panels: Sequence[Panel] = ()


class Projects(Protocol):
    """The projects there are to review."""

    def all(self) -> Sequence[Project]: ...
    def find(self, id: str) -> Project | None: ...
    def standing(self, project: Project) -> Standing | None:
        """None where the project has no rows yet."""
        ...

    def certificate(self, project: Project) -> Json | None: ...
