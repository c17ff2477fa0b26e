"""Accounts and roles in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from signoff.core.canonical import canonical_json
from signoff.core.people import Account, Person, Role, name_key, role_in
from signoff.core.records import FirstManager, NewEvent
from signoff.errors import InputError, StoreBusy
from signoff.store import log
from signoff.store.schema import event_content, events, projects, reviewers
from signoff.store.schema_accounts import accounts, api_tokens, invitations, roles, sessions

_ROLES_OF = sa.select(roles.c.project, roles.c.role).where(
    roles.c.account == sa.bindparam("account")
)

ProjectEvents = Mapping[str, Sequence[NewEvent]]
"""Events by the project whose log they belong to."""


def append_all(db: sa.Connection, told: ProjectEvents) -> None:
    """Append events to the logs of several projects."""
    for project in sorted(told):
        log.append(db, project, told[project])


def insert_account(
    db: sa.Connection, account: Account, password: str, given: Mapping[str, Role]
) -> None:
    """Store a new account; raises :class:`InputError` where somebody has its name."""
    name = str(account.name)
    if find_by_name(db, name) is not None:
        raise name_taken(name)
    db.execute(
        sa.insert(accounts).values(
            id=account.id,
            name=name,
            name_key=name_key(name),
            password=password,
            everywhere=account.everywhere,
            created=account.created,
        )
    )
    for project, role in given.items():
        write_role(db, account.id, project, role)


def name_taken(name: str) -> InputError:
    """Somebody has this name, or one people would take for it."""
    return InputError(f"The name {name!r} is taken.", hint="Take another one.", code="name_taken")


def read_account(row: sa.Row[tuple[object, ...]]) -> Account:
    """An account from its row."""
    return Account(
        id=row.id,
        name=row.name,
        everywhere=row.everywhere,
        created=row.created,
        removed=row.removed,
    )


def find_by_name(db: sa.Connection, name: str) -> Account | None:
    """Whoever signs in under a name."""
    row = db.execute(sa.select(accounts).where(accounts.c.name_key == name_key(name))).first()
    return None if row is None else read_account(row)


def find_account(db: sa.Connection, id: str) -> Account | None:
    """An account by its id; not one that was removed."""
    query = sa.select(accounts).where(accounts.c.id == id, accounts.c.removed.is_(None))
    row = db.execute(query).first()
    return None if row is None else read_account(row)


def names_of(db: sa.Connection, ids: Collection[str]) -> dict[str, str | None]:
    """The names of those of these ids that are accounts; None for whoever was removed."""
    query = sa.select(accounts.c.id, accounts.c.name).where(accounts.c.id.in_(ids))
    return {row.id: row.name for row in db.execute(query)}


def kept_password(db: sa.Connection, id: str) -> str | None:
    """The hash of an account's password."""
    return db.execute(
        sa.select(accounts.c.password).where(accounts.c.id == id)
    ).scalar_one_or_none()


def write_password(db: sa.Connection, account: str, password: str) -> None:
    """Keep another hash of an account's password."""
    db.execute(sa.update(accounts).where(accounts.c.id == account).values(password=password))


def list_accounts(db: sa.Connection, after: str, limit: int) -> list[Account]:
    """Accounts that were not removed, in order of their ids, which is that of time."""
    query = (
        sa.select(accounts)
        .where(accounts.c.removed.is_(None), accounts.c.id > after)
        .order_by(accounts.c.id)
        .limit(limit)
    )
    return [read_account(row) for row in db.execute(query)]


def count_accounts(db: sa.Connection, *, everywhere: Role | None = None) -> int:
    """How many may sign in; of them those with a role everywhere."""
    query = sa.select(sa.func.count()).where(accounts.c.removed.is_(None))
    if everywhere is not None:
        query = query.where(accounts.c.everywhere == everywhere)
    return db.execute(query).scalar_one()


def names_of_reviewers(db: sa.Connection) -> set[str]:
    """The names that people answered under, in any project."""
    query = sa.select(reviewers.c.name).where(
        reviewers.c.kind == "person", reviewers.c.name.is_not(None)
    )
    return set(db.scalars(query.distinct()))


# --------------------------------------------------------------------------- roles


def alive(db: sa.Connection, account: str) -> Account:
    """An account, which nobody else changes until the transaction ends.

    Raises :class:`InputError` where it was removed.
    """
    query = sa.select(accounts).where(accounts.c.id == account, accounts.c.removed.is_(None))
    row = db.execute(query.with_for_update()).first()
    if row is None:
        raise no_account()
    return read_account(row)


def require_named(db: sa.Connection, account: str, name: str) -> None:
    """Raise :class:`InputError` where an account has not this name; until the transaction ends
    nobody takes it away."""
    if alive(db, account).name != name:
        raise no_account()


def no_account() -> InputError:
    """Nobody has this account, or nobody any more."""
    return InputError("There is no such account.", hint="Look at the list.", code="no_account")


def roles_of(db: sa.Connection, account: str) -> dict[str, Role]:
    """An account's roles by project."""
    return {row.project: row.role for row in db.execute(_ROLES_OF, {"account": account})}


def write_role(db: sa.Connection, account: str, project: str, role: Role | None) -> None:
    """Give, change or take away a role."""
    place = (roles.c.account == account) & (roles.c.project == project)
    db.execute(sa.delete(roles).where(place))
    if role is not None:
        db.execute(sa.insert(roles).values(account=account, project=project, role=role))


def make_first_manager(
    db: sa.Connection, project: str, first: FirstManager | None
) -> Sequence[NewEvent]:
    """Let whoever began a project manage it; the events of that. Whoever was removed meanwhile
    gets nothing."""
    if first is None:
        return []
    query = sa.select(accounts.c.id).where(
        accounts.c.id == first.account, accounts.c.removed.is_(None)
    )
    if db.execute(query.with_for_update()).first() is None:
        return []
    write_role(db, first.account, project, "manager")
    return [first.event]


def change_role(
    db: sa.Connection, account: str, project: str | None, role: Role | None, was: Role | None
) -> None:
    """Turn one role into another, in a project or (None) everywhere.

    Raises :class:`StoreBusy` where the role is not what it was, :class:`InputError` where nobody
    would be left to run the site.
    """
    known = alive(db, account)
    held = known.everywhere if project is None else roles_of(db, account).get(project)
    if held != was:
        raise StoreBusy("The role was changed at the same moment.", hint="Look again.")
    if project is not None:
        write_role(db, account, project, role)
        return
    if role is None:
        keep_an_admin(db, known)
    db.execute(sa.update(accounts).where(accounts.c.id == account).values(everywhere=role))


def keep_an_admin(db: sa.Connection, leaving: Account) -> None:
    """Raise :class:`InputError` where the last one who runs the site would go."""
    if leaving.everywhere != "admin":
        return
    query = sa.select(accounts.c.id).where(
        accounts.c.everywhere == "admin", accounts.c.removed.is_(None)
    )
    if set(db.scalars(query.with_for_update())) <= {leaving.id}:
        raise InputError(
            "Nobody else runs this site.", hint="Make somebody else admin first.", code="last_admin"
        )


def list_people(db: sa.Connection, project: str) -> list[Person]:
    """Who may use a project: those with a role in it, and those with one everywhere."""
    query = (
        sa.select(accounts.c.id, accounts.c.name, roles.c.role, accounts.c.everywhere)
        .outerjoin(roles, (roles.c.account == accounts.c.id) & (roles.c.project == project))
        .where(
            accounts.c.removed.is_(None),
            roles.c.role.is_not(None) | accounts.c.everywhere.is_not(None),
        )
        .order_by(accounts.c.id)
    )
    return [
        Person(account=id, name=name, role=held, everywhere=held == everywhere)
        for id, name, given, everywhere in db.execute(query)
        if (held := role_in(given, everywhere)) is not None
    ]


def projects_of(db: sa.Connection, account: Account) -> list[str]:
    """The projects an account has to do with: all of them for a role everywhere."""
    if account.everywhere is not None:
        return list(db.scalars(sa.select(projects.c.id).order_by(projects.c.id)))
    return sorted(roles_of(db, account.id))


# ------------------------------------------------------------------------- removal


def blank_account(db: sa.Connection, account: str, now: int) -> None:
    """Remove a person's name, password, sessions, tokens, roles and waiting invitations; the id
    stays."""
    db.execute(sa.delete(sessions).where(sessions.c.account == account))
    db.execute(sa.delete(roles).where(roles.c.account == account))
    db.execute(
        sa.update(api_tokens)
        .where(api_tokens.c.account == account)
        .values(name=None, revoked=sa.func.coalesce(api_tokens.c.revoked, now))
    )
    db.execute(
        sa.update(invitations)
        .where(invitations.c.made_by == account, invitations.c.used.is_(None))
        .values(revoked=sa.func.coalesce(invitations.c.revoked, now))
    )
    db.execute(
        sa.update(accounts)
        .where(accounts.c.id == account)
        .values(name=None, name_key=None, password=None, everywhere=None, removed=now)
    )


def blank_reviewers(db: sa.Connection, name: str) -> dict[str, list[str]]:
    """Remove a name from everybody who answered under it: ids by project. Answers stay."""
    mine = (reviewers.c.name == name) & (reviewers.c.kind == "person")
    found: dict[str, list[str]] = {}
    for project, id in db.execute(sa.select(reviewers.c.project, reviewers.c.id).where(mine)):
        found.setdefault(project, []).append(id)
        joined = sa.select(events.c.id).where(
            events.c.project == project,
            events.c.type == "reviewer.added",
            events.c.canonical.contains(f'"reviewer":"{id}"'),
        )
        db.execute(sa.delete(event_content).where(event_content.c.event.in_(joined)))
    db.execute(sa.update(reviewers).where(mine).values(name=None))
    # Who did what before there were accounts is told by name.
    named = (event_content.c.name == "by") & (
        event_content.c.value == canonical_json(name).decode()
    )
    db.execute(sa.delete(event_content).where(named))
    return found
