"""``signoff user``: accounts from the command line, with passwords that nobody sees."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from signoff.accounts.directory import Directory
from signoff.accounts.entrance import Entrance
from signoff.bootstrap import open_store
from signoff.cli import main
from signoff.core.routing import People
from signoff.sdk import run
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

PASSWORD = "four unrelated plain words"
MAIN = "import sys, signoff.cli as cli; sys.exit(cli.main())"
User = Callable[..., int]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    """Runs ``signoff user`` on a store with one project; ``typed`` is standard input."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": row["text"]} for row in two_topics(20)]
    run(rows, labels=LABELS, text="text", reviewer="none", policy=People(), project="reviews",
        store="projects.signoff.db")  # fmt: skip

    def call(*arguments: str, typed: str = "") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return main(["user", *arguments])

    return call


def opened() -> SqlStore:
    return open_store("projects.signoff.db", create=False)


def verified(project: str = "reviews") -> bool:
    view = StoreView.open("projects.signoff.db", project)
    verdict = view.verify()
    view.close()
    return verdict.ok


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    return line


def test_people_are_added_listed_changed_and_removed(
    user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user("add", "Ann", "--admin", typed=f"{PASSWORD}\n") == 0
    assert user("add", "Ben", "--role", "reviewer", typed=f"{PASSWORD}\n") == 0
    assert user("role", "ben", "manager") == 0
    capsys.readouterr()
    assert user("list") == 0
    assert capsys.readouterr().out == "Ann: admin everywhere\nBen: manager of reviews\n"
    assert user("role", "Ben", "none") == 0
    assert user("role", "Ben", "admin", "--everywhere") == 0
    assert user("remove", "Ann", "--yes") == 0
    capsys.readouterr()
    assert user("list", "--json") == 0
    (ben,) = json.loads(capsys.readouterr().out)["people"]
    assert ben == {"name": "Ben", "everywhere": "admin", "roles": {}}
    assert verified()


def test_what_is_logged_is_signed_at_once_and_holds_no_name(user: User) -> None:
    user("add", "Annabella", "--role", "reviewer", typed=f"{PASSWORD}\n")
    store = opened()
    (project,) = store.projects()
    assert store.unsigned(project.id) == 0
    assert "Annabella" not in "".join(event.canonical for event in store.events(project.id))
    store.close()
    assert verified()


def test_without_the_signing_key_people_are_added_and_a_worker_signs_later(
    user: User, signoff_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "elsewhere"))
    assert user("add", "Ann", "--role", "reviewer", typed=f"{PASSWORD}\n") == 0
    monkeypatch.setenv("SIGNOFF_HOME", str(signoff_home))
    store = opened()
    (project,) = store.projects()
    assert store.unsigned(project.id) == 1
    from signoff.worker import Worker

    Worker(store=store).round()
    assert store.unsigned(project.id) == 0
    store.close()
    assert verified()


def test_a_password_from_standard_input_is_its_first_line(user: User) -> None:
    user("add", "Ann", typed=f"{PASSWORD}\r\nsomething else\n")
    store = opened()
    entrance = Entrance(directory=Directory(store=store))
    assert entrance.sign_in("Ann", PASSWORD) is not None
    store.close()
    user("password", "Ann", typed="another one altogether")
    store = opened()
    entrance = Entrance(directory=Directory(store=store))
    assert entrance.sign_in("Ann", PASSWORD) is None
    assert entrance.sign_in("Ann", "another one altogether") is not None
    store.close()


def test_a_token_is_printed_once_alone_on_standard_output(
    user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    user("add", "Ann", "--role", "reviewer", typed=f"{PASSWORD}\n")
    capsys.readouterr()
    assert user("token", "Ann", "--scope", "read", "--scope", "answer", "--days", "30") == 0
    (secret,) = capsys.readouterr().out.splitlines()
    store = opened()
    identity = Entrance(directory=Directory(store=store)).of_token(secret)
    assert identity is not None
    assert identity.scopes == {"read", "answer"}
    (kept,) = store.tokens(identity.account.id)
    assert kept.expires - kept.created == 30 * 24 * 60 * 60 * 1_000_000
    store.close()


def test_an_invitation_is_printed_as_the_end_of_a_link(
    user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user("invite", "--role", "auditor") == 0
    (link,) = capsys.readouterr().out.splitlines()
    store = opened()
    (project,) = store.projects()
    ann = Directory(store=store).join(link.removeprefix("/join?token="), "Ann", PASSWORD)
    assert store.roles_of(ann.id) == {project.id: "auditor"}
    store.close()


def test_the_first_admin_may_come_before_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["user", "add", "Ann", "--admin", "--store", "new.signoff.db"]) == 0
    store = open_store("new.signoff.db", create=False)
    assert store.count_accounts(everywhere="admin") == 1
    store.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "Ben", "--role", "owner"], "'owner' is no role"),
        (["add", "Ben", "--project", "reviews"], "--project needs a role"),
        (["add", "Ben", "--role", "reviewer", "--project", "x"], "no project 'x'"),
        (["add", "ann"], "'ann' is taken"),
        (["add", "a:b"], "cannot be a name"),
        (["add", "Ben", "--store", "no/such/folder.db"], "does not exist"),
        (["role", "Nobody", "admin"], "Nobody has an account named 'Nobody'"),
        (["role", "Ann", "manager", "--everywhere"], "--everywhere is for admin or none"),
        (["role", "Ann", "none", "--everywhere"], "Nobody else runs this site"),
        (["token", "Ann", "--scope", "all"], "'all' is no scope"),
        (["token", "Ann", "--days", "0"], "'--days'"),
        (["remove", "Ann"], "Pass --yes"),
        (["remove", "Ann", "--yes"], "Nobody else runs this site"),
        (["list", "--store", "none.db"], "no store at none.db"),
    ],
)
def test_a_mistake_is_one_line(
    user: User, arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    user("add", "Ann", "--admin", typed=f"{PASSWORD}\n")
    capsys.readouterr()
    assert user(*arguments, typed=f"{PASSWORD}\n") == 2
    assert said in complaint(capsys)


def test_a_weak_password_makes_no_account(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    assert user("add", "Ann", typed="short\n") == 2
    assert "short" not in complaint(capsys).replace("shorter", "")
    store = opened()
    assert store.count_accounts() == 0
    store.close()


@pytest.mark.parametrize(("second", "code"), [(PASSWORD, 0), ("something else", 2)])
def test_at_a_terminal_a_password_is_typed_twice_and_never_shown(
    user: User, second: str, code: int, tmp_path: Path
) -> None:
    terminal, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "user", "add", "Ann"],
        cwd=tmp_path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(slave)
    seen = read_until(terminal, "Password for Ann")
    os.write(terminal, f"{PASSWORD}\n".encode())
    seen += read_until(terminal, "Once more")
    os.write(terminal, f"{second}\n".encode())
    seen += read_until(terminal, "Added Ann" if code == 0 else "differ")
    assert process.wait(60) == code
    os.close(terminal)
    assert PASSWORD not in seen
    assert second not in seen


def read_until(terminal: int, wanted: str) -> str:
    seen = ""
    while wanted not in seen:
        try:
            seen += os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:
            break
    assert wanted in seen, seen
    return seen
