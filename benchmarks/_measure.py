"""What the speed benchmarks share: programs run as children, their time and memory, the rows."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
SOURCE = HERE.parent / "src"
COMMAND = "import sys; from signoff.cli import main; sys.exit(main(sys.argv[1:]))"

Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a program took: wall-clock and processor seconds, peak resident memory in MB."""

    seconds: float
    cpu: float
    peak_mb: float
    exit_code: int
    out: str
    errors: str

    def or_fail(self) -> Used:
        """This, unless the program failed: a number of a broken run is no number."""
        if self.exit_code:
            last = "\n".join(self.errors.splitlines()[-20:])
            raise SystemExit(f"{last}\na measured program ended with exit code {self.exit_code}")
        return self


def run_python(arguments: Sequence[str], *, home: Path) -> Used:
    """Run this Python in a process of its own; signoff's key and settings live in ``home``.

    Keep the calling process small: the kernel counts what a child had before it became another
    program as the child's.
    """
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "SIGNOFF_HOME": str(home)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=errors, env=environment
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        printed, complaints = _read_back(out), _read_back(errors)
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Used(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / per_mb,
        exit_code=child.returncode,
        out=printed,
        errors=complaints,
    )


def _read_back(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def run_signoff(arguments: Sequence[str], *, home: Path) -> Used:
    """Run a ``signoff`` command in a process of its own."""
    return run_python(["-c", COMMAND, *arguments], home=home)


# -------------------------------------------------------------------------------- the rows


def shortest(work: Callable[[], object], times: int = 3) -> float:
    """The seconds of the quickest of a few calls."""
    taken = list[float]()
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def peers(name: str, needs: Sequence[str]) -> Path | None:
    """A Python with these packages, in an environment of its own; None where they cannot be had."""
    python = OUT / name / "bin" / "python"
    if not python.exists():
        venv.create(OUT / name, with_pip=True)
    wanted = [str(python), "-m", "pip", "install", "--quiet", *needs]
    done = subprocess.run(wanted, check=False, capture_output=True, text=True)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1][:200]
        print(f"{', '.join(needs)} cannot be installed: {why}")
        return None
    return python


def row(
    name: str, value: float, unit: str, *, most: float | None = None, least: float | None = None
) -> Row:
    """One measured number beside its target; without one it is shown for its own sake."""
    target, ok = None, None
    if most is not None:
        target, ok = f"<= {most:g}", value <= most
    elif least is not None:
        target, ok = f">= {least:g}", value >= least
    return {"name": name, "value": _rounded(value), "unit": unit, "target": target, "ok": ok}


def _rounded(value: float) -> float | int:
    return value if isinstance(value, int) else float(f"{value:.4g}")


def tell(line: Row) -> None:
    """Print a row as soon as it is known."""
    mark = {True: "ok  ", False: "MISS", None: "    "}[line["ok"]]  # type: ignore[index]
    target = f" (target {line['target']})" if line["target"] else ""
    print(f"{mark} {line['name']}: {line['value']} {line['unit']}{target}", flush=True)


def finish(rows: Sequence[Row], path: Path | None) -> int:
    """Write the rows; the exit code: 1 when a target was missed."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 1 if any(line["ok"] is False for line in rows) else 0


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options every benchmark takes."""
    options = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="a minute at most")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    return options


class Kept:
    """Finished measurements by name, so that a stopped benchmark goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, dict[str, float]] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        )

    def get(self, name: str, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """The measurement of this name, made now unless it was kept."""
        if name not in self.found:
            self.found[name] = measure()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
            new.replace(self.path)
        return self.found[name]
