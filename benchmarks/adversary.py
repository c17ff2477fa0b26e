"""Adversaries against the audit: how often more than r wrong labels come to stand.

Every run admits labels one at a time; the adversary sees all past coins, chooses each label, its
group size and when verdicts are sealed, and wins once more than r misses stand. Under rule S a
coin lands heads with probability pi (a group of g: 1 - (1 - pi)^g); under rule P m of the n labels
are sampled. No adversary may beat the exact level of the limit, and the best must reach it: both
within 4 standard errors. The last rows break a rule on purpose, to show that breaking shows.

    python benchmarks/adversary.py [--quick] [--runs N] [--json FILE]

Finished settings are kept in ``benchmarks/out/adversary.json``, so a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, nbinom

from signoff.core.certification import coin_limit, sample_limit

OUT = Path(__file__).resolve().parent / "out"
ALPHA = 0.05
SIGMAS = 4.0

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


# ---------------------------------------------------------------------------------- the game


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One rule with its limit; ``sampled`` is m under rule P, None under rule S.

    The last four fields break the rule on purpose: coins of another probability than the limit
    was made for, groups tossed like single items, open audits not counted, reviewers who pass a
    share of the wrong labels.
    """

    n: int
    r: int
    x: int
    pi: float = 0.0
    sampled: int | None = None
    coin_pi: float | None = None
    fair_groups: bool = True
    open_counts: bool = True
    passed: float = 0.0

    @property
    def level(self) -> float:
        """The exact probability that the best adversary wins."""
        if self.sampled is None:
            return float(nbinom.cdf(self.x, self.r + 1, 1 - self.pi))
        return float(hypergeom.cdf(self.x, self.n, self.r + 1 + self.x, self.sampled))


class Table:
    """Many runs of one game, side by side; every array is (runs,)."""

    def __init__(self, game: Game, runs: int) -> None:
        self.game = game
        zeros = np.zeros(runs, dtype=np.int64)
        self.step = 0
        self.admitted = zeros.copy()
        self.heads = zeros.copy()
        self.tails = zeros.copy()
        self.finds = zeros.copy()  # wrong heads, sealed or not
        self.unsealed = zeros.copy()  # of these, without a verdict
        self.open = zeros.copy()  # right heads without a verdict
        self.misses = zeros.copy()  # wrong labels that stand, items
        self.held = zeros.copy()  # wrong labels that stand once the open audits are sealed
        self.last_tails = np.zeros(runs, dtype=np.bool_)

    @property
    def spent(self) -> Ints:
        """Finds and open audits, as the rule counts them."""
        if self.game.open_counts:
            return self.finds + self.open
        return self.finds - self.unsealed

    @property
    def playing(self) -> Bools:
        """Neither won nor lost for good, and labels left to admit."""
        game = self.game
        alive = (self.misses <= game.r) & (self.admitted < game.n)
        return alive & ((self.spent - self.open * game.open_counts) <= game.x)

    def admit(self, wrong: Bools, size: Ints, acting: Bools, draws: NDArray[np.float64]) -> None:
        """Admit one label in every acting run; wrong ones are sealed late, right ones too."""
        game = self.game
        heads = acting & (draws < self._probability(size))
        tails = acting & ~heads
        waits = self.spent > game.x
        free = self.tails + size <= game.r
        passes = np.zeros(len(draws), dtype=np.bool_)
        if game.passed:  # the coin's own remainder decides which wrong labels are passed
            passes = heads & wrong & (draws < self._probability(size) * game.passed)
        self.misses += np.where((tails & wrong & (~waits | free)) | passes, size, 0)
        curable = self.finds <= game.x
        self.held += np.where(tails & wrong & waits & ~free & curable, size, 0)
        found = np.where(heads & wrong & ~passes, 1 if game.fair_groups else size, 0)
        self.finds += found
        self.unsealed += found
        self.open += heads & ~wrong
        self.tails += np.where(tails, size, 0)
        self.heads += heads
        self.admitted += np.where(acting, size, 0)
        self.last_tails = np.where(acting, tails, self.last_tails)

    def seal_right(self, acting: Bools) -> None:
        """Seal every open audit of right labels; what waited only for them stands."""
        self.misses += np.where(acting, self.held, 0)
        self.held = np.where(acting, 0, self.held)
        self.open = np.where(acting, 0, self.open)

    def _probability(self, size: Ints) -> NDArray[np.float64]:
        game = self.game
        if game.sampled is not None:
            left = np.maximum(game.n - self.admitted, 1)
            return (game.sampled - self.heads) / left
        pi = game.pi if game.coin_pi is None else game.coin_pi
        return 1 - (1 - pi) ** size if game.fair_groups else np.full(len(size), pi)


# ------------------------------------------------------------------------------ adversaries

Move = tuple[Bools, Ints]
"""Which runs admit a wrong label, and its size."""
Adversary = Callable[[Table], Move]


def _ones(table: Table) -> Ints:
    return np.ones(len(table.finds), dtype=np.int64)


def _everywhere(table: Table, wrong: bool) -> Bools:
    return np.full(len(table.finds), wrong)


def blunt(table: Table) -> Move:
    """Only wrong labels; no verdict is ever sealed."""
    return _everywhere(table, wrong=True), _ones(table)


def late_verdicts(table: Table) -> Move:
    """Keeps right audits open in front of wrong labels, seals them when labels are held."""
    table.seal_right((table.held > 0) & (table.step % 5 == 0))
    return _everywhere(table, table.step % 3 != 0), _ones(table)


def lucky_streaks(table: Table) -> Move:
    """Errs while fewer finds came than expected, every fourth time otherwise; seals at once."""
    table.seal_right(_everywhere(table, wrong=True))
    expected = (table.finds + table.misses) * max(table.game.pi, 0.01)
    return (table.finds <= expected) | (table.step % 4 == 0), _ones(table)


def second_label(table: Table) -> Move:
    """Admits a right label; where it landed tails, admits the item again with a wrong one."""
    table.seal_right(_everywhere(table, wrong=True))
    wrong = table.last_tails if table.step % 2 else _everywhere(table, wrong=False)
    return wrong, _ones(table)


def groups(table: Table) -> Move:
    """Wrong groups of 1 to 10 equal items."""
    return _everywhere(table, wrong=True), _ones(table) * (1 + table.step * 7 % 10)


def tens(table: Table) -> Move:
    """Wrong groups of 10 equal items."""
    return _everywhere(table, wrong=True), _ones(table) * 10


def every_second(table: Table) -> Move:
    """A fixed order: every second label is wrong."""
    return _everywhere(table, table.step % 2 == 0), _ones(table)


def clusters(table: Table) -> Move:
    """A fixed order: ten wrong labels, five right ones, and so on."""
    return _everywhere(table, table.step % 15 < 10), _ones(table)


STREAM: dict[str, Adversary] = {
    "blunt": blunt,
    "late verdicts": late_verdicts,
    "lucky streaks": lucky_streaks,
    "second label": second_label,
    "groups": groups,
}
POOL: dict[str, Adversary] = {
    "all wrong": blunt,
    "every second": every_second,
    "clusters": clusters,
}


def broken(game: Game, adversary: Adversary, *, runs: int, rng: np.random.Generator) -> int:
    """In how many of the runs more than r misses stand."""
    table = Table(game, runs)
    while True:
        acting = table.playing
        if not acting.any():
            break
        wrong, size = adversary(table)
        acting &= table.playing & (table.admitted + size <= game.n)
        if not acting.any():
            break
        table.admit(wrong, size, acting, rng.random(runs))
        if game.sampled is not None:
            table.seal_right(acting)
        table.step += 1
    table.seal_right(table.misses <= game.r)
    return int(np.sum(table.misses > game.r))


# --------------------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One game against its adversaries."""

    name: str
    game: Game
    adversaries: tuple[str, ...]


def stream_settings(*, quick: bool) -> Iterator[Setting]:
    """Rule S: N 2-50 k, max_error 1-5 %, pi 5-20 %."""
    for n in (2000, 10_000) if quick else (2000, 10_000, 50_000):
        for percent in (1, 5) if quick else (1, 2, 5):
            for pi in (0.05, 0.1, 0.2):
                r = n * percent // 100
                x = coin_limit(r, pi, ALPHA)
                if x >= 0:
                    game = Game(n=n, r=r, x=x, pi=pi)
                    name = f"rule S, N {n:,}, {percent} %, pi {pi}"
                    yield Setting(name=name, game=game, adversaries=tuple(STREAM))


def pool_settings(*, quick: bool) -> Iterator[Setting]:
    """Rule P: N 2-50 k, max_error 1-5 %, m 300-1,000."""
    for n in (2000,) if quick else (2000, 10_000, 50_000):
        for percent in (1, 2, 5):
            for m in (300, 1000):
                r = n * percent // 100
                x = sample_limit(n, m, r, ALPHA)
                if x >= 0:
                    game = Game(n=n, r=r, x=x, sampled=m)
                    name = f"rule P, N {n:,}, {percent} %, m {m:,}"
                    yield Setting(name=name, game=game, adversaries=tuple(POOL))


def broken_rules() -> dict[str, tuple[Game, Adversary, float]]:
    """Rules broken on purpose, and the share of runs in which that is known to show."""
    game = Game(n=10**6, r=380, x=coin_limit(380, 0.1, ALPHA), pi=0.1)
    forty = coin_limit(40, 0.2, ALPHA)
    return {
        "counting finds only": (replace(game, open_counts=False), blunt, 1.0),
        "one find too many, r 40, pi 0.2": (
            Game(n=10**6, r=40, x=forty + 1, pi=0.2), blunt, 0.080,
        ),
        "coin halved under the old limit": (replace(game, coin_pi=0.05), blunt, 0.98),
        "groups of ten tossed like one item": (replace(game, fair_groups=False), tens, 0.38),
        "reviewers pass 10 % of the wrong labels": (replace(game, passed=0.1), blunt, 0.13),
        "reviewers pass 20 % of the wrong labels": (replace(game, passed=0.2), blunt, 0.34),
        "reviewers pass 30 % of the wrong labels": (replace(game, passed=0.3), blunt, 0.64),
    }  # fmt: skip


# ------------------------------------------------------------------------------ the benchmark


class Kept:
    """Finished settings: {key: violations}, written after each one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def count(self, name: str, game: Game, adversary: Adversary, *, runs: int) -> int:
        """Violations in so many runs; simulated unless kept from before."""
        key = f"{name} | {adversary.__name__} | {game} | {runs}"
        if key not in self.found:
            rng = np.random.default_rng(zlib.crc32(key.encode()))
            self.found[key] = broken(game, adversary, runs=runs, rng=rng)
            self._save()
        return self.found[key]

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.found, indent=0))
        new.replace(self.path)


def deviation(count: int, runs: int, level: float) -> float:
    """Standard errors between the share of violations and the exact level."""
    return float((count / runs - level) / np.sqrt(level * (1 - level) / runs))


def settings_row(setting: Setting, kept: Kept, *, runs: int) -> dict[str, object]:
    """The worst adversary of a setting: beyond the level by no more than 4 standard errors, and
    no further below it."""
    level, known = setting.game.level, STREAM | POOL
    counts = {
        name: kept.count(setting.name, setting.game, known[name], runs=runs)
        for name in setting.adversaries
    }
    worst = max(counts, key=lambda name: counts[name])
    return {
        "name": f"{setting.name}: worst adversary ({worst})",
        "value": round(100 * counts[worst] / runs, 3),
        "unit": "% broken",
        "target": f"{100 * level:.3f}",
        "ok": abs(deviation(counts[worst], runs, level)) <= SIGMAS,
        "standard_errors": round(deviation(counts[worst], runs, level), 2),
        "all": counts,
    }


def measure(*, quick: bool, runs: int) -> list[dict[str, object]]:
    """All rows: a summary, each setting, each broken rule."""
    kept = Kept(OUT / "adversary.json")
    rows: list[dict[str, object]] = []
    for setting in (*stream_settings(quick=quick), *pool_settings(quick=quick)):
        rows.append(settings_row(setting, kept, runs=runs))
        tell(rows[-1])
    furthest = max((abs(float(str(row["standard_errors"]))) for row in rows), default=0.0)
    summary: dict[str, object] = {
        "name": f"worst of all adversaries in {len(rows)} settings, {runs:,} runs each",
        "value": furthest,
        "unit": "standard errors from the exact level",
        "target": f"<= {SIGMAS:g}",
        "ok": furthest <= SIGMAS,
    }
    tell(summary)
    for name, (game, adversary, known) in broken_rules().items():
        share = kept.count(name, game, adversary, runs=max(1000, runs // 10)) / max(
            1000, runs // 10
        )
        rows.append({
            "name": f"broken on purpose: {name}", "value": round(100 * share, 1),
            "unit": "% broken", "target": f"about {100 * known:g}", "ok": abs(share - known) < 0.06,
        })  # fmt: skip
        tell(rows[-1])
    return [summary, *rows]


def tell(row: dict[str, object]) -> None:
    mark = "ok  " if row["ok"] else "MISS"
    print(
        f"{mark} {row['name']}: {row['value']} {row['unit']} (target {row['target']})", flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer settings and runs: a minute")
    parser.add_argument("--runs", type=int, help="runs of each setting (20,000; quick: 3,000)")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    runs = options.runs or (3000 if options.quick else 20_000)
    rows = measure(quick=options.quick, runs=runs)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
