"""``signoff backup`` and ``signoff restore`` as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signoff.cli import main
from signoff.core.routing import People
from signoff.errors import Exit
from signoff.sdk import run
from signoff.testing.fakes import LABELS, two_topics


@pytest.fixture
def store(tmp_path: Path) -> str:
    run(two_topics(20), labels=LABELS, text="text", policy=People(), reviewer="column:label",
        store=tmp_path / "a.db")  # fmt: skip
    return str(tmp_path / "a.db")


def test_a_store_is_written_restored_and_verified(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, again = str(tmp_path / "a.zip"), str(tmp_path / "again" / "b.db")
    (tmp_path / "again").mkdir()
    assert main(["backup", store, archive]) == Exit.DONE
    said = capsys.readouterr().out
    assert "1 projects" in said
    assert "The key that signs is not in it" in said
    assert main(["restore", archive, again, "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["projects"] == 1
    assert len(told["keys"]) == 1
    assert main(["verify", again]) == Exit.DONE
    assert "Verified." in capsys.readouterr().out


def test_what_cannot_be_done_is_one_line(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.zip").write_text("no archive")
    for arguments, says in (
        (["backup", str(tmp_path / "no.db"), str(tmp_path / "x.zip")], "There is no store"),
        (["backup", store, str(tmp_path / "no.zip")], "exists"),
        (["backup", store, str(tmp_path / "no" / "x.zip")], "could not be written"),
        (["restore", str(tmp_path / "nothing.zip"), str(tmp_path / "x.db")], "cannot be read"),
        (["restore", str(tmp_path / "no.zip"), str(tmp_path / "x.db")], "is damaged"),
    ):
        assert main(arguments) == Exit.USAGE
        errors = capsys.readouterr().err
        assert says in errors
        assert errors.count("\n") == 1
    assert main(["backup", store, str(tmp_path / "a.zip")]) == Exit.DONE
    capsys.readouterr()
    assert main(["restore", str(tmp_path / "a.zip"), store]) == Exit.USAGE
    assert "is not empty" in capsys.readouterr().err
