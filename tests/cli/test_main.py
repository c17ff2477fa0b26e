"""The program as a whole: help, version, errors, exit codes, signals, closed pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from signoff import __version__
from signoff.cli import main

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"
PROGRAM = "import sys; from signoff.cli import main; sys.exit(main())"
HEAVY = ("sklearn", "polars", "sqlalchemy", "scipy", "numpy", "pandas")
COMMANDS = (
    "run",
    "serve",
    "user",
    "status",
    "export",
    "report",
    "verify",
    "log",
    "proof",
    "erase",
    "doctor",
)
RUN_FLAGS = (
    "--text --key --labels --question --form --show --guideline --blur --direction "
    "--project --policy --max-error --certainty --slice --ask-always --model --reviewer --as "
    "--budget --seed --no-group --store --out --report --json"
)


def signoff(
    *args: str, code: str = PROGRAM, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program for real."""
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(args: Sequence[str], capsys: pytest.CaptureFixture[str], *, code: int = 2) -> str:
    """Run in this process; the one line of the refusal."""
    assert main(args) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("error: ")
    return line


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from signoff.cli import main; code = main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = signoff(code=code)
    assert done.returncode == 0, done.stderr
    *shown, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    assert all(any(line.split()[:1] == [name] for line in shown) for name in COMMANDS)


def test_help_of_run_names_every_flag_of_the_contract(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{flag} " in shown for flag in RUN_FLAGS.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: signoff {command}")


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"signoff {__version__}\n"


def test_nothing_typed_shows_the_help_and_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "Usage: signoff" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["fly"], "fly"),
        (["run"], "DATA"),
        (["run", "x.csv", "--no-such-flag"], "--no-such-flag"),
        (["run", "x.csv", "--budget", "many"], "many"),
        (["run", "x.csv", "--budget", "-1"], "--budget '-1'"),
        (["run", "x.csv", "--seed", "-1"], "-1"),
        (["run", "x.csv", "--max-error", "0"], "--max-error '0'"),
        (["run", "x.csv", "--max-error", "150%"], "--max-error '150%'"),
        (["run", "x.csv", "--max-error", "abc"], "--max-error 'abc'"),
        (["run", "x.csv", "--certainty", "100%"], "--certainty '100%'"),
        (["run", "x.csv", "--policy", "people", "--max-error", "5%"], "belongs to"),
        (["run", "x.csv", "--policy", "threshold:2"], "threshold:2"),
        (["run", "x.csv", "--reviewer", "me"], "column:COL"),
        (["run", "x.csv", "--ask-always", "country"], "COL=VALUE"),
        (["run", "x.csv", "--labels", "@no-such-file"], "no-such-file"),
        (["status", "no-such.signoff.db"], "no-such.signoff.db"),
        (["verify", "no-such.jsonl"], "no-such.jsonl"),
        (["verify", "."], "'.'"),
        (["erase", "no-such.signoff.db", "key"], "--yes"),
        (["erase", "no-such.signoff.db", "key", "--yes"], "no-such.signoff.db"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    args: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(args, capsys)
    assert list(tmp_path.iterdir()) == []


def test_two_things_cannot_both_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "x.csv", "--json", "--out", "-"]) == 2
    assert "both write to standard output" in capsys.readouterr().err


def test_an_error_with_json_is_an_object_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status", "no-such.signoff.db", "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["exit_code"] == 2
    assert shown["error"]["code"] == "input"


RAISING = (
    "import signoff.cli.store_commands as c, sys, signoff.cli as cli\n{}\nsys.exit(cli.main())"
)
STATUS_RAISES = (
    "def fails(*args, **kwargs): {}\n"
    "c.open_view = fails"  # where the first line of the command ends up
)


def test_an_unforeseen_error_is_one_line_and_its_place_is_shown_on_request() -> None:
    code = RAISING.format(STATUS_RAISES.format("raise RuntimeError('two\\nlines')"))
    done = signoff("status", "x", code=code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: Internal error: RuntimeError: two lines. SIGNOFF_DEBUG=1 shows where.\n"
    )
    assert "Traceback" in signoff("status", "x", code=code, SIGNOFF_DEBUG="1").stderr


def test_an_interrupt_is_unfinished_and_says_how_to_go_on() -> None:
    code = RAISING.format(STATUS_RAISES.format("raise KeyboardInterrupt"))
    done = signoff("status", "x", code=code)
    assert done.returncode == 3
    assert done.stderr == "error: Interrupted; the same command goes on from here.\n"


def test_a_reader_that_went_away_is_no_error() -> None:
    command = [sys.executable, "-c", PROGRAM, "run", "--help"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=write,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_text_beyond_the_encoding_of_the_output_is_escaped() -> None:
    done = signoff("run", "x.csv", "--reviewer", "é→", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "\\u2192" in done.stderr
