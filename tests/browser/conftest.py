"""A real browser: Debian's Chromium, driven by Playwright; ``make test`` installs both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from chromiums import ARGUMENTS, program_of_chromium
from stored_projects import StoredProject


def chromium() -> str:
    """The browser's program; skips where there is none."""
    found = program_of_chromium()
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a module; each person gets a context of their own.

    It ends with the module: while it lives its thread holds an event loop, and no test after
    it in this process could start one.
    """
    program = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Makes people: each has cookies and an outbox of their own."""
    contexts: list[BrowserContext] = []

    def make() -> BrowserContext:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoredProject]:
    """Texts in a store, all of them for people, and their page in a process of its own."""
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    with StoredProject.open(tmp_path / "a.db", rows=200) as opened:
        yield opened


@pytest.fixture(scope="module")
def axe(repository: Path) -> str:
    """The script that looks for what keeps people out."""
    found = repository / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not found.is_file():
        pytest.skip("axe-core is not installed (npm ci in web/)")
    return found.read_text(encoding="utf-8")


@pytest.fixture
def run_python() -> Callable[[str], list[str]]:
    """Runs a script in a process of its own; the lines that it prints."""

    def run(script: str) -> list[str]:
        ended = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()

    return run
