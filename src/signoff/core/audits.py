"""One audit under rule P: what is admitted and sampled, and what people's answers make of it.

Pure: frozen labels, the seed and answers go in; a commitment, verdicts and what stands come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from signoff.core.batches import StoredBatch
from signoff.core.certification import OPEN, RIGHT, WRONG, SliceTest
from signoff.core.coding import Value, labels_of, read_value
from signoff.core.coins import draw_sample
from signoff.core.commitment import CommittedTest, Outcome, certify, commit_test, together
from signoff.core.decisions import read_frozen_rows
from signoff.core.questions import Answer, Question

# ------------------------------------------------------------------ before the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Which frozen labels are admitted, and which people answer anyway.

    - ``places`` (n,): admitted places of the strategy's order, in order; ``test_of`` (n,).
    - ``tests``: each with the size of its sample and its limit.
    - ``companions``: places that are not admitted: their items are asked among the audits, so
      that nothing in the queue tells an audit from another item.
    """

    places: NDArray[np.int64]
    test_of: NDArray[np.int64]
    tests: tuple[CommittedTest, ...]
    companions: NDArray[np.int64]


def admit(
    test_of: NDArray[np.int64], tests: Sequence[SliceTest], audits: Sequence[int], *, hopeless: int
) -> Admission:
    """Admit every label of the order but the last, which people are expected to answer anyway.

    ``test_of`` (n,): the test of each place; ``audits``: the sample each test wants of all its
    places; ``hopeless``: how many places at the end are not expected to stand. Half of them are
    left out, and each sample shrinks with its test, so that the rate of audits stays the same.
    """
    share = 0.5 * hopeless / max(1, len(test_of))
    admitted: list[NDArray[np.int64]] = []
    left_out: list[NDArray[np.int64]] = []
    committed: list[CommittedTest] = []
    for number, (test, wanted) in enumerate(zip(tests, audits, strict=True)):
        places = np.flatnonzero(test_of == number)
        kept, final = _shortened(test, len(places), wanted, share)
        admitted.append(places[:kept])
        left_out.append(places[kept:])
        committed.append(final)
    places = np.sort(np.concatenate([*admitted, np.empty(0, dtype=np.int64)]))
    return Admission(
        places=places,
        test_of=test_of[places],
        tests=tuple(committed),
        companions=np.sort(np.concatenate([*left_out, np.empty(0, dtype=np.int64)])),
    )


def _shortened(test: SliceTest, n: int, wanted: int, share: float) -> tuple[int, CommittedTest]:
    """How many places a test admits, and the test on them; all where shortening would hurt."""
    full = commit_test(test, admitted=n, sample=wanted)
    kept = n - int(share * n)
    sample = min(kept, -(-wanted * kept // n)) if n else 0
    short = commit_test(test, admitted=kept, sample=sample)
    if wanted == 0 or kept == n or (short.limit < 0 <= full.limit):
        return n, full
    return kept, short


def draw(
    tests: Sequence[CommittedTest],
    test_of: NDArray[np.int64],
    items: NDArray[np.int64],
    *,
    seed: bytes,
    window: str,
) -> NDArray[np.bool_]:
    """Which admitted labels (n,) are sampled, test by test."""
    heads = np.zeros(len(items), dtype=np.bool_)
    for number, test in enumerate(tests):
        places = np.flatnonzero(test_of == number)
        heads[places[draw_sample(seed, window, items[places], test.sample)]] = True
    return heads


# ------------------------------------------------------------------- after the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an audit says of one question, columnar over the n admitted labels in frozen order;
    ``codes`` (n,) into ``values``."""

    items: NDArray[np.int64]
    test_of: NDArray[np.int64]
    values: Sequence[Value]
    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    heads: NDArray[np.bool_]
    verdicts: NDArray[np.int8]
    waiting: int
    """Sampled labels whose item nobody answered yet; an erased answer stays open for good."""
    outcome: Outcome

    @property
    def automatic(self) -> NDArray[np.bool_]:
        """Labels that stand without a person."""
        return self.outcome.stands

    def verdicts_json(self) -> list[list[object]]:
        """``[item, "right" | "wrong"]`` of every verdict, by item."""
        known = self.heads & (self.verdicts != OPEN)
        pairs = zip(self.items[known].tolist(), self.verdicts[known].tolist(), strict=True)
        return [[item, "right" if v == RIGHT else "wrong"] for item, v in sorted(pairs)]


def judge(
    *,
    tests: Sequence[CommittedTest],
    window: str,
    seed: bytes,
    frozen: StoredBatch,
    answers: Mapping[int, Answer | None],
    question: Question,
    drawn: NDArray[np.bool_] | None = None,
) -> Judgement:
    """Compare people's answers with the frozen labels and see what stands.

    ``answers`` holds people's answers by item: None where the answer was erased. ``drawn`` is
    the sample where it is still known; else it is drawn again from the seed.
    """
    items, test_of = frozen.ints[:, 1], frozen.ints[:, 2]
    said = read_frozen_rows(frozen.private, labels_of(question))
    heads = draw(tests, test_of, items, seed=seed, window=window) if drawn is None else drawn
    verdicts = np.full(len(items), OPEN, dtype=np.int8)
    for at in np.flatnonzero(heads).tolist():
        code = int(said.codes[at])
        label = None if code < 0 else read_value(question, said.values[code])
        verdicts[at] = _verdict(label, answers.get(int(items[at])), question)
    answered = np.isin(items, np.fromiter(answers, dtype=np.int64, count=len(answers)))
    return Judgement(
        items=items,
        test_of=test_of,
        values=said.values,
        codes=said.codes,
        confidence=said.confidence,
        heads=heads,
        verdicts=verdicts,
        waiting=int((heads & ~answered).sum()),
        outcome=certify(
            tests, test_of=test_of, sampled=heads, verdicts=verdicts, answered=answered
        ),
    )


def _verdict(label: Answer | None, answer: Answer | None, question: Question) -> int:
    if label is None or answer is None:
        return OPEN
    return RIGHT if question.same(answer, label) else WRONG


def judged_together(judged: Mapping[str, Judgement]) -> dict[str, Judgement]:
    """The judgements of several questions on the same frozen items, by question: an item is
    decided whole, so that a label stands only where those of all questions do.

    Each question's test stays valid: fewer of its labels stand, no more of them are wrong.
    """
    outcomes = [each.outcome for each in judged.values()]
    test_of = next(iter(judged.values())).test_of
    return {
        name: replace(each, outcome=outcome)
        for (name, each), outcome in zip(judged.items(), together(outcomes, test_of), strict=True)
    }
