"""An audit: what is admitted and drawn before people answer, and what their answers make of it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.audits import Judgement, admit, draw, judge
from signoff.core.batches import StoredBatch, seal
from signoff.core.certification import OPEN, RIGHT, WRONG, SliceTest
from signoff.core.commitment import CommittedTest
from signoff.core.decisions import frozen_rows
from signoff.core.questions import CANNOT_SAY, Answer, Choice, Chosen

LABELS = ("A", "B")
QUESTION = Choice.of(list(LABELS))
SEED = hashlib.sha256(b"seed").digest()

sizes = st.lists(st.integers(0, 60), min_size=1, max_size=3)


def places_and_tests(counts: list[int]) -> tuple[np.ndarray, list[SliceTest], list[int]]:
    """Interleaved places of several tests, each with a third of it to sample."""
    test_of = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(0).shuffle(test_of)
    tests = [
        SliceTest(name=f"s{at}", size=2 * n, errors=n // 5, alpha=0.05)
        for at, n in enumerate(counts)
    ]
    return test_of.astype(np.int64), tests, [n // 3 for n in counts]


@given(counts=sizes, hopeless=st.integers(0, 100))
def test_each_place_is_admitted_or_a_companion_and_never_both(
    counts: list[int], hopeless: int
) -> None:
    test_of, tests, audits = places_and_tests(counts)
    admission = admit(test_of, tests, audits, hopeless=min(hopeless, len(test_of)))
    both = np.concatenate([admission.places, admission.companions])
    assert sorted(both.tolist()) == list(range(len(test_of)))
    assert np.array_equal(admission.test_of, test_of[admission.places])
    assert (np.diff(admission.places) > 0).all()


@given(counts=sizes, hopeless=st.integers(0, 100))
def test_what_is_left_out_comes_last_and_the_tests_count_what_they_admit(
    counts: list[int], hopeless: int
) -> None:
    test_of, tests, audits = places_and_tests(counts)
    admission = admit(test_of, tests, audits, hopeless=min(hopeless, len(test_of)))
    for number, test in enumerate(admission.tests):
        mine = admission.places[admission.test_of == number]
        out = admission.companions[test_of[admission.companions] == number]
        assert test.admitted == len(mine)
        assert 0 <= test.sample <= min(test.admitted, audits[number])
        assert len(out) == 0 or len(mine) == 0 or mine.max() < out.min()
        assert (test.name, test.errors, test.size) == (
            tests[number].name, tests[number].errors, tests[number].size,
        )  # fmt: skip


def test_nothing_hopeless_leaves_nothing_out() -> None:
    test_of, tests, audits = places_and_tests([50, 20])
    admission = admit(test_of, tests, audits, hopeless=0)
    assert len(admission.companions) == 0
    assert [test.sample for test in admission.tests] == audits


def committed(n: int, m: int, r: int) -> CommittedTest:
    (test,) = admit(
        np.zeros(n, dtype=np.int64),
        [SliceTest(name="all", size=n, errors=r, alpha=0.05)],
        [m],
        hopeless=0,
    ).tests
    return test


@given(n=st.integers(0, 80), data=st.data())
def test_exactly_the_committed_number_is_drawn_and_the_same_each_time(
    n: int, data: st.DataObject
) -> None:
    test = committed(n, data.draw(st.integers(0, n)), n // 10)
    items = np.random.default_rng(n).permutation(n).astype(np.int64)
    test_of = np.zeros(n, dtype=np.int64)
    heads = draw([test], test_of, items, seed=SEED, window="w")
    assert heads.sum() == test.sample
    assert np.array_equal(heads, draw([test], test_of, items, seed=SEED, window="w"))


def test_another_seed_or_window_draws_another_sample() -> None:
    test, items = committed(200, 50, 20), np.arange(200)
    one = draw([test], np.zeros(200, dtype=np.int64), items, seed=SEED, window="w")
    for seed, window in ((SEED, "x"), (bytes(32), "w")):
        other = draw([test], np.zeros(200, dtype=np.int64), items, seed=seed, window=window)
        assert not np.array_equal(one, other)


# ------------------------------------------------------------------------ after the audit


def frozen(n: int, *erased: int) -> tuple[StoredBatch, list[str]]:
    """n frozen labels over items 100, 101, ..., alternating."""
    codes = np.arange(n) % 2
    ints = np.column_stack([np.arange(n), 100 + np.arange(n), np.zeros(n, dtype=np.int64)])
    rows = frozen_rows(LABELS, codes.astype(np.int64), np.linspace(0.99, 0.5, n))
    batch = seal("frozen", ints.astype(np.int64), rows, entropy=lambda k: bytes(k))
    private = [None if at in erased else row for at, row in enumerate(rows)]
    stored = StoredBatch(
        name="frozen", root=batch.root, ints=batch.ints, private=private,
        salts=[b""] * n, commitments=batch.commitments,
    )  # fmt: skip
    return stored, [LABELS[code] for code in codes]


def judged(test: CommittedTest, batch: StoredBatch, answers: dict[int, Answer | None]) -> Judgement:
    return judge(
        tests=[test], window="w", seed=SEED, frozen=batch, answers=answers,
        question=QUESTION,
    )  # fmt: skip


N, M, R = 200, 60, 30


def sampled() -> tuple[CommittedTest, StoredBatch, list[str], list[int]]:
    test = committed(N, M, R)
    batch, labels = frozen(N)
    heads = draw([test], batch.ints[:, 2], batch.ints[:, 1], seed=SEED, window="w")
    return test, batch, labels, np.flatnonzero(heads).tolist()


def test_right_answers_let_everything_stand_that_was_not_asked() -> None:
    test, batch, labels, heads = sampled()
    judgement = judged(test, batch, {100 + at: Chosen(labels[at]) for at in heads})
    assert (judgement.verdicts[heads] == RIGHT).all()
    assert judgement.automatic.sum() == N - M
    assert not judgement.automatic[heads].any()
    assert judgement.outcome.finds == 0
    assert judgement.verdicts_json() == [[100 + at, "right"] for at in heads]


@pytest.mark.parametrize("answer", [CANNOT_SAY, None])
def test_cannot_say_is_a_find_and_an_erased_answer_stays_open(answer: Answer | None) -> None:
    test, batch, labels, heads = sampled()
    answers: dict[int, Answer | None] = {100 + at: Chosen(labels[at]) for at in heads}
    answers[100 + heads[0]] = answer
    judgement = judged(test, batch, answers)
    expected = OPEN if answer is None else WRONG
    assert judgement.verdicts[heads[0]] == expected
    assert judgement.outcome.finds == (0 if answer is None else 1)
    assert judgement.outcome.open == (1 if answer is None else 0)


def test_an_erased_label_stays_open_whatever_people_said() -> None:
    test, _, labels, heads = sampled()
    batch, _ = frozen(N, heads[0])
    judgement = judged(test, batch, {100 + at: Chosen(labels[at]) for at in heads})
    assert judgement.verdicts[heads[0]] == OPEN
    assert judgement.codes[heads[0]] == -1
    assert np.isnan(judgement.confidence[heads[0]])


def test_before_any_answer_every_audit_is_open() -> None:
    test, batch, _, heads = sampled()
    judgement = judged(test, batch, {})
    assert judgement.outcome.open == len(heads)
    assert judgement.verdicts_json() == []


def test_what_people_answered_without_being_sampled_is_theirs() -> None:
    test, batch, labels, heads = sampled()
    answers: dict[int, Answer | None] = {100 + at: Chosen(labels[at]) for at in heads}
    asked = next(at for at in range(N) if at not in heads)
    answers[100 + asked] = CANNOT_SAY
    judgement = judged(test, batch, answers)
    assert not judgement.automatic[asked]
    assert judgement.outcome.finds == 0


@given(wrong=st.sets(st.integers(0, M - 1)), more=st.integers(0, M - 1))
def test_one_more_find_never_lets_more_stand(wrong: set[int], more: int) -> None:
    test, batch, labels, heads = sampled()

    def standing(bad: set[int]) -> np.ndarray:
        answers: dict[int, Answer | None] = {
            100 + at: CANNOT_SAY if place in bad else Chosen(labels[at])
            for place, at in enumerate(heads)
        }
        return judged(test, batch, answers).automatic

    assert not (standing(wrong | {more}) & ~standing(wrong)).any()
