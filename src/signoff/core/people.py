"""People with accounts: roles and rights, invitations, tokens. Instants are UTC microseconds.

A role in a project gives rights; a session or a token may narrow them. Secrets never appear here:
what is kept of one is its digest.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from signoff.errors import InputError

Role = Literal["admin", "manager", "reviewer", "auditor"]
Right = Literal["read", "answer", "manage"]

ROLES: tuple[Role, ...] = get_args(Role)
RIGHTS: Mapping[Role, frozenset[Right]] = {
    "auditor": frozenset({"read"}),
    "reviewer": frozenset({"read", "answer"}),
    "manager": frozenset({"read", "answer", "manage"}),
    "admin": frozenset({"read", "answer", "manage"}),
}
ALL_RIGHTS: frozenset[Right] = frozenset({"read", "answer", "manage"})

RANK: Mapping[Role, int] = {"auditor": 0, "reviewer": 1, "manager": 2, "admin": 3}

LONGEST_NAME = 64
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. ``everywhere``: the role in every project, given with the site.

    ``name`` is None once the person was removed; the id stays where they answered.
    """

    id: str
    name: str | None
    everywhere: Role | None
    created: int
    removed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account as a session or a token shows it, with its roles by project id."""

    account: Account
    roles: Mapping[str, Role]
    scopes: frozenset[Right] = ALL_RIGHTS
    token: str | None = None
    """The id of the token that was shown; None for a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a project; ``everywhere``: the role is one they have in all projects."""

    account: str
    name: str
    role: Role
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link that lets one person in; to a ``project``, or to the site as ``role`` everywhere."""

    id: str
    project: str | None
    role: Role
    by: str
    created: int
    expires: int
    used: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What programs show instead of a session; ``prefix`` is how its owner recognises it."""

    id: str
    account: str
    name: str
    prefix: str
    scopes: frozenset[Right]
    created: int
    expires: int
    last_used: int | None = None
    revoked: int | None = None


def digest(secret: str) -> str:
    """What is kept of a secret of a session, link or token: it cannot be turned back (hex)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def read_name(typed: str) -> str:
    """A name as it is kept; raises :class:`InputError` where it cannot be one.

    >>> read_name(" Ann  Lee ")
    'Ann Lee'
    """
    name = " ".join(unicodedata.normalize("NFKC", typed).split())
    odd = [each for each in name if unicodedata.category(each)[0] == "C"]
    if not name or len(name) > LONGEST_NAME or odd:
        raise InputError(
            f"{typed[:20]!r} cannot be a name.",
            hint=f"Take 1 to {LONGEST_NAME} printed characters.",
            code="bad_name",
        )
    if ":" in name or _UUID.fullmatch(name.lower()):
        raise InputError(
            f"{name[:40]!r} cannot be a name: it reads like a column or an id.",
            hint="Leave ':' out, and take no UUID.",
            code="bad_name",
        )
    return name


def name_key(name: str) -> str:
    """What two names share that people would take for one.

    >>> name_key("Ann Lee") == name_key("ANN LEE")
    True
    """
    return unicodedata.normalize("NFKC", name.casefold())


def role_in(given: Role | None, everywhere: Role | None) -> Role | None:
    """The role that counts in a project: that given there or that everywhere, the one of more
    rights. Nobody loses anything by being given a role.

    >>> role_in("manager", "admin"), role_in("manager", None), role_in(None, None)
    ('admin', 'manager', None)
    """
    return max((given, everywhere), key=lambda role: -1 if role is None else RANK[role])


def may_give(giver: Role, role: Role | None, held: Role | None) -> bool:
    """Whether a role may turn somebody's role ``held`` into ``role``: only admins touch admins."""
    return giver == "admin" or (giver == "manager" and "admin" not in (role, held))


def role_body(
    account: str, role: Role | None, was: Role | None, *, everywhere: bool, by: str
) -> dict[str, object]:
    """What a ``role.changed`` says."""
    return {"account": account, "role": role, "was": was, "everywhere": everywhere, "by": by}
