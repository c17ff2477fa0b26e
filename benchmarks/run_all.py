"""Run every benchmark beside this file, one after the other, and redraw the table in README.md.

Each script takes ``--quick`` (a minute at most) and ``--json FILE``, and writes a list of rows
``{"name", "value", "unit", "target", "ok"}``. Finished parts are kept in ``benchmarks/out``, so a
stopped run goes on where it was. A quick run prints its table and leaves README.md alone.

    python benchmarks/run_all.py [--quick] [--draw] [NAME ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
README = HERE.parent / "README.md"
COLUMNS = {
    "human answers": "**signoff**",
    "tutorial rule": "confidence ≥ 0.95",
    "plug-in": "plug-in, no audit",
    "PAC labels, betting": "PAC, betting",
    "PAC labels, CLT": "PAC, CLT",
    "threshold oracle": "threshold oracle",
    "item oracle": "item oracle",
}
"""Columns of the comparison: the rows of ``certified`` they show, and their heads."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number beside its target."""

    benchmark: str
    name: str
    value: object
    unit: str
    target: object
    ok: bool | None


def names() -> list[str]:
    """The benchmarks there are."""
    found = (path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    return sorted(name for name in found if name != Path(__file__).stem)


def result_file(name: str, *, quick: bool) -> Path:
    """Where a benchmark's rows are kept."""
    return OUT / f"{name}{'.quick' if quick else ''}.rows.json"


def run(name: str, *, quick: bool) -> bool:
    """Run one benchmark; False when it failed."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json"]
    command += [str(result_file(name, quick=quick)), *(["--quick"] if quick else [])]
    print(f"== {name}", flush=True)
    return subprocess.run(command, check=False).returncode == 0


def read_rows(name: str, *, quick: bool) -> list[Row]:
    """The rows a benchmark has written; none when it has not run yet."""
    path = result_file(name, quick=quick)
    if not path.exists():
        return []
    stored = json.loads(path.read_text(encoding="utf-8"))
    entries: list[dict[str, Any]] = stored["rows"] if isinstance(stored, dict) else stored
    return [
        Row(
            benchmark=name,
            name=str(entry["name"]),
            value=entry["value"],
            unit=str(entry.get("unit") or ""),
            target=entry.get("target"),
            ok=entry.get("ok"),
        )
        for entry in entries
    ]


def shown(value: object, unit: str) -> str:
    """A number as people read it: three or four digits, its unit behind."""
    if value is None:
        return ""
    if isinstance(value, float):
        value = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    elif isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:,}"
    return f"{value} {unit}".strip() if unit != "%" else f"{value} %"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| Benchmark | What | Measured | Target | |", "|---|---|---:|---:|---|"]
    for row in rows:
        mark = {True: "met", False: "**missed**", None: ""}[row.ok]
        target = row.target if isinstance(row.target, str) else shown(row.target, row.unit)
        cells = (f"`{row.benchmark}.py`", row.name, shown(row.value, row.unit), target, mark)
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def targets(rows: Sequence[Row]) -> list[Row]:
    """Rows that have a target; of the many settings of ``adversary`` the one that sums them up."""
    wanted = [row for row in rows if row.target is not None]
    first = next((row for row in wanted if row.benchmark == "adversary"), None)
    return [row for row in wanted if row.benchmark != "adversary" or row is first]


def with_earlier(drawn: str, text: str, name: str, *, cells: int) -> str:
    """A drawn table, and README's lines of what has no result on this machine.

    ``cells``: how many of a line say what it is about. A line whose benchmark calls it otherwise
    now stays, too, until somebody takes it out.
    """
    _, rest = text.split(f"<!-- {name}: start -->", 1)
    earlier, _ = rest.split(f"<!-- {name}: end -->", 1)
    head, lines = drawn.splitlines()[:2], drawn.splitlines()[2:]
    measured = {_about(line, cells): line for line in lines}
    known = {_about(line, cells): line for line in earlier.strip().splitlines()[2:]}
    return "\n".join([*head, *{**known, **measured}.values()])


def _about(line: str, cells: int) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.split("|")[1 : 1 + cells])


def comparison(rows: Sequence[Row]) -> str:
    """What ``certified`` measured, one line a pool and one column a way to decide."""
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        pool, _, column = row.name.rpartition(": ")
        if row.benchmark == "certified":
            cells.setdefault(pool, {})[column] = shown(row.value, row.unit)
    columns = [name for name in COLUMNS if any(name in line for line in cells.values())]
    heads = [COLUMNS[name] for name in columns]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {pool} | {' | '.join(line.get(name, '') for name in columns)} |"
        for pool, line in cells.items()
    ]
    return "\n".join(lines)


def redraw(text: str, name: str, drawn: str) -> str:
    """The text with whatever stands between the marks of this name replaced."""
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    before, rest = text.split(start, 1)
    _, after = rest.split(end, 1)
    return f"{before}{start}\n{drawn}\n{end}{after}"


def main() -> int:
    """Run, print, redraw; 1 when a benchmark failed or missed a target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--quick", action="store_true", help="a minute each; README stays")
    parser.add_argument("--draw", action="store_true", help="run nothing, redraw from old results")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are: {', '.join(names())})")

    OUT.mkdir(parents=True, exist_ok=True)
    chosen: list[str] = options.names or names()
    failed = [] if options.draw else [name for name in chosen if not run(name, quick=options.quick)]
    rows = [row for name in names() for row in read_rows(name, quick=options.quick)]
    print(f"\n{table(rows)}")
    if not options.quick and rows:
        text = README.read_text(encoding="utf-8")
        drawn = with_earlier(table(targets(rows)), text, "benchmarks", cells=2)
        head, lines = drawn.splitlines()[:2], drawn.splitlines()[2:]
        ordered = "\n".join([*head, *sorted(lines, key=lambda line: _about(line, 1))])
        text = redraw(text, "benchmarks", ordered)
        if any(row.benchmark == "certified" for row in rows):
            drawn = with_earlier(comparison(rows), text, "comparison", cells=1)
            text = redraw(text, "comparison", drawn)
        README.write_text(text, encoding="utf-8")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
