"""``signoff doctor``: is everything here that signoff needs?"""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from signoff.cli.output import say, say_json
from signoff.errors import Exit, SignoffError

PACKAGES = ("numpy", "scipy", "scikit-learn", "polars", "sqlalchemy", "cryptography")
EXTRAS = {
    "postgres": ("psycopg", "stores in PostgreSQL"),
    "embeddings": ("sentence_transformers", "sentence embeddings as features"),
}
OLDEST_SQLITE = (3, 35)
MARKS = {"ok": "ok  ", "note": "--  ", "bad": "BAD "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do where it is not fine."""

    name: str
    state: Literal["ok", "note", "bad"]
    detail: str
    advice: str = ""


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look for what signoff needs."""
    findings = list(examine())
    bad = any(finding.state == "bad" for finding in findings)
    if json:
        say_json({"ok": not bad, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            advice = f" {finding.advice}" if finding.advice else ""
            say(f"{MARKS[finding.state]}{finding.name:<14} {finding.detail}{advice}")
    raise typer.Exit(int(Exit.FAILED if bad else Exit.DONE))


def examine() -> Iterator[Finding]:
    """Everything that can be looked at without changing anything."""
    from signoff.version import VERSION

    yield Finding("signoff", "ok", VERSION)
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield from map(_package, PACKAGES)
    yield from (_extra(name, module, use) for name, (module, use) in EXTRAS.items())
    yield _sqlite()
    yield _signing_key()
    yield _terminal()
    yield _folder(Path.cwd())


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, "bad", "missing.", f"pip install {name}")


def _extra(name: str, module: str, use: str) -> Finding:
    if find_spec(module) is not None:
        return Finding(f"[{name}]", "ok", use)
    return Finding(f"[{name}]", "note", f"not installed ({use}).", f'pip install "signoff[{name}]"')


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return Finding("SQLite", "ok", sqlite3.sqlite_version)
    oldest = ".".join(map(str, OLDEST_SQLITE))
    return Finding(
        "SQLite", "bad", f"{sqlite3.sqlite_version} is too old.", f"Needs {oldest} or later."
    )


def _signing_key() -> Finding:
    """The key of new projects, if there is one; looks, never makes one."""
    from signoff.audit.keys import default_key, key_folder

    folder = key_folder()
    if not (folder / "default").exists():
        if _writable(folder):
            return Finding("signing key", "note", f"none yet; the first run makes one in {folder}")
        return Finding(
            "signing key", "bad", f"{folder} cannot be written.", "Set SIGNOFF_HOME to a folder."
        )
    try:
        key = default_key()
    except SignoffError as error:
        return Finding("signing key", "bad", error.message, error.hint)
    mode = (folder / f"{key.id}.pem").stat().st_mode & 0o777
    if mode & 0o077:
        return Finding(
            "signing key", "bad", f"{folder} ({mode:o}): others can read it.", "chmod 600 it."
        )
    return Finding("signing key", "ok", f"{key.public.text} in {folder}")


def _terminal() -> Finding:
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in (None, "dumb"):
        size = os.get_terminal_size(sys.stdout.fileno())
        return Finding("terminal", "ok", f"{os.environ['TERM']}, {size.columns} x {size.lines}")
    return Finding("terminal", "note", "not one: reviewing reads lines instead of keys")


def _folder(folder: Path) -> Finding:
    if _writable(folder):
        return Finding("this folder", "ok", f"{folder} can be written")
    return Finding("this folder", "note", f"{folder} cannot be written.", "Pass --store and --out.")


def _writable(folder: Path) -> bool:
    """Whether files can be made there, or the folder itself where it does not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
