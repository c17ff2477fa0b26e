"""What is said before, during and after an audit: feasibility, the commitment, the certificate."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.certificate import Certificate, issue
from signoff.core.certification import (
    OPEN,
    RIGHT,
    WRONG,
    SliceTest,
    error_budget,
    sample_limit,
    split_tests,
)
from signoff.core.commitment import Commitment, Outcome, certify, commit_test, live_bound
from signoff.core.feasibility import Remedy, explain, feasible, percent, what_would_do
from signoff.errors import VerificationFailed

FIVE = Decimal("0.05")


# --------------------------------------------------------------------------- feasibility


@given(st.integers(0, 22), st.integers(0, 12), st.sampled_from([0.3, 0.05, 0.01]))
def test_a_pool_is_feasible_when_some_audit_lets_more_stand_than_none(
    left: int, r: int, alpha: float
) -> None:
    found = any(
        left - m > fewer and sample_limit(left, m, fewer, alpha) >= 0
        for fewer in range(r + 1)
        for m in range(left + 1)
    )
    assert feasible(left + 4, 4, r, alpha) == found


SHARES = st.decimals("0.001", "0.6", places=3)


@given(st.integers(1, 60), st.integers(0, 20), SHARES, st.decimals("0.0001", "0.4", places=4))
def test_what_would_do_does_and_less_would_not(
    n: int, first: int, max_error: Decimal, alpha: Decimal
) -> None:
    if feasible(n, first, error_budget(max_error, n), alpha):
        return
    remedy = what_would_do(n, first, max_error, alpha)
    if remedy.items is not None:
        for size, would in ((remedy.items, True), (remedy.items - 1, False)):
            assert feasible(size, first, error_budget(max_error, size), alpha) is would
    if remedy.max_error is not None:
        errors = error_budget(remedy.max_error, n)
        assert feasible(n, first, errors, alpha)
        least = min(r for r in range(n) if feasible(n, first, r, alpha))
        assert remedy.max_error - Decimal(least) / n < Decimal(least) / n / 10 + Decimal("1e-9")
        assert error_budget(remedy.max_error, n) >= least
    if remedy.certainty is not None:
        assert feasible(n, first, error_budget(max_error, n), 1 - remedy.certainty)
        assert remedy.certainty < 1 - alpha


def test_the_three_numbers_for_nineteen_items() -> None:
    assert what_would_do(19, 8, FIVE, FIVE) == Remedy(
        items=20, max_error=Decimal("0.053"), certainty=Decimal("0.909")
    )


def test_what_cannot_be_helped_is_not_offered() -> None:
    remedy = what_would_do(4, 8, FIVE, FIVE)
    assert remedy.items is not None
    assert remedy.max_error is None
    assert remedy.certainty is None


def test_the_refusal_is_one_line_with_the_numbers_and_exit_code_4() -> None:
    error = explain(19, 8, FIVE, FIVE, what_would_do(19, 8, FIVE, FIVE))
    assert error.exit_code == 4
    for said in ("19 items", "5 %", "95 %", "nothing was asked", "20 items", "--max-error 5.3%",
                 "--certainty 90.9%"):  # fmt: skip
        assert said in str(error)
    assert "\n" not in str(error)
    assert explain(1, 8, FIVE, FIVE, what_would_do(1, 8, FIVE, FIVE)).message.startswith("1 item ")


def test_a_slice_names_the_certainty_of_the_whole_pool() -> None:
    half = what_would_do(19, 8, FIVE, 0.025, whole=FIVE)
    assert half.certainty is not None
    assert feasible(19, 8, 0, (1 - half.certainty) / 2)
    assert not feasible(19, 8, 0, (1 - half.certainty - Decimal("0.01")) / 2)


@given(st.decimals("0.0001", "0.9999", places=4))
def test_a_percentage_reads_back_as_the_share(share: Decimal) -> None:
    shown = percent(share)
    assert Fraction(shown.removesuffix(" %")) == Fraction(share) * 100


# ------------------------------------------------------------------------------ the audit


def commitment(tests: list[SliceTest], admitted: list[int], samples: list[int]) -> Commitment:
    size = sum(test.size for test in tests)
    return Commitment(
        pool=1,
        attempt=1,
        window="project/1/1",
        items=size,
        max_error=FIVE,
        errors=error_budget(FIVE, size),
        alpha=FIVE,
        tests=tuple(
            commit_test(test, admitted=n, sample=m)
            for test, n, m in zip(tests, admitted, samples, strict=True)
        ),
        process={"kind": "person", "reviewers": ["Ada"], "answers_per_item": 1},
        seed_commitment="00" * 32,
        seed_chosen_by="system",
        model="m1",
        order="11" * 32,
        answered=size - sum(admitted),
        forced=0,
    )


def judged(committed: Commitment, seed: int, *, wrong: float = 0.02, open: float = 0.0) -> Outcome:
    rng = np.random.default_rng(seed)
    parts = [np.full(test.admitted, i) for i, test in enumerate(committed.tests)]
    test_of = rng.permutation(np.concatenate(parts))
    sampled = np.zeros(len(test_of), dtype=np.bool_)
    for i, test in enumerate(committed.tests):
        sampled[rng.permutation(np.flatnonzero(test_of == i))[: test.sample]] = True
    draw = rng.random(len(test_of))
    verdicts = np.where(draw < wrong, WRONG, np.where(draw < wrong + open, OPEN, RIGHT))
    return certify(committed.tests, test_of=test_of, sampled=sampled, verdicts=verdicts)


def pool(n: int = 2000, answered: int = 200, m: int = 300) -> Commitment:
    return commitment(split_tests([], [n], FIVE, FIVE), [n - answered], [m])


def test_a_clean_audit_leaves_everything_unaudited_automatic() -> None:
    outcome = judged(pool(), 1, wrong=0.0)
    assert (outcome.finds, outcome.open, outcome.automatic) == (0, 0, 1500)


def test_each_label_needs_its_own_slice_to_stand() -> None:
    committed = commitment(split_tests("ab", [2000, 20], FIVE, FIVE), [1800, 20], [400, 0])
    assert committed.tests[1].limit == -1
    outcome = judged(committed, 2, wrong=0.0)
    assert outcome.tests[0].automatic == 1400
    assert outcome.tests[1].automatic == 1  # the one error that may be made unaudited


def test_a_sample_other_than_committed_is_refused() -> None:
    committed = pool()
    n = committed.tests[0].admitted
    with pytest.raises(ValueError, match="committed to 300 of 1800 labels, got 0 of 1800"):
        certify(
            committed.tests,
            test_of=np.zeros(n, dtype=np.int64),
            sampled=np.zeros(n, dtype=np.bool_),
            verdicts=np.full(n, OPEN),
        )


def test_items_that_people_answered_after_the_freeze_are_theirs() -> None:
    committed = commitment(split_tests([], [2000], FIVE, FIVE), [1000], [300])
    sampled = np.arange(1000) < 300
    answered = np.arange(1000) >= 990
    outcome = certify(
        committed.tests,
        test_of=np.zeros(1000, dtype=np.int64),
        sampled=sampled,
        verdicts=np.full(1000, RIGHT),
        answered=answered,
    )
    assert outcome.automatic == 690
    assert not outcome.stands[answered].any()


def test_a_commitment_reads_back_from_its_event() -> None:
    committed = pool()
    body = json.loads(rfc8785.dumps(committed.to_json()))  # type: ignore[arg-type]
    body["batch"] = {"root": committed.order, "count": 1800, "name": "frozen"}
    assert Commitment.from_json(body) == committed
    assert body["certainty"] == "0.95"


def test_nothing_can_be_said_before_the_audit_is_sealed() -> None:
    assert live_bound(100, 2000, sealed=False) is None
    assert live_bound(100, 2000, sealed=True) == 0.05
    assert live_bound(0, 0, sealed=True) is None


# ------------------------------------------------------------------------ the certificate


def certificate(*, undecided: int = 0, open: float = 0.0, rows: int = 2000) -> Certificate:
    committed = pool()
    outcome = judged(committed, 3, open=open)
    people = committed.items - outcome.automatic - undecided
    return issue(
        committed, outcome, rows=rows, human=people, audited=300, undecided=undecided, skipped=2
    )


def test_the_statement_is_one_plain_sentence() -> None:
    assert certificate().statement() == (
        "At most 100 of 2,000 labels (5 %) differ from what the reviewers would have said; "
        "certainty 95 %."
    )


def test_with_undecided_items_only_the_labels_given_are_spoken_of() -> None:
    partial = certificate(undecided=50)
    assert partial.status == "partial"
    assert partial.statement() == (
        "At most 100 of the 1,950 labels given differ from what the reviewers would have said; "
        "certainty 95 %; 50 of 2,000 items are undecided."
    )


def test_slices_are_named_in_the_statement() -> None:
    committed = commitment(split_tests("ab", [1000, 1000], FIVE, FIVE), [900, 900], [300, 300])
    outcome = judged(committed, 4)
    issued = issue(
        committed, outcome, rows=2000, human=2000 - outcome.automatic, audited=600, undecided=0
    )
    assert "(5 %), and at most 5 % in each of 2 slices, differ" in issued.statement()


def test_notes_tell_of_rows_open_audits_and_a_chosen_seed() -> None:
    assert certificate().notes() == []
    (rows,) = certificate(rows=2345).notes()
    assert rows == "The 2,000 distinct items stand for 2,345 rows."
    assert any("no verdict" in note for note in certificate(open=0.01).notes())


@given(st.integers(0, 60), st.floats(0, 0.2), st.integers(2000, 9000))
def test_a_certificate_reads_back_from_canonical_json(
    undecided: int, open: float, rows: int
) -> None:
    issued = certificate(undecided=undecided, open=open, rows=rows).sealed_by("signed tree head")
    value = json.loads(rfc8785.dumps(issued.to_json()))  # type: ignore[arg-type]
    assert Certificate.from_json(value) == issued
    event = issued.to_json(checkpoint=False)
    assert "checkpoint" not in event
    assert Certificate.from_json(event).sealed_by("signed tree head") == issued


def test_counts_that_do_not_add_up_are_refused() -> None:
    committed = pool()
    with pytest.raises(ValueError, match="is not 2000 items"):
        issue(committed, judged(committed, 1), rows=2000, human=1, audited=300, undecided=0)


@given(st.data())
def test_any_changed_field_of_a_certificate_is_refused_or_seen(data: st.DataObject) -> None:
    value = certificate().to_json()
    name = data.draw(st.sampled_from(sorted(value)))
    junk = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.none())
    changed = value | {name: data.draw(junk.filter(lambda new: new != value[name]))}
    try:
        read = Certificate.from_json(changed)
    except VerificationFailed:
        return
    assert read != certificate()
