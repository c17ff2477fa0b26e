"""Who decides, where a language model says how sure it is: three rules on GPT-4o's own answers.

    python benchmarks/llm_routing.py [--quick] [--seeds N] [--json FILE]

Two sets of texts with GPT-4o's label, the confidence it stated, and what people say (misinformation
and stance; repeated texts left out), each worked through by the real strategy with another sample
for each seed. "Tutorial": a label counts where the model says 0.95 or more. "Its number alone": the
confidence is calibrated on people's answers, and the audit certifies at most 5 % wrong labels at
95 %. "All that tells": the same, with what text models of its own labels and of people's answers
say beside it (``signoff.learning.combining``). Differences are paired by seed, with a 95 %
interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, t

from _measure import Row, finish, parser, row, tell
from _pool_sim import run_pool
from certified import Pool, Recorded, texts
from signoff.core.items import Predictions
from signoff.learning.combining import Combiner
from signoff.learning.fixed import FixedModelStrategy
from signoff.ports import PoolState

SETS = {"misinformation": "misinfo", "stance": "stance"}
BAR, MOST_WRONG, LEVEL = 0.95, 5.0, 0.01
ANCHORS = {"misinformation": 75, "stance": 76}
"""Human answers (%) of a certificate with an audit of 500 on the stated confidence."""


class Deaf(Combiner):
    """Hears nothing but the model's own number."""

    def confidence(self, state: PoolState, predictions: Predictions) -> None:
        return None


def number_alone(model: Recorded, labels: tuple[str, ...]) -> FixedModelStrategy:
    """The strategy as it was before it weighed anything else."""
    strategy = FixedModelStrategy(model=model, labels=labels)
    strategy.combiner = Deaf(labels=labels)
    return strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Human answers of each seed (%), and how many runs broke their promise."""

    human: NDArray[np.float64]
    broken: int


def worked(pool: Pool, model: Recorded, seeds: int, *, alone: bool) -> Found:
    """One rule over all seeds."""
    human, broken = list[float](), 0
    for seed in range(seeds):
        strategy = (
            number_alone(model, pool.labels)
            if alone
            else FixedModelStrategy(model=model, labels=pool.labels)
        )
        run = run_pool(strategy, pool.items, pool.gold, pool.labels, seed=seed)
        human.append(100 * run.human)
        broken += run.broken
    return Found(human=np.array(human), broken=broken)


def rows_of(name: str, seeds: int) -> tuple[list[Row], int]:
    """What there is to say of a set of texts; and how many runs broke their promise."""
    path = f"llm_confidence/{SETS[name]}_gpt4o.csv.gz"
    pool = texts(path, gold="gold", dup="0")
    model = Recorded(path, pool.labels)
    sure, wrong = model.score >= BAR, model.answer != pool.gold
    alone = worked(pool, model, seeds, alone=True)
    combined = worked(pool, model, seeds, alone=False)
    gained = alone.human - combined.human
    half = float(t.ppf(0.975, seeds - 1) * gained.std(ddof=1) / np.sqrt(seeds))
    mean = float(gained.mean())
    broken = alone.broken + combined.broken
    return [
        row(f"{name}, tutorial's rule: answered by people", 100 * float((~sure).mean()), "%"),
        row(
            f"{name}, tutorial's rule: wrong among what it decides itself",
            100 * float(wrong[sure].mean()) if sure.any() else float("nan"),
            "%",
        ),
        row(f"{name}, its number alone: answered by people", float(alone.human.mean()), "%"),
        row(
            f"{name}, all that tells: answered by people",
            float(combined.human.mean()),
            "%",
            most=ANCHORS[name],
        ),
        row(f"{name}: answers of people that all that tells spares", mean, "points"),
        # A gain is there, or at least nothing is lost beyond chance.
        row(f"{name}: upper end of the interval of what is spared", mean + half, "points", least=0),
        row(f"{name}: lower end of the interval of what is spared", mean - half, "points"),
    ], broken


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, help="samples of each set")
    given = options.parse_args()
    seeds = given.seeds or (4 if given.quick else 40)
    lines: list[Row] = []
    broken = 0
    for name in SETS:
        some, lost = rows_of(name, seeds)
        lines, broken = [*lines, *some], broken + lost
    runs = 2 * seeds * len(SETS)
    allowed = int(binom.ppf(1 - LEVEL, runs, MOST_WRONG / 100))
    lines.append(row(f"promises broken, of {runs} at 95 %", broken, "runs", most=allowed))
    for line in lines:
        tell(line)
    return finish(lines, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
