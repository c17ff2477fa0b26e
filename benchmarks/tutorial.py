"""The usual tutorial's loop, a graph call per row, against ``signoff.run`` with the same model.

Both get the same function as a model (``_tutorial_model.py``): it answers at once, so what is timed
is everything around it. The graph (LangGraph, three nodes, prints, a list of results; a person who
answers at once wherever the model's own confidence is below 0.95) takes the same time for every
row. ``signoff.run`` also asks, audits, certifies, logs every decision and draws the report. Each
runs in a process of its own, and its whole time counts, imports too.

    python benchmarks/tutorial.py [--quick] [--again] [--json FILE]

Needs ``pip install langgraph``. Finished parts are kept in ``benchmarks/out/tutorial.json``.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from _measure import HERE, OUT, Kept, Row, finish, parser, row, run_python, tell
from bulk import texts

SAME, MANY = 20_000, 1_000_000
QUICK_SAME, QUICK_MANY = 3_000, 50_000
RATIO = 50


def measure(script: str, size: int, *more: str) -> dict[str, float]:
    """One side on so many rows."""
    work = OUT / "tutorial" / f"{Path(script).stem}-{size}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    target = str(work / "out.csv")
    arguments = [str(HERE / script), str(texts(size)), target, *(str(work / m) for m in more)]
    used = run_python(arguments, home=work / "home").or_fail()
    wrong = wrong_labels(size, target, work)
    shutil.rmtree(work)
    return {"seconds": used.seconds, "cpu": used.cpu, "mb": used.peak_mb, "wrong": wrong}


def wrong_labels(size: int, target: str, work: Path) -> float:
    """The share of wrong labels; the graph's own list has no column to compare with."""
    script = (
        "import polars as pl, sys; t = pl.read_csv(sys.argv[1], infer_schema=False);"
        "o = pl.read_csv(sys.argv[2], infer_schema=False);"
        "c = 'sentiment' if 'sentiment' in o.columns else 'signoff_answer';"
        "j = t.join(o.select('text', said=c), on='text');"
        "print((j['label'] != j['said']).mean() if j.height == t.height else 1)"
    )
    return float(
        run_python(["-c", script, str(texts(size)), target], home=work / "home").or_fail().out
    )


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--again", action="store_true", help="forget what was kept from before")
    given = options.parse_args()
    if importlib.util.find_spec("langgraph") is None:
        raise SystemExit("langgraph is not installed: pip install langgraph")
    same, many = (QUICK_SAME, QUICK_MANY) if given.quick else (SAME, MANY)
    kept_file = OUT / ("tutorial.quick.json" if given.quick else "tutorial.json")
    if given.again:
        kept_file.unlink(missing_ok=True)
    kept = Kept(kept_file)
    graph = kept.get(f"graph {same}", lambda: measure("_tutorial_graph.py", same))
    small = kept.get(f"signoff {same}", lambda: measure("_tutorial_signoff.py", same, "s.db"))
    large = kept.get(f"signoff {many}", lambda: measure("_tutorial_signoff.py", many, "s.db"))
    rows = rows_of((same, graph), (same, small), (many, large))
    for line in rows:
        tell(line)
    return finish(rows, given.json)


def rows_of(
    graph: tuple[int, dict[str, float]],
    small: tuple[int, dict[str, float]],
    large: tuple[int, dict[str, float]],
) -> list[Row]:
    """Items a second, and their ratio."""
    pace = [size / one["seconds"] for size, one in (graph, small, large)]
    cpu = [size / one["cpu"] for size, one in (graph, large)]
    return [
        row(
            f"items a second: signoff.run ({large[0]:,} texts) over a graph call per row"
            f" ({graph[0]:,})",
            pace[2] / pace[0],
            "x",
            least=RATIO,
        ),
        # Neighbours on the machine disturb this one less.
        row("the same in processor time", cpu[1] / cpu[0], "x"),
        row(f"both on {graph[0]:,} texts, imports and all", pace[1] / pace[0], "x"),
        row(f"a graph call per row, {graph[0]:,} texts", pace[0], "items/s"),
        row(f"signoff.run, {large[0]:,} texts", pace[2], "items/s"),
        row(f"peak memory, signoff.run on {large[0]:,} texts", large[1]["mb"], "MB"),
        row("wrong labels, signoff.run (certified at 5 %)", 100 * large[1]["wrong"], "%", most=5),
        row("wrong labels, a graph call per row", 100 * graph[1]["wrong"], "%"),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
