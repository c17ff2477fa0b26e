"""A million short texts: import, learn, predict, decide, log, export, against the bare script.

``signoff run`` labels a CSV (a column plays the reviewer, certified at 5 %), in a process of its
own from the first import to the last file; then ``_bare.py`` does what a plain scikit-learn script
does with the same rows, in the same minutes: read, vectorise (the same kinds of features), train on
as many answers, predict all rows, write. Both take the machine as it is; processor seconds stand
beside wall-clock ones because they mind neighbours less.

    python benchmarks/bulk.py [--quick] [--again] [--json FILE]

Finished sizes are kept in ``benchmarks/out/bulk.json``, so a stopped run goes on.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from _measure import HERE, OUT, Kept, Row, finish, parser, row, run_python, run_signoff, tell

FOLDER = OUT / "bulk"
SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (5_000, 20_000)
RATIO, PEAK_MB, VERIFY_SECONDS = 1.3, 3000, 60
RUN = (
    "run", "--text", "text", "--labels", "Positive,Negative", "--reviewer", "column:label",
    "--max-error", "5%", "--seed", "1", "--json",
)  # fmt: skip
COUNT_ERRORS = """
import polars as pl, sys
t = pl.read_csv(sys.argv[1], infer_schema=False)
print((t["label"] != t[sys.argv[2]]).mean())
"""


def texts(size: int) -> Path:
    """The CSV of so many texts, written once."""
    path = FOLDER / f"texts-{size}.csv"
    if not path.exists():
        home = path.parent / "home"
        run_python([str(HERE / "_texts.py"), str(size), str(path)], home=home).or_fail()
    return path


def measure(size: int) -> dict[str, float]:
    """Both programs on so many rows, one after the other."""
    source, work = texts(size), FOLDER / f"run-{size}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    data = work / "data.csv"
    os.link(source, data)
    home = work / "home"

    signoff = run_signoff([*RUN, str(data)], home=home).or_fail()
    said = json.loads(signoff.out)
    learned = said["counts"]["human"] - said["certificate"]["audited"]
    verify = run_signoff(["verify", said["paths"]["store"]], home=home).or_fail()
    target = str(work / "bare.csv")
    bare = run_python(
        [str(HERE / "_bare.py"), str(data), target, str(learned)], home=home
    ).or_fail()
    found = {
        "signoff": signoff.seconds, "signoff_cpu": signoff.cpu, "signoff_mb": signoff.peak_mb,
        "bare": bare.seconds, "bare_cpu": bare.cpu, "bare_mb": bare.peak_mb,
        "verify": verify.seconds, "verify_mb": verify.peak_mb,
        "human": said["counts"]["human"],
        "signoff_error": errors(said["paths"]["results"], "signoff_answer", home),
        "bare_error": errors(target, "predicted", home),
    }  # fmt: skip
    shutil.rmtree(work)
    return found


def errors(path: str, column: str, home: Path) -> float:
    """The share of rows whose label is not the one their writer meant."""
    return float(run_python(["-c", COUNT_ERRORS, path, column], home=home).or_fail().out)


def rows_of(size: int, one: dict[str, float]) -> list[Row]:
    """What one size has to show."""
    name = f"{size:,} texts"
    return [
        row(f"{name}: signoff, import to export", one["signoff"], "s"),
        row(f"{name}: the bare script", one["bare"], "s"),
        row(f"{name}: signoff, time per text", 1e6 * one["signoff"] / size, "µs"),
        row(f"{name}: peak memory, signoff", one["signoff_mb"], "MB", most=PEAK_MB),
        row(f"{name}: peak memory, the bare script", one["bare_mb"], "MB"),
        row(f"{name}: `signoff verify`", one["verify"], "s", most=VERIFY_SECONDS),
        row(f"{name}: answered by people", int(one["human"]), "texts"),
        row(f"{name}: wrong labels, signoff", 100 * one["signoff_error"], "%", most=5),
        row(f"{name}: wrong labels, the bare script", 100 * one["bare_error"], "%"),
    ]


def summary(size: int, one: dict[str, float], smallest: tuple[int, dict[str, float]]) -> list[Row]:
    """The ratios of the largest size."""
    base, small = smallest
    name = f"{size:,} texts: signoff's time over the bare script's"
    growth = (one["signoff"] / size) / (small["signoff"] / base)
    cpu = (one["signoff_cpu"]) / one["bare_cpu"]
    return [
        row(name, one["signoff"] / one["bare"], "x", most=RATIO),
        row(f"{name}, processor time", cpu, "x"),
        row(f"time per text at {size:,} over that at {base:,}", growth, "x", most=1.1),
    ]


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--again", action="store_true", help="forget the sizes kept from before")
    given = options.parse_args()
    kept_file = OUT / ("bulk.quick.json" if given.quick else "bulk.json")
    if given.again:
        kept_file.unlink(missing_ok=True)
    kept = Kept(kept_file)
    sizes = QUICK_SIZES if given.quick else SIZES
    found: dict[int, dict[str, float]] = {}
    rows: list[Row] = []
    for size in sizes:
        found[size] = kept.get(str(size), lambda size=size: measure(size))
        rows += rows_of(size, found[size])
        for line in rows[-9:]:
            tell(line)
    top = summary(sizes[-1], found[sizes[-1]], (sizes[0], found[sizes[0]]))
    for line in top:
        tell(line)
    return finish([*top, *rows], given.json)


if __name__ == "__main__":
    raise SystemExit(main())
