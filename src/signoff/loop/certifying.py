"""What an audit comes to: whose answers it rests on, which labels stand, what certificates say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Judgement, judge, judged_together
from signoff.core.certificate import Certificate, issue
from signoff.core.commitment import Commitment, Outcome
from signoff.core.joining import Answered, answered_items
from signoff.core.process import AnsweredBy, answered_by, process_of_answers
from signoff.core.records import CARRIED, Audit, Json, Pool, Project, Review
from signoff.ports import Store

Drawn = tuple[bytes, NDArray[np.bool_]]
"""A seed, and the sample it draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certifier:
    """Reads what people answered in a project's pools, and what follows for its certificates."""

    store: Store
    project: Project

    def answered(self, pool: Pool) -> list[Answered]:
        """The items of a pool that people answered, with the answer joined from all of theirs."""
        return answered_items(self._reviews(pool), self.project)

    def process(self, pool: Pool) -> Json:
        """Who answered so far, and how many each item; as the project began until someone has."""
        begun = self.project.process
        who = process_of_answers(
            [review.reviewer for review in self._reviews(pool)],
            self.store.reviewer_sources(self.project.id),
            begun,
        )
        how = {name: begun[name] for name in ("answers_per_item", "joined") if name in begun}
        return {"answers_per_item": 1, **how, **who}

    def audits(self, pool: Pool) -> dict[str, Audit]:
        """The audit of each question of a pool that is in its audit, or beyond."""
        audits = self.store.audits(self.project.id, pool.number)
        if not audits:
            raise RuntimeError(f"pool {pool.number} is in its audit but has none")
        return audits

    def judgements(
        self, pool: Pool, audits: Mapping[str, Audit], *, drawn: Drawn | None
    ) -> dict[str, Judgement]:
        """What the audit says so far, from the frozen labels and people's answers.

        ``drawn``: a sample that was drawn before; it need not be drawn again.
        """
        answered = self.answered(pool)
        judged: dict[str, Judgement] = {}
        for name, audit in audits.items():
            commitment = Commitment.from_json(audit.committed)
            judged[name] = judge(
                tests=commitment.tests,
                window=commitment.window,
                seed=audit.seed,
                frozen=self.store.batch(self.project.id, "frozen", pool.frozen_roots[name]),
                answers={each.item: each.to(name) for each in answered},
                question=self.project.form.question(name),
                drawn=drawn[1] if drawn is not None and drawn[0] == audit.seed else None,
            )
        return judged_together(judged)

    def certificates(self, pool: Pool) -> dict[str, Certificate]:
        """The certificates of a judged audit as things stand, by question: partial while items
        are undecided."""
        counts = self.store.queue_counts(self.project.id, pool.number)
        reviews = self._reviews(pool)
        issued: dict[str, Certificate] = {}
        for name, audit in self.audits(pool).items():
            commitment = Commitment.from_json(audit.committed)
            if audit.results is None:
                raise RuntimeError(f"the audit of pool {pool.number} is not judged")
            automatic = sum(result.automatic for result in audit.results)
            issued[name] = issue(
                commitment,
                Outcome(stands=np.empty(0, dtype=np.bool_), tests=audit.results),
                rows=pool.rows,
                human=counts.answered,
                audited=sum(test.sample for test in commitment.tests),
                undecided=pool.items - counts.answered - automatic,
                skipped=counts.skipped,
                answered_before=len({each.item for each in reviews if each.reason == CARRIED}),
                answered_by=self._by(reviews),
            )
        return issued

    def _by(self, reviews: list[Review]) -> tuple[AnsweredBy, ...]:
        return answered_by(
            [review.reviewer for review in reviews],
            self.store.reviewer_sources(self.project.id),
        )

    def _reviews(self, pool: Pool) -> list[Review]:
        return self.store.reviews(self.project, pool.number)
