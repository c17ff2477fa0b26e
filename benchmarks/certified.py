"""Human answers that a certificate takes, on real data, beside oracles and other ways.

    python benchmarks/certified.py [--quick] [--json FILE] [--seeds N] [--only NAME]

Answers come from the gold column. Finished seeds are kept in ``benchmarks/out/certified.jsonl`` for
as long as the code they ran stays the same, so a stopped run goes on where it was. A promise may
break in 5 % of all runs: what is tested is that it does not break more often (one-sided binomial
test at 1 %, split over the settings).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from _learners import KernelRidge, embeddings
from _measure import Row, finish, parser, row, tell
from _peers import PEERS
from _pool_sim import Run, run_pool
from signoff.core.items import Items, Predictions
from signoff.learning.supervised import FixedModelStrategy, LearningStrategy
from signoff.models.estimator import EstimatorLearner
from signoff.models.text import TextLearner
from signoff.ports import Learner, PoolStrategy

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
KEPT = HERE / "out" / "certified.jsonl"
SOURCE = HERE.parent / "src" / "signoff"
DECIDES = ("calibration", "certification", "coins", "planning", "selection", "tails")
LEVEL = 0.01
csv.field_size_limit(1 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Items, gold label codes and labels."""

    items: Items
    gold: NDArray[np.int64]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the table: a pool, how it is worked on, and what it may take (percent)."""

    name: str
    title: str
    pool: Callable[[], Pool]
    strategy: Callable[[Pool], PoolStrategy]
    seeds: int
    quick: int
    most: float | None
    max_error: str = "0.05"


# ------------------------------------------------------------------------------------ the data


def read(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the shared data."""
    file = DATA / path
    content = file.read_bytes()
    plain = gzip.decompress(content) if path.endswith(".gz") else content
    return list(csv.DictReader(io.StringIO(plain.decode("utf-8"), newline="")))


def texts(path: str, *, gold: str = "label", **wanted: str) -> Pool:
    """A pool of texts with a gold column, rows filtered by exact values."""
    rows = [r for r in read(path) if all(r[name] == value for name, value in wanted.items())]
    labels = tuple(sorted({r[gold] for r in rows}))
    codes = {label: code for code, label in enumerate(labels)}
    return Pool(
        items=Items({"text": [r["text"] for r in rows]}, text_column="text"),
        gold=np.array([codes[r[gold]] for r in rows], dtype=np.int64),
        labels=labels,
    )


def digits() -> Pool:
    """scikit-learn's 1,797 digits, one column per pixel."""
    data = load_digits()
    pixels = data.data / 16
    return Pool(
        items=Items({f"pixel_{at}": pixels[:, at].tolist() for at in range(pixels.shape[1])}),
        gold=data.target.astype(np.int64),
        labels=tuple(str(digit) for digit in range(10)),
    )


class Recorded:
    """A fixed model whose labels and confidences stand in the file."""

    version = "recorded"

    def __init__(self, path: str, labels: Sequence[str]) -> None:
        rows = [r for r in read(path) if r["dup"] == "0"]
        codes = {label: code for code, label in enumerate(labels)}
        self.answer = np.array([codes.get(r["pred"], -1) for r in rows], dtype=np.int64)
        self.score = np.array([float(r["confidence"]) for r in rows])

    def predict(self, items: Items) -> Predictions:
        """What the file says."""
        return Predictions(answer=self.answer[items.index], raw_score=self.score[items.index])


# ------------------------------------------------------------------------------------ settings


def learned(make: Callable[[Pool], Learner]) -> Callable[[Pool], PoolStrategy]:
    """A strategy that teaches a learner, whose features are kept from seed to seed."""
    made: dict[int, Learner] = {}

    def strategy(pool: Pool) -> PoolStrategy:
        if id(pool) not in made:
            made[id(pool)] = make(pool)
        return LearningStrategy(learner=made[id(pool)], labels=pool.labels)

    return strategy


def recorded(path: str) -> Callable[[Pool], PoolStrategy]:
    """A strategy around the labels of a file."""
    return lambda pool: FixedModelStrategy(model=Recorded(path, pool.labels), labels=pool.labels)


def minilm(name: str) -> Callable[[Pool], PoolStrategy]:
    """A user's learner: kernel ridge on MiniLM sentence embeddings."""
    return learned(lambda pool: KernelRidge(embeddings(name, pool.items.texts), gamma=1.0))


def pixels(pool: Pool) -> Learner:
    """A user's learner: kernel ridge on pixels."""
    columns = [pool.items.column(name) for name in pool.items.names]
    return KernelRidge(np.array(columns, dtype=np.float32).T, gamma=0.1)


def agnews() -> Pool:
    return texts("topics_agnews/agnews.csv.gz", split="test")


def banking() -> Pool:
    return texts("intents_banking77/banking77.csv.gz", split="test")


def reviews() -> Pool:
    return texts("sentiment/reviews.csv")


def misinfo() -> Pool:
    return texts("llm_confidence/misinfo_gpt4o.csv.gz", gold="gold", dup="0")


def stance() -> Pool:
    return texts("llm_confidence/stance_gpt4o.csv.gz", gold="gold", dup="0")


def built_in(_: Pool) -> Learner:
    return TextLearner()


SETTINGS = (
    Setting(name="misinfo", title="misinfo, GPT-4o labels", pool=misinfo,
            strategy=recorded("llm_confidence/misinfo_gpt4o.csv.gz"),
            seeds=200, quick=20, most=75),
    Setting(name="stance", title="stance, GPT-4o labels", pool=stance,
            strategy=recorded("llm_confidence/stance_gpt4o.csv.gz"),
            seeds=200, quick=20, most=77),
    Setting(name="digits", title="digits, kernel ridge (a Learner)", pool=digits,
            strategy=learned(pixels), seeds=200, quick=8, most=32),
    Setting(name="digits-svc", title="digits, scikit-learn SVC as it is", pool=digits,
            strategy=learned(lambda _: EstimatorLearner(SVC(C=10, gamma=0.08))),
            seeds=10, quick=0, most=None),
    Setting(name="agnews", title="AG News, built-in model", pool=agnews,
            strategy=learned(built_in), seeds=10, quick=1, most=42),
    Setting(name="agnews-minilm", title="AG News, MiniLM (a Learner)", pool=agnews,
            strategy=minilm("agnews"), seeds=10, quick=0, most=37),
    Setting(name="reviews-10", title="reviews, built-in model, max error 10 %", pool=reviews,
            strategy=learned(built_in), seeds=10, quick=0, most=70, max_error="0.10"),
    Setting(name="reviews", title="reviews, built-in model", pool=reviews,
            strategy=learned(built_in), seeds=10, quick=0, most=None),
    Setting(name="banking", title="Banking77, built-in model", pool=banking,
            strategy=learned(built_in), seeds=10, quick=0, most=None),
    Setting(name="banking-minilm", title="Banking77, MiniLM (a Learner)", pool=banking,
            strategy=minilm("banking77"), seeds=10, quick=0, most=None),
)  # fmt: skip


# -------------------------------------------------------------------------------- running them


def summary(run: Run) -> dict[str, float]:
    """What is kept of one run."""
    kept: dict[str, float] = {
        "signoff": run.human,
        "signoff broken": run.broken,
        "learning": run.learning / run.size,
        "audit": float(run.heads.sum()) / run.size,
        "forecast": run.forecast / run.size,
        "rounds": run.rounds,
    }
    for name, automatic in PEERS.items():
        chosen = automatic(run)
        kept[name] = 1 - float(chosen.sum()) / run.size
        kept[f"{name} broken"] = bool((chosen & ~run.right).sum() > run.r)
    return kept


def code_hash() -> str:
    """Changes when the code that decides the numbers does."""
    sha = hashlib.sha256()
    core = [SOURCE / "core" / f"{name}.py" for name in DECIDES]
    rooms = [*SOURCE.glob("learning/*.py"), *SOURCE.glob("models/*.py")]
    here = [HERE / f"_{name}.py" for name in ("learners", "peers", "pool_sim")]
    for path in sorted([*core, *rooms, *here]):
        sha.update(path.name.encode() + path.read_bytes())
    return sha.hexdigest()[:12]


def kept_runs(code: str) -> dict[tuple[str, int], dict[str, float]]:
    """Finished seeds of this code."""
    if not KEPT.exists():
        return {}
    lines = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines() if line]
    return {(each["name"], each["seed"]): each for each in lines if each["code"] == code}


def work(setting: Setting, seeds: int, code: str) -> list[dict[str, float]]:
    """The summaries of a setting's seeds, running those that are not kept yet."""
    done = kept_runs(code)
    missing = [seed for seed in range(seeds) if (setting.name, seed) not in done]
    pool = setting.pool() if missing else None
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    for seed in missing:
        assert pool is not None
        start = time.perf_counter()
        run = run_pool(
            setting.strategy(pool),
            pool.items,
            pool.gold,
            pool.labels,
            max_error=setting.max_error,
            seed=seed,
        )
        entry = {"name": setting.name, "seed": seed, "code": code, **summary(run)}
        with KEPT.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "seconds": time.perf_counter() - start}) + "\n")
        done[setting.name, seed] = entry  # type: ignore[assignment]
    return [done[setting.name, seed] for seed in range(seeds)]


def most_violations(runs: int, settings: int) -> int:
    """The most broken runs that the binomial test accepts: level 1 %, split over the settings."""
    return int(binom.isf(LEVEL / settings, runs, 0.05))


def rows_of(setting: Setting, runs: list[dict[str, float]]) -> list[Row]:
    """Human answers, broken promises, and what the others would have taken."""
    mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0] if name in SHOWN}
    broken = sum(bool(run["signoff broken"]) for run in runs)
    human = row(f"{setting.title}: human answers", 100 * mean["signoff"], "%", most=setting.most)
    violations = row(
        f"{setting.title}: promises broken in {len(runs)} runs",
        broken,
        "",
        most=most_violations(len(runs), len(SETTINGS)),
    )
    forecast = row(f"{setting.title}: forecast", 100 * mean["forecast"], "%")
    return [human, violations, forecast, *(_peer(setting, name, runs) for name in PEERS)]


def _peer(setting: Setting, name: str, runs: list[dict[str, float]]) -> Row:
    """The human answers another way would have taken, and how often it broke the promise."""
    line = row(f"{setting.title}: {name}", 100 * float(np.mean([run[name] for run in runs])), "%")
    broken = sum(bool(run[f"{name} broken"]) for run in runs)
    if broken:
        line["unit"] = f"% (broken in {broken} of {len(runs)})"
    return line


SHOWN = {"signoff", "learning", "audit", "forecast", *PEERS}


def main() -> int:
    """Run the settings, print and write the rows; 1 when a target was missed."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, help="seeds of each setting")
    options.add_argument("--only", metavar="NAME", choices=[s.name for s in SETTINGS])
    chosen = options.parse_args()
    if not DATA.is_dir():
        print(f"skipped: no data in {DATA}")
        return finish([], chosen.json)
    code, rows = code_hash(), []
    for setting in SETTINGS:
        seeds = chosen.seeds or (setting.quick if chosen.quick else setting.seeds)
        if seeds == 0 or chosen.only not in (None, setting.name):
            continue
        try:
            runs = work(setting, seeds, code)
        except ModuleNotFoundError as missing:
            print(f"skipped {setting.name}: needs {missing.name}")
            continue
        for line in rows_of(setting, runs):
            tell(line)
            rows.append(line)
    return finish(rows, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
