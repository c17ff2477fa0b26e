"""Adversaries against the audit, simulated: the reduced form of ``benchmarks/adversary.py``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from signoff.core.certification import OPEN, WRONG, coin_limit, sample_limit, standing
from signoff.core.coins import draw_sample, is_heads

RUNS = 4000


def load_benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "adversary.py"
    spec = importlib.util.spec_from_file_location("adversary", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["adversary"] = module
    spec.loader.exec_module(module)
    return module


bench = load_benchmark()
STREAM = bench.Game(n=2000, r=100, x=coin_limit(100, 0.2, 0.05), pi=0.2)
POOL = bench.Game(n=2000, r=100, x=sample_limit(2000, 300, 100, 0.05), sampled=300)


@pytest.mark.parametrize("name", bench.STREAM)
def test_no_adversary_of_a_stream_beats_the_exact_level(name: str) -> None:
    count = bench.broken(STREAM, bench.STREAM[name], runs=RUNS, rng=np.random.default_rng(1))
    assert bench.deviation(count, RUNS, STREAM.level) <= bench.SIGMAS


@pytest.mark.parametrize("name", bench.POOL)
def test_no_adversary_of_a_pool_beats_the_exact_level(name: str) -> None:
    count = bench.broken(POOL, bench.POOL[name], runs=RUNS, rng=np.random.default_rng(2))
    assert bench.deviation(count, RUNS, POOL.level) <= bench.SIGMAS


@pytest.mark.parametrize("game", [STREAM, POOL])
def test_erring_always_reaches_the_exact_level(game: object) -> None:
    count = bench.broken(game, bench.blunt, runs=RUNS, rng=np.random.default_rng(3))
    assert abs(bench.deviation(count, RUNS, game.level)) <= bench.SIGMAS  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", bench.broken_rules())
def test_the_simulation_shows_every_rule_that_is_broken_on_purpose(name: str) -> None:
    game, adversary, known = bench.broken_rules()[name]
    count = bench.broken(game, adversary, runs=1000, rng=np.random.default_rng(4))
    assert count / 1000 == pytest.approx(known, abs=0.06)
    assert count / 1000 > 0.06  # beyond alpha: the promise is broken


def test_the_rule_itself_is_broken_as_often_as_the_simulation_says() -> None:
    rng = np.random.default_rng(5)
    heads = rng.random((RUNS, STREAM.r + STREAM.x + 2)) < STREAM.pi
    verdicts = np.full(heads.shape, OPEN, dtype=np.int8)
    misses = standing(heads, verdicts, 1, STREAM.x, STREAM.r).sum(axis=1)
    count = int((misses > STREAM.r).sum())
    assert abs(bench.deviation(count, RUNS, STREAM.level)) <= bench.SIGMAS


def test_coins_drawn_from_seeds_give_the_exact_level() -> None:
    n, m, r, runs = 60, 30, 3, 3000
    x = sample_limit(n, m, r, 0.2)
    level = bench.Game(n=n, r=r, x=x, sampled=m).level
    heads = np.zeros((runs, n), dtype=np.bool_)
    for run in range(runs):
        heads[run, draw_sample(run.to_bytes(32, "big"), "w", range(n), m)] = True
    misses = standing(heads, np.full(heads.shape, WRONG), 1, x, r).sum(axis=1)
    assert x >= 0
    assert abs(bench.deviation(int((misses > r).sum()), runs, level)) <= bench.SIGMAS


def test_single_coins_drawn_from_seeds_give_the_exact_level() -> None:
    r, pi, runs = 5, 0.4, 2000
    x = coin_limit(r, pi, 0.2)
    seeds = [run.to_bytes(32, "big") for run in range(runs)]
    tosses = range(r + x + 2)
    heads = np.array([[is_heads(seed, "w", a, a, pi) for a in tosses] for seed in seeds])
    misses = standing(heads, np.full(heads.shape, WRONG), 1, x, r).sum(axis=1)
    level = bench.Game(n=100, r=r, x=x, pi=pi).level
    assert x >= 0
    assert abs(bench.deviation(int((misses > r).sum()), runs, level)) <= bench.SIGMAS
