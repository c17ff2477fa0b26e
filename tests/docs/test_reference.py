"""The reference says what the code does: options, exit codes, errors, words, an item's path."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

from signoff import errors

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PATH_OF_AN_ITEM = (
    "cli/__init__.py",
    "formats/table.py",
    "engine.py",
    "core/routing.py",
    "store/store.py",
    "core/events.py",
)


def read(*parts: str) -> str:
    return DOCS.joinpath(*parts).read_text(encoding="utf-8")


def test_the_path_of_an_item_names_its_six_files_in_order() -> None:
    linked = re.findall(
        r"\(\.\./\.\./src/signoff/([^)]+)\)", read("explanation", "path-of-an-item.md")
    )
    assert tuple(linked[:6]) == PATH_OF_AN_ITEM
    missing = [name for name in linked if not (REPOSITORY / "src" / "signoff" / name).is_file()]
    assert not missing


def test_every_exit_code_is_documented_everywhere_it_is_listed() -> None:
    page = read("reference", "exit-codes.md")
    for code in errors.Exit:
        assert re.search(rf"^\| {code.value} \| `{code.name}` \| \S", page, re.MULTILINE), code
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d) \| ", readme, re.MULTILINE)
    assert [int(code) for code in listed] == [code.value for code in errors.Exit]


def test_every_error_is_documented_with_its_code_and_exit_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (\d) \|", read("reference", "errors.md"), re.MULTILINE
    )
    raised = {
        (name, error.code, str(error.exit_code.value))
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.SignoffError)
    }
    assert set(rows) == raised


@pytest.mark.parametrize(
    "page",
    [p for p in sorted(DOCS.rglob("*.md")) if ">>> " in p.read_text(encoding="utf-8")],
    ids=lambda page: page.stem,
)
def test_examples_in_the_documentation_print_what_they_say(page: Path) -> None:
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0


def test_the_glossary_defines_each_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", read("glossary.md"), re.MULTILINE)
    assert len(words) > 20
    assert len({word.casefold() for word in words}) == len(words)


def test_every_setting_is_documented() -> None:
    from signoff.settings import Settings

    page = read("reference", "files.md")
    missing = [name for name in Settings.model_fields if f"`SIGNOFF_{name.upper()}`" not in page]
    assert not missing


def test_every_argument_of_run_is_documented() -> None:
    from signoff.sdk import run

    page = read("reference", "python.md")
    missing = [name for name in inspect.signature(run).parameters if f"`{name}`" not in page]
    assert not missing


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## [Unreleased]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
