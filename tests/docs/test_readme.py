"""README's Python runs, its commands exist, its benchmark table can be redrawn."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)

MARK, END = "<!-- benchmarks: start -->", "<!-- benchmarks: end -->"


def run_all() -> ModuleType:
    path = REPOSITORY / "benchmarks" / "run_all.py"
    spec = importlib.util.spec_from_file_location("benchmarks_run_all", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    importlib.util.find_spec("signoff.sdk") is None, reason="signoff.run is not built yet"
)
@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_the_python_in_the_readme_runs(number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SNIPPETS[number]],
        cwd=REPOSITORY,
        env={"PYTHONPATH": "src", "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_readme_has_python_to_run() -> None:
    assert SNIPPETS


def test_the_readme_leads_with_the_promise_then_one_command_then_the_picture() -> None:
    promise, command, picture, how = (
        README.index(part)
        for part in (
            "**At most 5 %",
            "signoff run reviews.csv --labels Positive,Negative --max-error 5%",
            "<!-- picture: start -->",
            "## How it works",
        )
    )
    assert promise < command < picture < how


def test_every_make_target_the_documentation_names_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(
            r"(?:`|^)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert named
    assert named <= targets


def test_a_benchmark_table_replaces_only_what_is_between_its_marks() -> None:
    bench = run_all()
    row = bench.Row("certified", "human answers | digits", 31.25, "%", 32.0, True)
    drawn = bench.redraw(README, "benchmarks", bench.table([row]))
    assert "| `certified.py` | human answers \\| digits | 31.25 % | 32 % | met |" in drawn
    assert drawn.split(MARK)[0] == README.split(MARK)[0]
    assert drawn.split(END)[1] == README.split(END)[1]
    assert bench.redraw(drawn, "benchmarks", bench.table([row])) == drawn


def test_lines_of_benchmarks_that_did_not_run_here_stay() -> None:
    bench = run_all()
    row = bench.Row("tutorial", "ratio", 51.5, "x", 50.0, True)
    drawn = bench.redraw(README, "benchmarks", bench.with_earlier(bench.table([row]), README))
    tutorial = [line for line in drawn.splitlines() if line.startswith("| `tutorial.py`")]
    assert tutorial == ["| `tutorial.py` | ratio | 51.5 x | 50 x | met |"]
    for name in ("adversary", "bulk", "certified"):
        lines = [line for line in README.splitlines() if line.startswith(f"| `{name}.py`")]
        assert lines
        assert [line for line in drawn.splitlines() if line.startswith(f"| `{name}.py`")] == lines
