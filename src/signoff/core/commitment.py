"""One audit under rule P: what is committed before the first coin, and what the audit gives.

:func:`certify` is the whole calculation between an ``audit.committed`` event and the numbers of
its certificate, so that whoever runs a pool and whoever verifies it share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from signoff.core.certification import OPEN, WRONG, SliceTest, sample_limit, standing
from signoff.core.fields import FieldReader, as_json, decimal_text
from signoff.core.questions import Question

DIFFERS = "another label, or cannot say"
"""What makes a machine label wrong; of other kinds of questions: another answer."""

SEED_HOLDERS = ("system", "operator")
"""Who may have chosen a seed."""

# ------------------------------------------------------------------ before the audit


def what_differs(question: Question) -> str:
    """What makes a machine's answer to a question wrong, in words."""
    return DIFFERS if question.kind == "choice" else DIFFERS.replace("label", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedTest(SliceTest):
    """A test as committed: ``admitted`` labels frozen, ``sample`` of them audited, x* ``limit``."""

    admitted: int
    sample: int
    limit: int

    def to_json(self) -> dict[str, object]:
        """As an entry of an ``audit.committed`` event's ``tests``."""
        return as_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """The inverse of :meth:`to_json`; raises VerificationFailed on anything malformed."""
        read = FieldReader(value, "a committed test")
        return cls(
            name=read.text("name"),
            size=read.integer("size"),
            errors=read.integer("errors"),
            alpha=read.share("alpha"),
            admitted=read.integer("admitted"),
            sample=read.integer("sample"),
            limit=read.integer("limit", least=-1),
        )


def commit_test(test: SliceTest, *, admitted: int, sample: int) -> CommittedTest:
    """The test with its frozen size and audit size, and the limit x* that follows from them."""
    return CommittedTest(
        name=test.name,
        size=test.size,
        errors=test.errors,
        alpha=test.alpha,
        admitted=admitted,
        sample=sample,
        limit=sample_limit(admitted, sample, test.errors, test.alpha),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What is logged of a question before the first coin and fixed from then on.

    ``items`` is N; ``errors`` r; ``reserved`` r0; ``process`` says who answers and how often;
    ``order`` names the frozen labels and their order (a Merkle root); ``answered`` items had
    people's answers before; only people may decide the ``forced`` ones.
    """

    pool: int
    attempt: int
    window: str
    items: int
    max_error: Decimal
    errors: int
    alpha: Decimal
    tests: tuple[CommittedTest, ...]
    process: Mapping[str, object]
    seed_commitment: str
    seed_chosen_by: Literal["system", "operator"]
    model: str
    order: str
    answered: int
    forced: int
    question: str = "answer"
    reserved: int = 0
    rule: Literal["P", "S"] = "P"
    differs: str = DIFFERS

    @property
    def certainty(self) -> Decimal:
        """1 - alpha."""
        return 1 - self.alpha

    def to_json(self) -> dict[str, object]:
        """The body of an ``audit.committed`` event, but for its batch, which ``order`` names."""
        value = as_json(self)
        del value["order"]
        value["certainty"] = decimal_text(self.certainty)
        return value

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> Commitment:
        """What the body of an ``audit.committed`` event says; raises VerificationFailed."""
        read = FieldReader(body, "an audit.committed event")
        order = FieldReader(read.object("batch"), "the frozen batch").text("root")
        return cls(
            pool=read.integer("pool"),
            question=read.text("question"),
            attempt=read.integer("attempt"),
            window=read.text("window"),
            items=read.integer("items"),
            max_error=read.decimal("max_error"),
            errors=read.integer("errors"),
            alpha=read.decimal("alpha"),
            tests=tuple(CommittedTest.from_json(entry) for entry in read.objects("tests")),
            process=read.object("process"),
            seed_commitment=read.text("seed_commitment"),
            seed_chosen_by=cast(
                'Literal["system", "operator"]', read.one_of("seed_chosen_by", SEED_HOLDERS)
            ),
            model=read.text("model"),
            order=order,
            answered=read.integer("answered"),
            forced=read.integer("forced"),
            reserved=read.integer("reserved"),
            rule=cast('Literal["P", "S"]', read.one_of("rule", ("P", "S"))),
            differs=read.text("differs"),
        )


# ------------------------------------------------------------------- what the audit gives


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test after its audit; ``automatic`` counts its machine labels that stand."""

    __test__ = False  # not a pytest class

    name: str
    finds: int
    open: int
    automatic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Which frozen labels stand (n,), in frozen order, and the counts behind it."""

    stands: NDArray[np.bool_]
    tests: tuple[TestResult, ...]

    @property
    def finds(self) -> int:
        """Audited labels that were wrong."""
        return sum(test.finds for test in self.tests)

    @property
    def open(self) -> int:
        """Audits without a sealed verdict."""
        return sum(test.open for test in self.tests)

    @property
    def automatic(self) -> int:
        """Machine labels that stand."""
        return sum(test.automatic for test in self.tests)


def certify(
    tests: Sequence[CommittedTest],
    *,
    test_of: NDArray[np.integer],
    sampled: NDArray[np.bool_],
    verdicts: NDArray[np.integer],
    answered: NDArray[np.bool_] | None = None,
) -> Outcome:
    """The whole calculation of rule P, from the frozen order, the sample and the verdicts.

    ``test_of`` (n,): index into ``tests`` of each frozen label, in frozen order. ``sampled`` (n,):
    drawn for the audit. ``verdicts`` (n,): RIGHT, WRONG or OPEN; read where sampled only.
    A label stands only if its test lets it. ``answered`` (n,): items a person answered
    after the freeze without being sampled; their labels are the person's whatever stands. Errors
    held back (r0) are taken from the tests' ``errors`` before they are committed.
    """
    stands = np.zeros(len(test_of), dtype=np.bool_)
    results: list[TestResult] = []
    for number, test in enumerate(tests):
        mine = np.flatnonzero(test_of == number)
        heads, codes = sampled[mine], verdicts[mine]
        if len(mine) != test.admitted or int(heads.sum()) != test.sample:
            raise ValueError(
                f"test {test.name!r} committed to {test.sample} of {test.admitted} labels, "
                f"got {int(heads.sum())} of {len(mine)}"
            )
        stands[mine] = standing(heads, codes, 1, test.limit, test.errors)
        if answered is not None:
            stands[mine] &= ~answered[mine]
        results.append(
            TestResult(
                name=test.name,
                finds=int(np.sum(heads & (codes == WRONG))),
                open=int(np.sum(heads & (codes == OPEN))),
                automatic=int(np.sum(stands[mine])),
            )
        )
    return Outcome(stands=stands, tests=tuple(results))


def together(outcomes: Sequence[Outcome], test_of: NDArray[np.integer]) -> list[Outcome]:
    """Outcomes over the same frozen items where an item is decided whole: in each of them stands
    what stands in all. ``test_of`` (n,): as for :func:`certify`."""
    stands = np.logical_and.reduce([outcome.stands for outcome in outcomes])
    return [
        Outcome(
            stands=stands,
            tests=tuple(
                replace(test, automatic=int(np.sum(stands & (test_of == number))))
                for number, test in enumerate(outcome.tests)
            ),
        )
        for outcome in outcomes
    ]


def live_bound(errors: int, items: int, *, sealed: bool) -> float | None:
    """The share of labels that may be wrong if the run stopped now; None before the audit ends."""
    return errors / items if sealed and items else None
