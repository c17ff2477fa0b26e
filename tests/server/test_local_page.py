"""The page as a child process: it comes up, it can be used, and it ends with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from signoff.errors import StoreError
from signoff.server.local import LocalPage

CHILD = [sys.executable, str(Path(__file__).parent / "child.py")]
PAGE = [*CHILD, "page"]
SECONDS = 60.0


def gone(pid: int) -> bool:
    """Whether a process has ended, within the time a test has."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_the_page_comes_up_and_ends_when_told() -> None:
    with LocalPage.run(PAGE) as page:
        assert page.alive()
        assert page.url.startswith(f"http://127.0.0.1:{page.port}/?token=")
        with httpx2.Client() as browser:
            assert browser.get(page.url).status_code == 303
            me = browser.get(f"http://127.0.0.1:{page.port}/api/v1/me").json()
        assert me["name"] == "ann"
    assert not page.alive()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(page.url)


def test_it_says_one_line_and_nothing_else() -> None:
    process = subprocess.Popen(
        PAGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert set(said) == {"url", "port"}
    httpx2.get(said["url"])
    httpx2.get(f"http://127.0.0.1:{said['port']}/nothing")
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_terminated_page_ends_calmly() -> None:
    process = subprocess.Popen(PAGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_takes_its_page_along(how: signal.Signals) -> None:
    parent = subprocess.Popen([*CHILD, "parent"], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid, url = parent.stdout.readline().decode().split()
    assert httpx2.get(url).status_code == 303
    parent.send_signal(how)
    parent.wait(SECONDS)
    parent.communicate()
    assert gone(int(pid))


def test_a_page_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(StoreError, match="did not start: it ended with exit code 3"):
        LocalPage.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_page_that_does_not_come_up_is_ended() -> None:
    waits = "import sys; sys.stdin.read()"
    with pytest.raises(StoreError, match="not ready after 1 seconds"):
        LocalPage.run([sys.executable, "-c", waits], seconds=1)


def test_a_page_that_says_something_else_is_an_error() -> None:
    with pytest.raises(StoreError, match="did not start"):
        LocalPage.run([sys.executable, "-c", "print('[]')"])


def test_closing_twice_is_harmless() -> None:
    page = LocalPage.run(PAGE)
    page.close()
    page.close()
    assert not page.alive()
