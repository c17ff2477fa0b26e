"""``signoff user``: the people of a store, from the machine it is on."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

import typer

from signoff.cli.output import say, say_json
from signoff.cli.serve import STORE_FILE
from signoff.core.people import ALL_RIGHTS, ROLES, Right, Role
from signoff.errors import Exit, InputError, StoreError, UsageError

if TYPE_CHECKING:
    from signoff.accounts.directory import Directory
    from signoff.core.people import Account
    from signoff.core.records import Project

MOST_DAYS = 366

app = typer.Typer(invoke_without_command=True)
Store = Annotated[str, typer.Option(metavar="PATH|URL", help="The store whose people they are.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name somebody signs in under.")]
ProjectName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which project. [default: the only one]")
]


@app.callback()
def top(context: typer.Context) -> None:
    """People with accounts: who may do what in a store that signoff serve serves."""
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(Exit.USAGE)


@app.command("add")
def add(
    name: Name,
    role: Annotated[
        str | None, typer.Option(metavar="|".join(ROLES), help="What they do in a project.")
    ] = None,
    project: ProjectName = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="They run the site: every project, every account.")
    ] = False,
    store: Store = STORE_FILE,
) -> None:
    """Make an account.

    The password is asked for, or read from standard input: its first line."""
    if project is not None and role is None:
        raise UsageError("--project needs a role.", hint="Pass --role reviewer, say.")
    wanted = None if role is None else _role(role)
    with _people(store, create=True) as people:
        given: dict[str, Role] = {} if wanted is None else {people.project(project).id: wanted}
        people.directory.add(
            name, _new_password(name), everywhere="admin" if admin else None, given=given
        )
        say(f"Added {name}.")


@app.command("role")
def role(
    name: Name,
    role: Annotated[
        str, typer.Argument(metavar=f"{'|'.join(ROLES)}|none", help="none takes the role away.")
    ],
    project: ProjectName = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="In all projects: admin or none.")
    ] = False,
    store: Store = STORE_FILE,
) -> None:
    """Give somebody a role, change it, or take it away."""
    wanted = None if role == "none" else _role(role)
    if everywhere and (project is not None or wanted not in ("admin", None)):
        raise UsageError(
            "--everywhere is for admin or none, without --project.",
            hint="Give other roles in one project at a time.",
        )
    with _people(store) as people:
        account = people.directory.find(name)
        if everywhere:
            people.directory.change_site_role(account, wanted, by=people.by)
        else:
            people.directory.change_role(account, people.project(project).id, wanted, by=people.by)
        say(f"{account.name}: {role}{' everywhere' if everywhere else ''}.")


@app.command("password")
def password(name: Name, store: Store = STORE_FILE) -> None:
    """Set another password; every session of theirs ends.

    It is asked for, or read from standard input: its first line."""
    with _people(store) as people:
        account = people.directory.find(name)
        people.directory.change_password(account, _new_password(name), by=people.by)
        say(f"Changed the password of {account.name}.")


@app.command("token")
def token(
    name: Name,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="read|answer|manage", help="Repeatable. [default: read]"),
    ] = None,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST_DAYS, help="How long it works.")
    ] = 90,
    label: Annotated[
        str, typer.Option(metavar="TEXT", help="What it is for, as its owner sees it.")
    ] = "made at the command line",
    store: Store = STORE_FILE,
) -> None:
    """Make an API token that acts for somebody, and print it: this once, on standard output."""
    scopes: frozenset[Right] = frozenset(_scope(typed) for typed in scope or ["read"])
    with _people(store) as people:
        account = people.directory.find(name)
        minted = people.directory.mint(account, name=label, scopes=scopes, by=people.by, days=days)
        say(f"A token for {account.name}, for {days} days; it is not shown again:", err=True)
        say(minted.secret.text)


@app.command("invite")
def invite(
    role: Annotated[
        str, typer.Option(metavar="|".join(ROLES), help="What they will do in the project.")
    ] = "reviewer",
    project: ProjectName = None,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST_DAYS, help="How long the link works.")
    ] = 7,
    store: Store = STORE_FILE,
) -> None:
    """Make a link that lets one person in, and print what comes after the server's address."""
    wanted = _role(role)
    with _people(store) as people:
        found = people.project(project)
        invited = people.directory.invite(found.id, wanted, by=people.by, days=days)
        say(f"For {found.name}, as {wanted}, once within {days} days:", err=True)
        say(f"/join?token={invited.secret.text}")


@app.command("remove")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: Store = STORE_FILE,
) -> None:
    """Remove somebody: name, password, sessions, tokens and roles go, for ever.

    Their answers stay under an id without a name."""
    with _people(store) as people:
        account = people.directory.find(name)
        if not yes:
            _confirm(str(account.name))
        people.directory.remove(account, by=people.by)
        say(f"Removed {account.name}; their answers stay under {account.id}.")


@app.command("list")
def show(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    store: Store = STORE_FILE,
) -> None:
    """List everybody with their roles."""
    with _people(store) as people:
        names = {project.id: project.name for project in people.directory.store.projects()}
        found = [
            {
                "name": account.name,
                "everywhere": account.everywhere,
                "roles": {names[id]: role for id, role in people.roles(account).items()},
            }
            for account in people.directory.store.accounts()
        ]
    if json:
        say_json({"people": found})
        return
    for each in found:
        say(_line(each))
    if not found:
        say("Nobody has an account yet: signoff user add NAME --admin", err=True)


def _line(person: Mapping[str, object]) -> str:
    roles = cast("Mapping[str, str]", person["roles"])
    held = [f"{role} of {project}" for project, role in roles.items()]
    if person["everywhere"] is not None:
        held.insert(0, f"{person['everywhere']} everywhere")
    return f"{person['name']}: {', '.join(held) or 'no role yet'}"


# ------------------------------------------------------------------------------- helpers


@dataclass(slots=True, kw_only=True)
class _People:
    """The accounts of an open store; ``by`` is whom their events name."""

    directory: Directory
    by: str

    def project(self, name: str | None) -> Project:
        """The project of this name, or the only one."""
        found = self.directory.store.find_project(name)
        if found is None:
            names = ", ".join(self.directory.store.project_names()) or "none yet"
            raise InputError(
                "The store has several projects, or none."
                if name is None
                else f"The store has no project {name!r}.",
                hint=f"Pass --project with one of: {names}.",
                code="no_project",
            )
        return found

    def roles(self, account: Account) -> dict[str, Role]:
        """Roles by project id."""
        return self.directory.store.roles_of(account.id)


@contextmanager
def _people(store: str, *, create: bool = False) -> Generator[_People]:
    """The people of a store; what was logged is signed at the end where the key is here."""
    from signoff.accounts.directory import Directory
    from signoff.accounts.telling import COMMAND
    from signoff.bootstrap import open_store, sign_with_its_key

    opened = open_store(store, create=create)
    try:
        yield _People(directory=Directory(store=opened), by=COMMAND)
        for project in opened.projects():
            if opened.unsigned(project.id):
                # Without the key a worker signs.
                with suppress(StoreError):
                    sign_with_its_key(opened, project)
                    opened.checkpoint(project.id)
    finally:
        opened.close()


def _role(typed: str) -> Role:
    for role in ROLES:
        if role == typed:
            return role
    raise _unknown("role", typed, ROLES)


def _scope(typed: str) -> Right:
    for right in ALL_RIGHTS:
        if right == typed:
            return right
    raise _unknown("scope", typed, sorted(ALL_RIGHTS))


def _unknown(what: str, typed: str, known: Sequence[str]) -> UsageError:
    return UsageError(f"{typed!r} is no {what}.", hint=f"Write one of: {', '.join(known)}.")


def _new_password(name: str) -> str:
    """A password, typed twice at a terminal, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Once more: ") != first:
        raise UsageError("The two passwords differ.", hint="Run the command again.")
    return first


def _confirm(name: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Removing somebody cannot be undone.", hint="Pass --yes to do it.")
    say(f"Remove {name!r} for ever? [y/N] ", err=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise UsageError("Nobody was removed.")
