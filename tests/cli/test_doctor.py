"""The doctor looks, says what to do, and changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from signoff.audit.keys import default_key, key_folder
from signoff.cli import main
from signoff.cli.doctor import Finding, examine


def finding(name: str) -> Finding:
    (found,) = [each for each in examine() if each.name == name]
    return found


def test_a_healthy_machine_is_fine_and_stays_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for name in ("signoff", "Python", "SQLite", "scikit-learn", "signing key", "this folder"):
        assert name in shown
    assert not (key_folder() / "default").exists()


def test_the_findings_are_there_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["ok"] is True
    assert {each["state"] for each in shown["findings"]} <= {"ok", "note"}


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.cli.doctor.EXTRAS", {"postgres": ("no_such_module", "PostgreSQL")})
    found = finding("[postgres]")
    assert found.state == "note"
    assert found.advice == 'pip install "signoff[postgres]"'


def test_the_key_is_named_by_its_public_half() -> None:
    key = default_key()
    assert key.public.text in finding("signing key").detail


def test_a_key_that_others_can_read_is_bad(capsys: pytest.CaptureFixture[str]) -> None:
    key = default_key()
    (key_folder() / f"{key.id}.pem").chmod(0o644)
    assert finding("signing key").state == "bad"
    assert main(["doctor"]) == 1
    assert "chmod 600" in capsys.readouterr().out


def test_a_damaged_key_is_bad_and_says_what_to_do() -> None:
    key = default_key()
    (key_folder() / f"{key.id}.pem").write_text("scrambled")
    found = finding("signing key")
    assert found.state == "bad"
    assert found.advice


def test_a_folder_for_keys_that_cannot_be_made_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SIGNOFF_HOME", str(blocked))
    assert finding("signing key").state == "bad"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="not on this platform: root")
def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert finding("this folder").state == "note"
    finally:
        tmp_path.chmod(0o700)
