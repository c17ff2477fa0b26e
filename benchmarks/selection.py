"""Choosing the next 100 questions of up to a million candidates: time and memory of each way.

    python benchmarks/selection.py [--quick] [--json FILE]

Vectors are made up, 384 numbers each, probabilities of 10 labels; 100 candidates are answered
already unless said otherwise; one BLAS thread, the best of three (of one for a million candidates).
scikit-activeml is installed into an environment of its own under ``benchmarks/out`` and chooses of
the same candidates, the best of three as well.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np

from _measure import HERE, OUT, Row, finish, parser, peers, row, shortest, tell

sys.path.insert(0, str(HERE.parent / "src"))

from signoff.core.selection import (
    Badge,
    DiverseMargin,
    Entropy,
    KCenter,
    Margin,
    Pool,
    Selection,
    TypiClust,
)

WIDTH, LABELS, COUNT = 384, 10, 100
PEERS = "selection-peers"
NEEDS = ["scikit-activeml==1.0.1"]


def made_up(size: int) -> Pool:
    """Candidates in loose clusters, and a model that is sure of most."""
    luck = np.random.default_rng(1)
    centres = luck.normal(size=(50, WIDTH)).astype(np.float32)
    vectors = luck.standard_normal((size, WIDTH), dtype=np.float32)
    vectors += centres[luck.integers(0, 50, size)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = luck.standard_normal((size, LABELS), dtype=np.float32) * 2
    np.exp(scores, out=scores)
    return Pool(
        size=size,
        vectors=vectors,
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        labelled=vectors[:COUNT].copy(),
    )


def seconds(selection: Selection, pool: Pool, times: int) -> float:
    """The shortest of a few runs."""
    luck = np.random.default_rng
    return shortest(lambda: selection.select(pool, COUNT, rng=luck(1)), times)


def extra_mb(selection: Selection, pool: Pool) -> float:
    """Most that is held beside the pool."""
    tracemalloc.start()
    selection.select(pool, COUNT, rng=np.random.default_rng(1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def ours(pool: Pool, name: str, *, large: bool) -> list[Row]:
    """Every way on one pool; targets hold for the million."""
    times = 1 if large else 3
    ways: list[tuple[str, Selection, float, float]] = [
        ("margin", Margin(), 0.02, 100),
        ("entropy", Entropy(), 1, 100),
        ("margin + k-means", DiverseMargin(5), 1, 100),
        ("BADGE", Badge(), 1.5, 100),
        ("k-center greedy", KCenter(), 3, 100),
        ("TypiClust", TypiClust(), 5, 100),
    ]
    lines: list[Row] = []
    for way, selection, most, mb in ways:
        taken = seconds(selection, pool, 3 if way == "margin" else times)
        lines.append(row(f"{way}, {name} candidates", taken, "s", most=most if large else None))
        if large:
            held = extra_mb(selection, pool)
            lines.append(
                row(f"{way}, {name} candidates: memory beside the pool", held, "MB", most=mb)
            )
    fresh = replace(pool, labelled=None)
    for way, selection, most in (("k-center greedy", KCenter(), 3), ("TypiClust", TypiClust(), 5)):
        what = f"{way}, {name} candidates, nothing answered yet"
        taken = seconds(selection, fresh, times)
        lines.append(row(what, taken, "s", most=most if large else None))
    return lines


# ----------------------------------------------------------------------------------- peers

THEIRS = """
import json, sys, time
import numpy as np
from skactiveml.pool import Badge, CoreSet
from skactiveml.classifier import SklearnClassifier
from sklearn.linear_model import LogisticRegression
kept = np.load(sys.argv[1]); way, count = sys.argv[2], int(sys.argv[3])
X = np.concatenate([kept["labelled"], kept["vectors"]]).astype(np.float64)
y = np.full(len(X), np.nan); y[: len(kept["labelled"])] = np.arange(len(kept["labelled"])) % 10
if way == "badge":
    inner = LogisticRegression(max_iter=50)
    model = SklearnClassifier(inner, classes=list(range(10)), random_state=1)
    model.fit(X[: len(kept["labelled"])], y[: len(kept["labelled"])])
    choose = lambda: Badge(random_state=1).query(
        X=X, y=y, clf=model, fit_clf=False, batch_size=count
    )
else:
    choose = lambda: CoreSet(random_state=1).query(X=X, y=y, batch_size=count)
taken = []
for _ in range(3):
    start = time.perf_counter()
    choose()
    taken.append(time.perf_counter() - start)
print(json.dumps(min(taken)))
"""


def theirs(python: Path, pool: Pool, way: str) -> float | None:
    """The peer's seconds on the same candidates; None where it fails or takes ten minutes."""
    file = OUT / "selection.npz"
    assert pool.vectors is not None
    assert pool.probabilities is not None
    assert pool.labelled is not None
    np.savez(file, vectors=pool.vectors, labelled=pool.labelled, probabilities=pool.probabilities)
    command = [str(python), "-W", "ignore", "-c", THEIRS, str(file), way, str(COUNT)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        print(f"scikit-activeml's {way} takes more than ten minutes on {pool.size:,}.")
        return None
    if done.returncode:
        print(f"scikit-activeml's {way} fails on {pool.size:,}: {done.stderr.strip()[-300:]}")
        return None
    return float(json.loads(done.stdout.splitlines()[-1]))


def against(python: Path, *, quick: bool) -> list[Row]:
    """How much longer scikit-activeml takes."""
    lines: list[Row] = []
    wanted: list[tuple[int, str, Selection, float]] = [
        (10_000, "badge", Badge(), 200),
        (10_000, "core set", KCenter(), 15),
    ]
    if not quick:
        wanted.append((100_000, "core set", KCenter(), 40))
    for size, way, selection, least in wanted:
        pool = made_up(size)
        taken = theirs(python, pool, way)
        if taken is None:
            continue
        ratio = taken / seconds(selection, pool, 3)
        name = "BADGE" if way == "badge" else "k-center greedy"
        what = f"{name}, {size:,} candidates: scikit-activeml's time over signoff's"
        lines.append(row(what, ratio, "x", least=least))
    return lines


def main() -> int:
    given = parser(__doc__).parse_args()
    lines: list[Row] = []
    sizes = (10_000, 100_000) if given.quick else (10_000, 100_000, 1_000_000)
    for size in sizes:
        lines += ours(made_up(size), f"{size:,}", large=size == 1_000_000)
    python = peers(PEERS, NEEDS)
    if python is not None:
        lines += against(python, quick=given.quick)
    for line in lines:
        tell(line)
    return finish(lines, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
