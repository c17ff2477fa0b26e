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


def test_what_was_not_measured_here_stays_as_it_was() -> None:
    bench = run_all()
    name = "wrong labels, signoff.run (certified at 5 %)"
    row = bench.Row("tutorial", name, 4.5, "%", "<= 5", True)
    table = bench.with_earlier(bench.table([row]), README, "benchmarks", cells=2)
    drawn = bench.redraw(README, "benchmarks", table)
    assert f"| `tutorial.py` | {name} | 4.5 % | <= 5 | met |" in drawn.splitlines()
    changed = set(README.splitlines()) ^ set(drawn.splitlines())
    assert len(changed) == 2
    assert all(line.startswith(f"| `tutorial.py` | {name} |") for line in changed)


def test_a_pool_that_was_not_compared_here_keeps_its_line() -> None:
    bench = run_all()
    pool = "digits, kernel ridge (a Learner)"
    row = bench.Row("certified", f"{pool}: human answers", 99.0, "%", None, None)
    drawn = bench.with_earlier(bench.comparison([row]), README, "comparison", cells=1)
    assert f"| {pool} | 99 % |" in drawn.splitlines()
    assert "| AG News, MiniLM (a Learner) | 31.62 % |" in drawn
