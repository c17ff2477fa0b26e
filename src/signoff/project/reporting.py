"""From a stored project to what its report shows."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from signoff.core.coding import labels_of, read_value
from signoff.core.commitment import Commitment
from signoff.core.events import instant
from signoff.core.joining import Answered, answered_items
from signoff.core.questions import Answer, Question, answer_text
from signoff.core.records import CARRIED, Audit, Json, Pool, Project, Review
from signoff.core.routing import Certified
from signoff.loop.progress import decided_by_model
from signoff.ports import PoolView
from signoff.report.data import (
    Answerer,
    AuditSample,
    Counts,
    LearningRound,
    Overruled,
    ReportData,
)
from signoff.store.store import SqlStore
from signoff.version import VERSION

MOST_OVERRULED = 50
PHASES = {"learning": "learning", "auditing": "audit", "finishing": "review"}
SHOWN = (CARRIED, *PHASES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One frozen label."""

    place: int
    answer: Answer
    confidence: float
    test: int

    @property
    def label(self) -> str:
        """The label in words."""
        return answer_text(self.answer)


@dataclass(slots=True, kw_only=True)
class Reporter:
    """Gathers what a report shows of one question in a project's newest pool."""

    store: SqlStore
    project: Project
    question: Question
    views: Callable[[Pool], PoolView]
    certificate: Json | None

    def data(self) -> ReportData:
        """Everything a report shows."""
        pool = self.store.pools(self.project.id)[-1]
        reviews = self.store.reviews(self.project, pool.number)
        answered = answered_items(reviews, self.project)
        audit = self.store.audits(self.project.id, pool.number).get(self.question.name)
        frozen = self._frozen(pool, answered)
        policy = self.project.policy
        overruled = self._overruled(pool, answered, frozen)
        return ReportData(
            title=self.project.name,
            question=self.question.text,
            labels=labels_of(self.question) or (),
            policy=policy.describe(),
            counts=self._counts(pool, answered),
            created=instant(self.store.last_instant(self.project.id)),
            max_error=float(policy.max_error) if isinstance(policy, Certified) else None,
            certificate=self.certificate,
            audit=None if audit is None else self._sample(audit, frozen, answered),
            rounds=self._rounds(pool),
            slices=self._slices(audit),
            tokens={} if audit is None or audit.tokens is None else audit.tokens,
            overruled=overruled[:MOST_OVERRULED],
            overruled_total=len(overruled),
            answerers=self._answerers(reviews),
            log=self._log(),
            verify=self._verify(),
            version=VERSION,
        )

    def _counts(self, pool: Pool, answered: Sequence[Answered]) -> Counts:
        by_phase = Counter(
            CARRIED if each.reason == CARRIED else PHASES.get(each.phase, each.phase)
            for each in answered
        )
        automatic = decided_by_model(self.store, pool)
        return Counts(
            rows=pool.rows,
            items=pool.items,
            human={phase: by_phase[phase] for phase in SHOWN if by_phase[phase]},
            automatic=automatic,
            undecided=pool.items - len(answered) - automatic,
        )

    def _frozen(self, pool: Pool, by_people: Sequence[Answered]) -> dict[int, Frozen]:
        """Frozen labels of the items people answered, by item; erased ones are left out."""
        root = pool.frozen_roots.get(self.question.name)
        if root is None:
            return {}
        batch = self.store.batch(self.project.id, "frozen", root)
        answered = np.array([each.item for each in by_people], dtype=np.int64)
        labels: dict[int, Frozen] = {}
        for at in np.flatnonzero(np.isin(batch.ints[:, 1], answered)).tolist():
            private = batch.private[at]
            if private is not None:
                place, item, test = batch.ints[at].tolist()
                value, confidence = json.loads(private)
                labels[item] = Frozen(
                    place=place,
                    answer=read_value(self.question, value),
                    confidence=float(confidence),
                    test=test,
                )
        return labels

    def _sample(
        self, audit: Audit, frozen: dict[int, Frozen], answered: Sequence[Answered]
    ) -> AuditSample | None:
        """The audited labels with people's verdicts; nothing before the audit is sealed."""
        if audit.results is None:
            return None
        rows = [
            (frozen[r.item], answer)
            for r, answer in self._answers(answered)
            if r.reason == "audit" and r.item in frozen
        ]
        rows.sort(key=lambda row: row[0].place)
        tests = Commitment.from_json(audit.committed).tests
        admitted = sum(test.admitted for test in tests)
        rates = [test.admitted / test.sample if test.sample else 0.0 for test in tests]
        return AuditSample(
            position=np.array([label.place for label, _ in rows], dtype=np.int64),
            label=[label.label for label, _ in rows],
            answer=[answer_text(answer) for _, answer in rows],
            confidence=np.array([label.confidence for label, _ in rows], dtype=np.float64),
            right=np.array(
                [self.question.same(label.answer, answer) for label, answer in rows], dtype=np.bool_
            ),
            admitted=admitted,
            weight=np.array([rates[label.test] for label, _ in rows]) if len(tests) > 1 else None,
            standing=self._standing(audit) if len(tests) == 1 else None,
        )

    @staticmethod
    def _standing(audit: Audit) -> int | None:
        """The place the audit let labels stand up to, from how many unaudited ones do."""
        if audit.results is None:
            return None
        (test,) = Commitment.from_json(audit.committed).tests
        tails = test.admitted - test.sample
        return round(audit.results[0].automatic * test.admitted / tails) if tails else None

    def _rounds(self, pool: Pool) -> list[LearningRound]:
        rounds: list[LearningRound] = []
        for step in self.store.rounds(self.project.id, pool.number):
            forecast = step.forecast
            total = None
            if forecast is not None:
                parts = ("answered", "learning", "audit", "review")
                total = sum(int(str(forecast[part])) for part in parts)
            rounds.append(
                LearningRound(
                    answers=step.answers, forecast=total, accuracy=step.scores.get("accuracy")
                )
            )
        return rounds

    def _slices(self, audit: Audit | None) -> list[list[str]]:
        """One line per certified slice."""
        if audit is None or audit.results is None:
            return []
        tests = Commitment.from_json(audit.committed).tests
        if len(tests) < 2:
            return []
        lines = [["slice", "items", "may be wrong", "audited", "found wrong", "automatic"]]
        for test, result in zip(tests, audit.results, strict=True):
            numbers = (test.size, test.errors, test.sample, result.finds, result.automatic)
            lines.append([test.name, *(f"{number:,}" for number in numbers)])
        return lines

    def _overruled(
        self, pool: Pool, answered: Sequence[Answered], frozen: dict[int, Frozen]
    ) -> list[Overruled]:
        """Where people said something other than the frozen label, the surest labels first."""
        view = self.views(pool)
        wrong = [
            (frozen[r.item], r, answer_text(answer))
            for r, answer in self._answers(answered)
            if r.item in frozen and not self.question.same(frozen[r.item].answer, answer)
        ]
        wrong.sort(key=lambda row: row[0].place)
        return [
            Overruled(
                text=view.item(r.item).text if at < MOST_OVERRULED else "",
                model=label.label,
                people=said,
                confidence=label.confidence,
                key=view.keys[r.item],
            )
            for at, (label, r, said) in enumerate(wrong)
        ]

    def _answers(self, answered: Sequence[Answered]) -> list[tuple[Answered, Answer]]:
        """Answered items with their answer to the question, but for erased ones."""
        given = [(each, each.to(self.question.name)) for each in answered]
        return [(each, answer) for each, answer in given if answer is not None]

    def _answerers(self, reviews: Sequence[Review]) -> list[Answerer]:
        names = self.store.reviewer_names(self.project.id)
        sources = self.store.reviewer_sources(self.project.id)
        seconds: defaultdict[str, list[float]] = defaultdict(list)
        counts = Counter(review.reviewer for review in reviews)
        for review in reviews:
            if review.seconds is not None:
                seconds[review.reviewer].append(review.seconds)
        return [
            Answerer(
                name=names[reviewer],
                kind=sources[reviewer].kind,
                answers=count,
                median_seconds=median(seconds[reviewer]) if seconds[reviewer] else None,
            )
            for reviewer, count in counts.most_common()
        ]

    def _log(self) -> dict[str, str]:
        return {
            "project": self.project.id,
            "key": self.project.key_id,
            "checkpoint": self.store.newest_checkpoint(self.project.id) or "",
        }

    def _verify(self) -> list[str]:
        return [f"signoff verify {self.store.name}"]
