"""What is printed, for people and for machines."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.cli.output import ProgressLine, facts, print_error, progress_as_json, say
from signoff.errors import Exit
from signoff.ports import Forecast, Progress

PROGRESS = Progress(
    pool=1,
    phase="learning",
    items=7600,
    rows=8000,
    answered=312,
    automatic=0,
    open=12,
    forecast=Forecast(answered=300, learning=100, audit=400, review=500, automatic=6300),
    seconds_per_answer=3.0,
    bound=None,
)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_renews_one_line_and_leaves_nothing_behind() -> None:
    stream = Tty()
    line = ProgressLine(blind=False, stream=stream)
    line(PROGRESS)
    line(replace(PROGRESS, answered=313))
    line.close()
    assert "\n" not in stream.getvalue()
    assert "Learning · 7,600 items · 312 answered · about 988 more (49 min)" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_progress_in_a_file_is_a_line_per_phase_or_every_few_seconds() -> None:
    stream, now = io.StringIO(), 0.0
    line = ProgressLine(blind=False, stream=stream, clock=lambda: now)
    for answered in range(100):
        line(replace(PROGRESS, answered=answered))
    now = 6.0
    line(replace(PROGRESS, answered=200))
    line(replace(PROGRESS, answered=200, phase="auditing"))
    line.close()
    said = stream.getvalue().splitlines()
    assert [text.split(" ·")[0] for text in said] == ["Learning", "Learning", "Auditing"]
    assert "\x1b" not in stream.getvalue()


def test_a_reviewer_is_never_told_the_phase() -> None:
    for stream in (Tty(), io.StringIO()):
        line = ProgressLine(blind=True, stream=stream, clock=lambda: 0.0)
        line(PROGRESS)
        before = stream.getvalue()
        line(replace(PROGRESS, phase="auditing"))
        assert stream.getvalue() == before
        assert "earning" not in before


def test_progress_for_machines_is_one_json_object_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress_as_json(PROGRESS)
    progress_as_json(replace(PROGRESS, phase="closed", forecast=None))
    first, second = (json.loads(line)["progress"] for line in capsys.readouterr().err.splitlines())
    assert (first["phase"], first["answered"], first["answers_left"]) == ("learning", 312, 988)
    assert (second["phase"], second["answers_left"]) == ("closed", None)


@given(message=st.text(), hint=st.text())
def test_an_error_is_one_line_that_cannot_steer_the_terminal(message: str, hint: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        err = io.StringIO()
        patch.setattr("sys.stderr", err)
        print_error(message, hint)
    line = err.getvalue()
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert "\x1b" not in line


def test_an_error_for_machines_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("No.", "Try.", code="input", as_json=True, exit=Exit.USAGE)
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "exit_code": 2,
        "error": {"code": "input", "message": "No.", "hint": "Try."},
    }
    assert shown.err == "error: No. Try.\n"


def test_said_text_shows_escapes_instead_of_obeying_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("a\x1b[2Jb\ud800")
    assert capsys.readouterr().out == "a␛[2Jb\ufffd\n"


def test_facts_are_aligned_counted_with_commas_and_nested() -> None:
    found = {
        "project": "default",
        "labels": ["a", "b"],
        "items": 1200,
        "done": True,
        "none": None,
        "pool": {"open": 3},
    }
    assert list(facts(found)) == [
        "project  default",
        "labels   a, b",
        "items    1,200",
        "done     yes",
        "pool",
        "  open  3",
    ]
