"""One attempt at a certificate, recomputed from the log: limits, sample, what stands, numbers.

Rule P only: see :mod:`signoff.core.certification` for why the numbers hold.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import draw
from signoff.core.certificate import issue
from signoff.core.certification import OPEN, RIGHT, WRONG, error_budget, sample_limit
from signoff.core.coding import read_value
from signoff.core.coins import SEED_BYTES, seed_commitment
from signoff.core.commitment import Commitment, CommittedTest, Outcome, certify, together
from signoff.core.process import AnsweredBy
from signoff.core.questions import Question
from signoff.errors import InputError, VerificationFailed

_ALPHA_SLACK = 1e-9


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What was committed for one question, and what followed from it.

    ``items`` and ``test_of`` (n,): the admitted items in frozen order and the test of each.
    ``labels``: their frozen labels as JSON, None where not known; empty where none is.
    ``sealed``: verdict by item, True for right. ``heads``, ``verdicts``, ``stands`` (n,): known
    once the seed is revealed.
    """

    committed: Commitment
    question: Question
    items: NDArray[np.int64]
    test_of: NDArray[np.int64]
    labels: Sequence[str | None]
    sealed: dict[int, bool] | None = None
    answered_at_seal: frozenset[int] = frozenset()
    revealed: bool = False
    heads: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    verdicts: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    stands: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    issued: bool = False

    @property
    def standing_items(self) -> NDArray[np.int64]:
        """Items whose machine label may stand; none before the seed is revealed."""
        return self.items[self.stands] if self.revealed else self.items[:0]

    def admitted(self) -> dict[int, str | None]:
        """Admitted items and their labels, None where not known."""
        labels = self.labels or [None] * len(self.items)
        return dict(zip(self.items.tolist(), labels, strict=True))


# ----------------------------------------------------------------------------- commitment


def check_plan(body: Mapping[str, object], *, project: str, items: int) -> Commitment:
    """What is committed to, after checking that its numbers follow from N, max_error and alpha."""
    committed = Commitment.from_json(body)
    number = f"{committed.pool}/{committed.attempt}"
    if committed.rule != "P":
        _refuse(f"the audit uses rule {committed.rule}, unknown to this version")
    if committed.window not in (number, f"{project}/{number}"):
        _refuse(f"the window is {committed.window[:60]!r}, not {number}")
    if committed.items != items:
        _refuse(f"the audit counts {committed.items} items, the pool has {items}")
    if committed.reserved != 0:
        _refuse("errors are reserved, which this version does not know")
    budget = error_budget(committed.max_error, items)
    if committed.errors != budget:
        _refuse(f"{committed.errors} errors are allowed of {items} items, recomputed {budget}")
    if Decimal(str(body["certainty"])) != committed.certainty:
        _refuse(f"alpha {committed.alpha} does not give certainty {body['certainty']}")
    _check_tests(
        committed.tests, max_error=committed.max_error, alpha=float(committed.alpha), items=items
    )
    return committed


def _check_tests(
    tests: Sequence[CommittedTest], *, max_error: Decimal, alpha: float, items: int
) -> None:
    if not tests or len({test.name for test in tests}) != len(tests):
        _refuse("the audit has no tests, or two of one name")
    if sum(test.size for test in tests) != items:
        _refuse(f"the tests do not cover the {items} items once each")
    if sum(test.alpha for test in tests) > alpha * (1 + _ALPHA_SLACK):
        _refuse(f"the tests spend more than alpha {alpha}")
    for test in tests:
        _check_test(test, max_error=max_error)


def _check_test(test: CommittedTest, *, max_error: Decimal) -> None:
    name, budget = test.name[:40], error_budget(max_error, test.size)
    if not test.sample <= test.admitted <= test.size:
        _refuse(
            f"test {name!r} samples {test.sample} of {test.admitted} labels of {test.size} items"
        )
    if test.errors != budget:
        _refuse(f"test {name!r} allows {test.errors} errors, recomputed {budget}")
    limit = sample_limit(test.admitted, test.sample, test.errors, test.alpha)
    if test.limit != limit:
        _refuse(f"test {name!r} allows {test.limit} finds, recomputed {limit}")


def check_frozen(
    tests: Sequence[CommittedTest],
    ints: NDArray[np.int64],
    *,
    items: int,
    answered: Collection[int],
) -> None:
    """The frozen order holds each admitted item once, and nobody had answered any of them.

    ``ints`` (n, 3): position, item, test.
    """
    position, item, test_of = ints[:, 0], ints[:, 1], ints[:, 2]
    if not np.array_equal(position, np.arange(len(ints))):
        _refuse("the frozen order is not numbered from 0")
    if len(np.unique(item)) != len(item):
        _refuse("the frozen order holds an item twice")
    if len(item) and int(item.max()) >= items:
        _refuse(f"the frozen order holds item {int(item.max())} of a pool of {items}")
    before = item[np.isin(item, np.fromiter(answered, dtype=np.int64, count=len(answered)))]
    if len(before):
        _refuse(f"item {int(before[0])} was admitted though a person had answered it")
    if len(test_of) and int(test_of.max()) >= len(tests):
        _refuse(f"the frozen order names test {int(test_of.max())} of {len(tests)}")
    counts = np.bincount(test_of, minlength=len(tests)).tolist()
    for count, test in zip(counts, tests, strict=True):
        if count != test.admitted:
            _refuse(f"test {test.name[:40]!r} admits {test.admitted} labels, found {count}")


def check_shared(attempt: Attempt, other: Attempt) -> None:
    """Two questions of one attempt share items, order, tests and the seed of their sample."""
    mine, its = attempt.committed, other.committed
    if not (
        np.array_equal(attempt.items, other.items)
        and np.array_equal(attempt.test_of, other.test_of)
    ):
        _refuse(f"{mine.question[:40]!r} and {its.question[:40]!r} are frozen on other items")
    for name in ("tests", "window", "seed_commitment"):
        if getattr(mine, name) != getattr(its, name):
            _refuse(f"{mine.question[:40]!r} and {its.question[:40]!r} differ in their {name}")


# --------------------------------------------------------------------------------- verdicts


def seal(
    attempt: Attempt,
    verdicts: Sequence[tuple[int, bool]],
    *,
    answers: Mapping[int, str | None],
    erased: Collection[int],
) -> None:
    """Take the sealed verdicts: each of an admitted, answered item, agreeing with its answer.

    ``answers``: JSON of the standing answers by item, None where not known.
    """
    items = [item for item, _ in verdicts]
    if attempt.sealed is not None:
        _refuse("the verdicts are sealed twice")
    if items != sorted(set(items)):
        _refuse("the verdicts are not sorted by item")
    admitted = attempt.admitted()
    for item, right in verdicts:
        if item not in admitted:
            _refuse(f"item {item} has a verdict but was not admitted")
        if item not in answers:
            _refuse(f"item {item} has a verdict but no answer")
        label, answer = admitted[item], answers[item]
        if label is None or answer is None:
            continue
        if _same(attempt.question, label, answer) is not right:
            _refuse(
                f"the verdict on item {item} is {_word(right)}, but label {label[:40]} "
                f"and answer {answer[:40]} make it {_word(not right)}"
            )
    attempt.sealed = dict(verdicts)
    attempt.answered_at_seal = frozenset(answers) - frozenset(erased)


def _same(question: Question, label: str, answer: str) -> bool:
    """Whether a frozen label and an answer, both as JSON, are the same."""
    try:
        a, b = (read_value(question, json.loads(each)) for each in (label, answer))
    except (InputError, ValueError, RecursionError):
        _refuse(
            f"label {label[:40]} or answer {answer[:40]} is no answer to {question.name[:40]!r}"
        )
    return question.same(a, b)


def reveal(attempt: Attempt, seed: bytes) -> None:
    """Redraw the sample, compare it with the verdicts, and compute what stands."""
    if attempt.sealed is None:
        _refuse("the seed is revealed before the verdicts are sealed")
    if attempt.revealed:
        _refuse("the seed is revealed twice")
    if len(seed) != SEED_BYTES or seed_commitment(seed) != attempt.committed.seed_commitment:
        _refuse("the seed is not the one committed to")
    committed = attempt.committed
    heads = draw(
        committed.tests, attempt.test_of, attempt.items, seed=seed, window=committed.window
    )
    sampled = attempt.items[heads]
    _compare_sample(sampled.tolist(), attempt.sealed, attempt.answered_at_seal)
    verdicts = np.full(len(attempt.items), OPEN, dtype=np.int8)
    verdicts[heads] = [
        {True: RIGHT, False: WRONG, None: OPEN}[attempt.sealed.get(item)]
        for item in sampled.tolist()
    ]
    attempt.heads, attempt.verdicts, attempt.revealed = heads, verdicts, True
    attempt.stands = outcome_of(attempt, answered=()).stands


def outcomes_of(
    attempts: Mapping[str, Attempt], *, answered: Collection[int]
) -> dict[str, Outcome]:
    """What stands of each question where items are decided whole, but for those people answered.

    The attempts of several questions are on the same items in the same order.
    """
    each = [outcome_of(attempt, answered=answered) for attempt in attempts.values()]
    test_of = next(iter(attempts.values())).test_of
    return dict(zip(attempts, together(each, test_of), strict=True))


def outcome_of(attempt: Attempt, *, answered: Collection[int]) -> Outcome:
    """What one question's test lets stand, but for the items people answered."""
    by_people = np.fromiter(answered, dtype=np.int64, count=len(answered))
    return certify(
        attempt.committed.tests,
        test_of=attempt.test_of,
        sampled=attempt.heads,
        verdicts=attempt.verdicts,
        answered=np.isin(attempt.items, by_people),
    )


def _compare_sample(
    sampled: Sequence[int], sealed: Mapping[int, bool], answered: Collection[int]
) -> None:
    drawn = set(sampled)
    for item in sealed:
        if item not in drawn:
            _refuse(f"item {item} has a verdict but is not in the sample the seed draws")
    for item in sampled:
        if item in answered and item not in sealed:
            _refuse(f"item {item} is in the sample and was answered, but has no verdict")


# ------------------------------------------------------------------------------ certificate


def check_certificate(
    attempt: Attempt,
    outcome: Outcome,
    certificate: Mapping[str, object],
    *,
    rows: int,
    skipped: int,
    answered: Collection[int],
    answered_before: int,
    by: tuple[AnsweredBy, ...],
) -> None:
    """Every field of the certificate is the one recomputed from the log.

    ``outcome``: of :func:`outcomes_of`. ``answered``: the pool's items with a standing answer, so
    many of them ``answered_before``; ``by``: whose answers stand. Raises
    :class:`VerificationFailed` naming the first field that differs.
    """
    expected = issue(
        attempt.committed,
        outcome,
        rows=rows,
        human=len(answered),
        audited=sum(test.sample for test in attempt.committed.tests),
        undecided=attempt.committed.items - len(answered) - outcome.automatic,
        skipped=skipped,
        answered_before=answered_before,
        answered_by=by,
    ).to_json(checkpoint=False)
    for name in [*expected, *sorted(set(certificate) - set(expected))]:
        said, recomputed = certificate.get(name, "nothing"), expected.get(name, "nothing")
        if said != recomputed or type(said) is not type(recomputed):
            _refuse(f"the certificate says {name} {_short(said)}, recomputed {_short(recomputed)}")
    attempt.issued = True


def _short(value: object) -> str:
    return str(value)[:120]


def _word(right: bool) -> str:
    return "right" if right else "wrong"


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="audit")
