"""The core is pure: its imports and calls are read, not trusted."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "signoff"
CORE = sorted((SOURCE / "core").rglob("*.py"))
THIRD_PARTY = {"numpy", "scipy", "rfc8785", "_typeshed"}
IMPURE = {
    *("asyncio", "glob", "io", "multiprocessing", "os", "pathlib", "pickle", "random", "secrets"),
    *(
        "shutil",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
    ),
}
CLOCK_OR_FILE = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom"}
LONGEST = 450


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                yield called.id
            elif isinstance(called, ast.Attribute):
                yield called.attr


def allowed_in_core(module: str) -> bool:
    top = module.partition(".")[0]
    if top == "signoff":
        return module == "signoff.errors" or module.startswith("signoff.core")
    return top in THIRD_PARTY or (top in sys.stdlib_module_names and top not in IMPURE)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_imports_no_files_clocks_randomness_or_other_rooms(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for name in imported(tree) if not allowed_in_core(name)] == []


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_reads_no_clock_and_opens_no_file(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [
        name for name in calls(tree) if name in CLOCK_OR_FILE or name in {"open", "print"}
    ] == []


def test_no_module_outgrows_what_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long


def test_nothing_is_pickled() -> None:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not {"pickle", "joblib", "marshal", "shelve"} & set(imported(tree)), path


def test_the_modules_that_are_to_run_first_exist() -> None:
    tests = Path(__file__).parent
    named = ast.parse((tests / "conftest.py").read_text(encoding="utf-8"))
    long = next(
        node.value
        for node in named.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LONG"
    )
    missing = [name for name in ast.literal_eval(long) if not (tests / name).is_file()]
    assert not missing, f"tests/conftest.py names modules that are not there: {missing}"
