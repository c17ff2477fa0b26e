"""One label from many people's: accuracy on five real crowds, and time beside crowd-kit's.

    python benchmarks/crowd.py [--quick] [--json FILE]

Accuracy: of signoff's default (people pooled), plain Dawid-Skene and counting, on the crowds of
``../shared/data/crowd_gold`` with at most 1, 2, 3, 5 and all votes an item (means over random
draws). Time: on made-up votes, one BLAS thread, the best of three; crowd-kit and cleanlab are
installed into an environment of their own under ``benchmarks/out`` and are given the same votes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl
from numpy.typing import NDArray

from _measure import HERE, OUT, Row, finish, parser, peers, row, shortest, tell

sys.path.insert(0, str(HERE.parent / "src"))

from signoff.core.aggregation import Votes, crowdlab, dawid_skene, mace, majority

CROWDS = HERE.parent.parent / "shared" / "data" / "crowd_gold"
PEERS = "crowd-peers"
NEEDS = ["crowd-kit==1.4.2", "cleanlab==2.7.1", "numpy<2.3", "pandas<3"]
LABELS, EACH = 4, 5
FEW = (1, 2, 3, 5)
PLAIN = {"bluebird": 0.889, "rte": 0.928, "temp": 0.942, "dog": 0.843}
Labels = NDArray[np.int64]


def crowds() -> dict[str, tuple[Votes, Labels]]:
    """The votes of each crowd, and the known label of each item (-1: unknown)."""
    said = pl.read_csv(CROWDS / "answers.csv.gz", infer_schema=False)
    known = pl.read_csv(CROWDS / "gold.csv.gz", infer_schema=False)
    found: dict[str, tuple[Votes, Labels]] = {}
    for name in sorted(said["dataset"].unique()):
        votes, gold = said.filter(dataset=name), known.filter(dataset=name)
        labels = sorted({*votes["label"], *gold["gold"]})
        tasks = votes["task"].unique(maintain_order=True).to_list()
        workers = votes["worker"].unique(maintain_order=True).to_list()
        codes = [
            votes[column].replace_strict(names, range(len(names)), return_dtype=pl.Int64)
            for column, names in (("task", tasks), ("worker", workers), ("label", labels))
        ]
        of = dict(zip(gold["task"], gold["gold"], strict=True))
        truth = np.array([labels.index(of[task]) if task in of else -1 for task in tasks])
        found[name] = Votes.of(*(each.to_numpy() for each in codes), labels=len(labels)), truth
    return found


def some(votes: Votes, each: int, seed: int) -> Votes:
    """At most so many votes of every item, at random."""
    order = np.random.default_rng(seed).permutation(len(votes))
    by_item = order[np.argsort(votes.item[order], kind="stable")]
    starts = np.searchsorted(votes.item[by_item], np.arange(votes.items))
    rank = np.arange(len(by_item)) - starts[votes.item[by_item]]
    kept = by_item[rank < each]
    return Votes.of(
        votes.item[kept],
        votes.person[kept],
        votes.label[kept],
        labels=votes.labels,
        items=votes.items,
        people=votes.people,
    )


def accuracy(posterior: NDArray[np.float64], truth: Labels) -> float:
    """Of the items whose label is known."""
    known = truth >= 0
    return float((posterior.argmax(axis=1)[known] == truth[known]).mean())


def quality(draws: int) -> list[Row]:
    """Accuracy with few votes an item, and with all of them: of the crowd where it gains least."""
    gains: dict[str, dict[str, float]] = {}
    for name, (votes, truth) in crowds().items():
        for each in FEW:
            parts = [some(votes, each, seed) for seed in range(draws)]
            pooled = np.mean([accuracy(dawid_skene(part).posterior, truth) for part in parts])
            counted = np.mean([accuracy(majority(part), truth) for part in parts])
            what = f"{each} vote{'s' if each > 1 else ''} an item: accuracy over counting's"
            gains.setdefault(what, {})[name] = 100 * float(pooled - counted)
        pooled = accuracy(dawid_skene(votes).posterior, truth)
        plain = PLAIN.get(name, accuracy(dawid_skene(votes, pooling=None).posterior, truth))
        what = "all votes: accuracy over plain Dawid-Skene's"
        gains.setdefault(what, {})[name] = 100 * (pooled - plain)
    lines: list[Row] = []
    for what, by_crowd in gains.items():
        print(f"{what}: " + ", ".join(f"{name} {gain:+.2f}" for name, gain in by_crowd.items()))
        least = -1.0 if what.startswith("all") else -0.5
        lines.append(
            row(f"worst of five crowds, {what}", min(by_crowd.values()), "points", least=least)
        )
    return lines


# ----------------------------------------------------------------------------------- time


def made_up(count: int) -> Votes:
    """So many votes, five an item, of people who err in their own ways."""
    luck = np.random.default_rng(1)
    items, people = count // EACH, max(20, count // 500)
    truth = luck.integers(0, LABELS, items)
    confusion = np.stack([luck.dirichlet(np.eye(LABELS)[j] * 8 + 1, people) for j in range(LABELS)])
    item = np.repeat(np.arange(items), EACH)
    person = luck.integers(0, people, len(item))
    chances = confusion[truth[item], person].cumsum(axis=1)
    label = (luck.random(len(item))[:, None] > chances).sum(axis=1).clip(0, LABELS - 1)
    return Votes.of(item, person, label, labels=LABELS, items=items, people=people)


THEIRS = """
import json, sys, time
import numpy as np, pandas as pd
from crowdkit.aggregation import DawidSkene, MACE, MajorityVote
kept = np.load(sys.argv[1])
frame = pd.DataFrame({"task": kept["item"], "worker": kept["person"], "label": kept["label"]})
found = {}
def best(name, work, times):
    taken = []
    for _ in range(times):
        start = time.perf_counter(); result = work(); taken.append(time.perf_counter() - start)
    found[name] = min(taken)
    return result
want = sys.argv[2].split(",")
if "dawid-skene" in want:
    p = best("dawid-skene", lambda: DawidSkene(n_iter=100, tol=1e-5).fit_predict_proba(frame), 1)
    p = p.sort_index()[sorted(p.columns)]
    np.save(sys.argv[3], p.to_numpy())
if "majority" in want:
    best("majority", lambda: MajorityVote().fit_predict_proba(frame), 1)
if "mace" in want:
    best("mace", lambda: MACE(n_restarts=1, n_iter=50, random_state=1).fit_predict_proba(frame), 1)
if "crowdlab" in want:
    from cleanlab.multiannotator import get_label_quality_multiannotator
    one = frame.drop_duplicates(["task", "worker"])
    wide = one.pivot(index="task", columns="worker", values="label")
    best("crowdlab", lambda: get_label_quality_multiannotator(
        wide, kept["probabilities"], verbose=False, return_detailed_quality=False), 1)
print(json.dumps(found))
"""


def theirs(python: Path, votes: Votes, want: Sequence[str]) -> tuple[dict[str, float], Path]:
    """The peers' seconds on the same votes, and where their Dawid-Skene posterior lies."""
    file, posterior = OUT / "crowd-votes.npz", OUT / "crowd-posterior.npy"
    np.savez(
        file,
        item=votes.item,
        person=votes.person,
        label=votes.label,
        probabilities=model_of(votes),
    )
    command = [str(python), "-W", "ignore", "-c", THEIRS, str(file), ",".join(want), str(posterior)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a peer failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1]), posterior


def model_of(votes: Votes) -> NDArray[np.float64]:
    """A model's probabilities beside the votes: majority, blurred."""
    blurred = majority(votes) + 0.2
    return blurred / blurred.sum(axis=1, keepdims=True)


def speed(python: Path, *, quick: bool) -> list[Row]:
    """Ratios of the peers' times to signoff's."""
    lines: list[Row] = []
    small, large = made_up(50_000), made_up(50_000 if quick else 1_000_000)
    for votes, name, least in ((small, "50,000", 15), (large, f"{len(large):,}", 8)):
        taken, _ = theirs(python, votes, ["dawid-skene"])
        ratio = taken["dawid-skene"] / shortest(partial(dawid_skene, votes, pooling=None))
        what = f"Dawid-Skene, {name} votes: crowd-kit's time over signoff's"
        lines.append(row(what, ratio, "x", least=least))
    taken, kept = theirs(python, small, ["dawid-skene", "majority", "mace"])
    differ = np.abs(np.load(kept) - dawid_skene(small, pooling=None).posterior).max()
    lines.append(
        row("Dawid-Skene: largest difference to crowd-kit's", float(differ), "", most=1e-8)
    )
    ours = {
        "majority": shortest(lambda: majority(small)),
        "mace": shortest(lambda: mace(small, restarts=1)),
    }
    for name, least in (("majority", 20), ("mace", 10)):
        what = f"{name}, 50,000 votes: crowd-kit's time over signoff's"
        lines.append(row(what, taken[name] / ours[name], "x", least=least))
    few = made_up(10_000)
    taken, _ = theirs(python, few, ["crowdlab"])
    ratio = taken["crowdlab"] / shortest(partial(crowdlab, few, model_of(few)))
    lines.append(
        row("CROWDLAB, 10,000 votes: cleanlab's time over signoff's", ratio, "x", least=100)
    )
    return lines


def main() -> int:
    given = parser(__doc__).parse_args()
    lines: list[Row] = []
    if CROWDS.is_dir():
        lines += quality(3 if given.quick else 20)
    else:
        print(f"{CROWDS} is not here: no accuracies.")
    python = peers(PEERS, NEEDS)
    if python is not None:
        lines += speed(python, quick=given.quick)
    for line in lines:
        tell(line)
    return finish(lines, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
