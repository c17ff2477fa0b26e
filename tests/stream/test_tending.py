"""The worker beside the traffic: answers are sealed, windows certified, models taught."""

from __future__ import annotations

import numpy as np
import pytest
from brook import POLICY, SPEC, Brook

from signoff.core.calibration import (
    Calibration,
    Evidence,
    calibrate,
    fit_isotonic,
    fit_platt,
    log_odds,
)
from signoff.core.calibration_json import calibration_from_json, calibration_json
from signoff.core.streams import StreamState
from signoff.core.thresholds import NOTHING_IS_SURE, SAFETY, learned_threshold
from signoff.stream.clerk import plan_of
from signoff.stream.decider import NewItem
from signoff.stream.fitting import FIRST_FIT, is_due, next_fit
from signoff.stream.models import from_bytes, items_of, to_bytes
from signoff.stream.status import status_of
from signoff.worker import Worker


def status(brook: Brook) -> str:
    found = status_of(brook.store, brook.project)
    assert found is not None
    return found.state


def test_the_worker_teaches_seals_and_certifies(brook: Brook) -> None:
    worker = Worker(store=brook.again().store)
    assert status(brook) == "learning"
    brook.send(brook.texts(60))
    brook.answer(settle=False)
    assert worker.round()
    assert brook.state.answers == 60
    assert status(brook) == "automatic"
    for _ in range(40):
        brook.send(brook.texts(30))
        brook.answer(settle=False)
        worker.round()
        if brook.store.certified_windows(brook.project.id):
            break
    assert brook.store.windows(brook.project.id)[0].certificate is not None
    assert brook.events("model.fitted")
    worker.round()
    assert not worker.round(), "nothing is left to do"
    assert not brook.store.unsigned(brook.project.id)
    worker.store.close()


def test_after_an_alarm_the_worker_teaches_again(brook: Brook) -> None:
    worker = Worker(store=brook.store)
    brook.learn()
    while not brook.window.alarmed:
        brook.send(brook.texts(10, lies=True))
        brook.answer()
    assert status(brook) == "stopped"
    assert brook.state.model is None
    while brook.window.number == 1:
        brook.send(brook.texts(25))
        brook.answer(settle=False)
        worker.round()
    assert brook.state.model is not None
    assert status(brook) in ("automatic", "paused")


def test_the_status_says_why_it_waits(brook: Brook) -> None:
    brook.send(brook.texts(20))
    brook.answer()
    found = status_of(brook.store, brook.project)
    assert found is not None
    assert found.why == "The model is learning: 20 of 50 answers by people so far."
    brook.learn()
    brook.send(brook.texts(100))
    found = status_of(brook.store, brook.project)
    assert found is not None
    assert (found.state, found.budget_left) == ("paused", 0)
    assert found.pending == found.waiting - (100 - found.admitted) > 0
    assert found.why.startswith("Automation pauses: audits wait")


# ------------------------------------------------------------------------- learning


def state(answers: int, fitted_at: int = 0, fresh_from: int = 0) -> StreamState:
    return StreamState(
        spec=SPEC, answers=answers, model=None, fitted_at=fitted_at, fresh_from=fresh_from
    )


def test_models_are_fitted_at_growing_counts_and_anew_after_an_alarm() -> None:
    assert [is_due(state(n)) for n in (0, FIRST_FIT - 1, FIRST_FIT)] == [False, False, True]
    assert [next_fit(state(0, at)) for at in (50, 100, 5000)] == [100, 200, 6000]
    assert next_fit(state(0, fitted_at=800, fresh_from=900)) == 950


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_lets_through_what_the_budget_can_bear(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.beta(6, 1, size=800)
    plan = plan_of(POLICY, SPEC, 1)
    least = learned_threshold(confidence, plan)
    bearable = SAFETY * (plan.limit + 1)
    finds = float(plan.audit_rate) * plan.items / 800 * (1 - confidence[confidence >= least]).sum()
    assert 0.8 * bearable < finds <= bearable


def test_where_nothing_can_be_borne_nothing_is_sure() -> None:
    plan = plan_of(POLICY, SPEC, 1)
    assert learned_threshold(np.full(100, 0.6), plan) == NOTHING_IS_SURE
    assert learned_threshold(np.zeros(0), plan) == NOTHING_IS_SURE
    assert learned_threshold(np.full(100, np.nan), plan) == NOTHING_IS_SURE
    assert learned_threshold(np.full(100, 0.97), plan) == 0.97


def test_a_text_model_learns_from_people_and_is_kept_as_arrays(sqlite_brook: Brook) -> None:
    brook = Brook.open(sqlite_brook.where, sqlite_brook.folder, model="text", name="text")
    good, bad = ("lovely warm", "really fine"), ("awful cold", "very poor")
    wanted = [
        NewItem(key=f"t{n}", text=f"{(good, bad)[n % 2][n // 2 % 2]} thing {n % 7}")
        for n in range(80)
    ]

    def says(text: str) -> str:
        return "yes" if text.startswith(("lovely", "really")) else "no"

    brook.send(wanted)
    brook.answer(says=says)
    assert brook.teach()
    ready = brook.decider._ready(brook.state)
    assert ready is not None
    again = from_bytes(to_bytes(ready.model))
    shown = [item.shown for item in wanted]
    np.testing.assert_array_equal(
        again.predict(items_of(shown)).probabilities,
        ready.model.predict(items_of(shown)).probabilities,
    )
    assert again.version == ready.version == brook.state.model
    (item,) = brook.send([NewItem(key="new", text="really warm thing")])
    assert item.label == "yes"
    assert item.confidence is not None
    brook.close()


def test_after_an_alarm_answers_of_a_world_that_is_gone_are_left_out(sqlite_brook: Brook) -> None:
    brook = Brook.open(sqlite_brook.where, sqlite_brook.folder, model="text", name="text")
    words = ("red", "blue")

    def send(n: int, start: int) -> None:
        brook.send(
            [NewItem(key=f"k{start + i}", text=f"{words[i % 2]} {start + i}") for i in range(n)]
        )

    send(60, 0)
    brook.answer(says=lambda text: "yes" if text.startswith("red") else "no")
    assert brook.teach()
    with brook.store.transaction() as db:
        from signoff.store import streams

        streams.update_stream(db, brook.project.id, model=None, fresh_from=60)
    send(60, 100)
    brook.answer(says=lambda text: "no" if text.startswith("red") else "yes")
    assert brook.teach()
    (red, blue) = brook.send([NewItem(key="r", text="red 7"), NewItem(key="b", text="blue 7")])
    assert (red.label, blue.label) == ("no", "yes")
    kept = brook.store.stream_model(brook.project.id, brook.state.model or "")
    assert kept is not None
    assert kept.scores["held_out_accuracy"] > 0.9
    brook.close()


@pytest.mark.parametrize("n", [5, 60, 400])
def test_every_calibration_curve_is_the_same_after_json(n: int) -> None:
    rng = np.random.default_rng(n)
    score = rng.random(n)
    codes = rng.integers(0, 3, n)
    right = rng.random(n) < score
    seen = Evidence(
        log_odds=log_odds(score),
        codes=codes,
        right=right,
        chosen=np.zeros(n, dtype=bool),
        labels=3,
    )
    curves: list[Calibration] = [calibrate(log_odds(score), codes, right, labels=3)]
    if n > 50:
        curves += [fit_platt(seen), fit_isotonic(seen)]
    for curve in curves:
        again = calibration_from_json(calibration_json(curve))
        np.testing.assert_array_equal(
            again.apply(log_odds(score), codes), curve.apply(log_odds(score), codes)
        )
