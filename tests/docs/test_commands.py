"""Every command and option is documented, and everything documented exists."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("signoff.cli.run") is None, reason="the command line is not built yet"
)


def options() -> Iterator[tuple[str, str]]:
    """Every (command, option) the program has."""
    import typer

    from signoff.cli import app

    group = typer.main.get_command(app)
    for name, command in getattr(group, "commands", {}).items():
        for each in (command, *getattr(command, "commands", {}).values()):
            for parameter in each.params:
                if parameter.param_type_name == "option":
                    yield from ((name, flag) for flag in parameter.opts if flag != "--help")


@pytest.mark.parametrize("name", ["run", "serve"])
def test_every_option_of_a_command_with_a_table_is_in_it(name: str) -> None:
    section = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (table,) = [each for each in section if each.startswith(f"signoff {name}")]
    documented = set(re.findall(r"^\| `(--[\w-]+)", table, re.MULTILINE))
    assert documented == {flag for command, flag in options() if command == name}


def test_every_option_of_every_command_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = sorted({flag for _, flag in options() if f"`{flag}" not in text})
    assert not missing


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    documented = set(re.findall(r"`signoff ([a-z][\w-]*)[ `]", PAGE.read_text(encoding="utf-8")))
    documented |= set(
        re.findall(r"^## signoff ([a-z][\w-]*)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert documented - {"COMMAND"} == {command for command, _ in options()} | {"doctor"}
