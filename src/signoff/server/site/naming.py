"""What people are called on the pages: the log knows them by ids alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from signoff.core.records import Json
from signoff.server.site.context import Visit

SHOWN_OF_ID = 8
PROGRAMS: Mapping[str, str] = {
    "api": "the API",
    "command": "the command line",
    "desk": "a program",
    "erase": "the command line",
    "export": "the worker",
    "import": "the worker",
    "page": "the page",
    "run": "signoff run",
    "stream": "the stream",
    "worker": "the worker",
}
"""What events name that nobody in particular wrote."""

DOERS = ("answer.", "gold.", "comment.")
"""How the types of events begin whose reviewer is the one who did it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody by the id that the log has for them. ``what``: how they come to have one."""

    name: str
    id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names by id, None for whoever was removed."""

    reviewers: Mapping[str, str | None]
    accounts: Mapping[str, str | None]

    @classmethod
    def of(cls, visit: Visit, ids: Iterable[str] = ()) -> Names:
        """The reviewers of a project, and those of these ids that are accounts."""
        names = visit.store.reviewer_names(visit.id)
        wanted = {id for id in ids if _is_uuid(id)}
        return cls(
            reviewers={id: None if name == id else name for id, name in names.items()},
            accounts=visit.store.account_names(wanted) if wanted else {},
        )

    def reviewer(self, id: str) -> str:
        """What a reviewer is called."""
        return shown_name(id, self.reviewers.get(id))

    def actor(self, id: str) -> str:
        """What whoever acts is called: a reviewer, an account, a program."""
        if id in self.reviewers:
            return self.reviewer(id)
        if id in self.accounts or _is_uuid(id):
            return shown_name(id, self.accounts.get(id))
        return PROGRAMS.get(id, id)

    def all(self) -> Sequence[Known]:
        """Everybody by id, sorted by name."""
        found = [
            Known(name=shown_name(id, name), id=id, what=what)
            for what, names in (("reviewer", self.reviewers), ("account", self.accounts))
            for id, name in names.items()
        ]
        return sorted(found, key=lambda each: (each.name.casefold(), each.what, each.id))


def shown_name(id: str, name: str | None) -> str:
    """A name; whoever was removed goes by the end of an id."""
    return f"removed ({id[-SHOWN_OF_ID:]})" if name is None else name


def accounts_in(value: Json) -> set[str]:
    """Ids in an event that may be accounts."""
    body = cast("Json", value["body"])
    named = (value["actor"], body.get("account"), body.get("by"))
    return {each for each in named if isinstance(each, str)}


def doer(names: Names, value: Json, type: str, by: str | None) -> str:
    """Who did what an event tells. ``by``: whom something else than its body says it was."""
    body = cast("Json", value["body"])
    if "reviewer" in body and (
        type.startswith(DOERS) or type in ("item.flagged", "reviewer.added")
    ):
        return names.reviewer(str(body["reviewer"]))
    return names.actor(str(value["actor"]) if by is None else by)


def about_people(names: Names, value: Json, type: str) -> list[str]:
    """Whom an event speaks of, and what they may do since."""
    body = cast("Json", value["body"])
    said: list[str] = []
    if "account" in body and (body["account"] != value["actor"] or type == "role.changed"):
        said.append(names.actor(str(body["account"])))
    if type == "role.changed":
        said.append(_change(body))
    if type == "invitation.made":
        said.append(f"to be {body['role']}")
    if type == "reviewer.tagged":
        tags = cast("list[str]", body["tags"])
        said += [names.reviewer(str(body["reviewer"])), "tags " + (" ".join(tags) or "none")]
    if type == "person.removed":
        said += [f"answered as {names.reviewer(id)}" for id in cast("list[str]", body["reviewers"])]
    if type == "request.assigned":
        said += [names.reviewer(id) for id in cast("list[str]", body["people"])]
        said += [f"tag {body['tag']}"] if body["tag"] else []
    return said


def _change(body: Json) -> str:
    role, was = body["role"] or "no role", body["was"]
    where = " everywhere" if body["everywhere"] else ""
    return f"{role}{where}" + (f", was {was}" if was else "")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
