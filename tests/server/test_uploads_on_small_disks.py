"""A disk that fills up under an upload: one clear answer, and nothing is left of the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys, pathlib
sys.path.insert(0, {here!r})
from workplace import workplace
disk = pathlib.Path({disk!r})
with workplace(disk, most_upload_bytes=10**9) as place:
    browser = place.browser()
    said = browser.post("/api/v1/uploads", content=b"a" * 12_000_000)
    print(said.status_code, said.json()["code"])
    streamed = browser.post("/api/v1/uploads", content=iter([b"a" * 1_000_000] * 12))
    print(streamed.status_code, streamed.json()["code"])
    print(list((disk / "artifacts" / "uploads").iterdir()))
    small = browser.post("/api/v1/uploads", content=b"text\\nfine\\n")
    print(small.status_code)
"""


def test_a_full_disk_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = "mount -t tmpfs -o size=8m none disk"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], cwd=tmp_path, check=False).returncode:
        pytest.skip("not on this platform: nobody may mount a disk here")
    program = tmp_path / "program.py"
    program.write_text(SCRIPT.format(here=str(Path(__file__).parent), disk=str(disk)))
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mount} && exec '{sys.executable}' '{program}'"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
        timeout=120,
    )
    assert ended.stdout.splitlines() == [
        "507 disk_full",
        "507 disk_full",
        "[]",
        "201",
    ], ended.stderr
