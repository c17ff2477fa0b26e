"""What the loop writes down: requests, rounds and events made from its steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Judgement
from signoff.core.batches import Batch, seal
from signoff.core.coding import labels_of
from signoff.core.commitment import Commitment, what_differs
from signoff.core.decisions import BY_CODE, Decision
from signoff.core.events import silence_of
from signoff.core.joining import Answered
from signoff.core.questions import Answer
from signoff.core.queueing import EVERYBODY
from signoff.core.records import (
    AskReason,
    Audit,
    Json,
    NewEvent,
    NewRequest,
    Pool,
    Project,
    Round,
    Tokens,
)
from signoff.loop.progress import forecast_json
from signoff.loop.recorder import Recorder
from signoff.ports import Ask, Explains, Forecast, Freeze, PoolState, PoolView

TOKENS_PER_LABEL = 12
MOST_SILENT = 1_000
"""Items that one event tells of."""
Steps = Mapping[str, Ask | Freeze]
"""What the strategy of each question wants to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeper:
    """Makes the records of one project's loop."""

    project: Project
    recorder: Recorder

    # ------------------------------------------------------------------ requests

    def requests(
        self,
        view: PoolView,
        items: NDArray[np.int64],
        reasons: Sequence[AskReason],
        order: Sequence[int],
        hints: Mapping[int, Json],
    ) -> list[NewRequest]:
        """Requests for items; ``order`` says which comes first in the queue, ``hints`` what people
        are told of some of them."""
        ids = self.recorder.alike(len(order))
        return [
            NewRequest(
                id=ids[place],
                item=int(items[at]),
                reason=reasons[at],
                priority=place,
                key=view.keys[int(items[at])],
                shown=view.for_people(int(items[at])).shown(),
                audience=view.audiences.get(int(items[at]), EVERYBODY),
                due=self._due(),
                hint=hints.get(int(items[at])),
            )
            for place, at in enumerate(order)
        ]

    def _due(self) -> int | None:
        """When a request that is opened now is due."""
        rule = self.project.queue.due
        return None if rule is None else self.recorder.now() + rule.seconds * 1_000_000

    def asked(self, pool: Pool, items: NDArray[np.int64], reason: AskReason) -> NewEvent:
        """Requests were opened."""
        numbers = sorted(items.tolist())
        return self.recorder.event(
            "requests.opened", {"pool": pool.number, "reason": reason, "items": numbers}
        )

    def asked_why(
        self, pool: Pool, items: NDArray[np.int64], reasons: Sequence[AskReason]
    ) -> list[NewEvent]:
        """Requests were opened, an event for each reason."""
        by_reason: dict[AskReason, list[int]] = {}
        for item, reason in zip(items.tolist(), reasons, strict=False):
            by_reason.setdefault(reason, []).append(item)
        return [self.asked(pool, np.array(found), why) for why, found in by_reason.items()]

    # ------------------------------------------------------------------ learning

    def round(self, pool: Pool, number: int, answers: int, steps: Steps) -> Round:
        """A round of learning; of several questions, the forecast is that of the hardest."""
        asks = [step for step in steps.values() if isinstance(step, Ask)]
        versions = {version_of(step) for step in steps.values()}
        only = len(steps) == 1
        return Round(
            pool=pool.number,
            number=number,
            answers=answers,
            reason=asks[0].reason if asks else "freeze",
            model=versions.pop() or None if only else None,
            forecast=forecast_json(hardest([step.forecast for step in steps.values()])),
            scores={
                name if only else f"{question}.{name}": value
                for question, step in steps.items()
                for name, value in step.scores.items()
            },
        )

    def fitted(self, pool: Pool, states: Mapping[str, PoolState], steps: Steps) -> list[NewEvent]:
        """Models were fitted on the answers so far; nothing where there is no model yet."""
        return [
            event
            for question, step in steps.items()
            for event in self._fitted(pool, question, states[question], step)
        ]

    def _fitted(
        self, pool: Pool, question: str, state: PoolState, step: Ask | Freeze
    ) -> list[NewEvent]:
        version = version_of(step)
        if not version:
            return []
        pairs = [
            [int(item), int(code)] for item, code in zip(state.asked, state.codes, strict=True)
        ]
        snapshot = hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode())
        return [
            self.recorder.event(
                "model.fitted",
                {
                    "pool": pool.number,
                    "question": question,
                    "model": version,
                    "answers": len(state.asked),
                    "snapshot": snapshot.hexdigest(),
                    "scores": {name: float(value) for name, value in step.scores.items()},
                },
            )
        ]

    def silent(
        self, pool: Pool, states: Mapping[str, PoolState], steps: Mapping[str, Freeze]
    ) -> list[NewEvent]:
        """To which items the models had no answer, and why, as far as they say."""
        return [
            event
            for question, step in steps.items()
            for event in self._silent(pool, question, states[question], step)
        ]

    def _silent(
        self, pool: Pool, question: str, state: PoolState, step: Freeze
    ) -> Iterator[NewEvent]:
        why = step.predictions.why
        if why is None:
            return
        left = state.eligible.copy()
        left[state.asked] = False
        items = [at for at in np.flatnonzero(left).tolist() if why[at]]
        for at in range(0, len(items), MOST_SILENT):
            some = items[at : at + MOST_SILENT]
            body: Json = {"pool": pool.number, "question": question, "items": some}
            content = {silence_of(item): why[item] for item in some}
            yield self.recorder.event("model.silent", body, content, pool=pool.number)

    def tokens(self, question: str, step: Freeze) -> Tokens:
        """The most informative tokens per label, where the model can say."""
        model, labels = step.model, labels_of(self.project.form.question(question))
        if labels is None or not isinstance(model, Explains):
            return {}
        return {label: model.top_tokens(at, TOKENS_PER_LABEL) for at, label in enumerate(labels)}

    # --------------------------------------------------------------------- audit

    def audits(
        self,
        shared: Commitment,
        frozen: Mapping[str, Batch],
        steps: Mapping[str, Freeze],
        seed: bytes,
    ) -> list[Audit]:
        """The audit of each question, from what all commit to and what each has frozen."""
        audits: list[Audit] = []
        for name, step in steps.items():
            commitment = replace(
                shared,
                question=name,
                model=version_of(step),
                order=frozen[name].root,
                differs=what_differs(self.project.form.question(name)),
            )
            audits.append(
                Audit(
                    pool=shared.pool,
                    question=name,
                    attempt=shared.attempt,
                    committed={**commitment.to_json(), "batch": frozen[name].reference()},
                    seed=seed,
                    seed_chosen_by=shared.seed_chosen_by,
                    tokens=self.tokens(name, step),
                )
            )
        return audits

    def committed(self, body: Json) -> NewEvent:
        """Labels, order, test and seed commitment are fixed."""
        return self.recorder.event("audit.committed", body)

    def judged(
        self, audits: Mapping[str, Audit], judged: Mapping[str, Judgement]
    ) -> list[NewEvent]:
        """The verdicts of all questions are sealed, and the seed may be known."""
        sealed = [
            self.recorder.event(
                "verdicts.sealed",
                {**_attempt(audit), "verdicts": judged[name].verdicts_json()},
            )
            for name, audit in audits.items()
        ]
        revealed = [
            self.recorder.event("seed.revealed", {**_attempt(audit), "seed": audit.seed.hex()})
            for audit in audits.values()
        ]
        return [*sealed, *revealed]

    def certified(self, audit: Audit, certificate: Json) -> NewEvent:
        """A certificate is issued."""
        return self.recorder.event(
            "certificate.issued", {**_attempt(audit), "certificate": certificate}
        )

    # ----------------------------------------------------------------- decisions

    def decided(self, pool: Pool, batches: Mapping[str, Batch], by: str) -> list[NewEvent]:
        """Decisions are made, question by question."""
        return [
            self.recorder.event(
                "decisions.made",
                {"pool": pool.number, "question": name, "by": by, "batch": batch.reference()},
            )
            for name, batch in batches.items()
        ]

    def closed(self, pool: Pool) -> NewEvent:
        """Every item of the pool is decided."""
        return self.recorder.event("pool.closed", {"pool": pool.number, "undecided": 0})


def _attempt(audit: Audit) -> Json:
    return {"pool": audit.pool, "question": audit.question, "attempt": audit.attempt}


def hardest(forecasts: Sequence[Forecast | None]) -> Forecast | None:
    """The forecast that leaves people most to answer; None where none is known."""
    known = [forecast for forecast in forecasts if forecast is not None]
    return max(known, key=lambda forecast: forecast.remaining, default=None)


def people_batch(
    answered: Sequence[Answered],
    question: str,
    *,
    entropy: Callable[[int], bytes],
) -> Batch:
    """What people decided of one question, sealed; erased answers are left out."""
    decisions = [
        by_people(each, answer) for each in answered if (answer := each.to(question)) is not None
    ]
    ints = np.array([[d.item, BY_CODE[d.by]] for d in decisions], dtype=np.int64)
    return seal(
        "decisions",
        ints.reshape(-1, 2),
        [decision.private() for decision in decisions],
        entropy=entropy,
    )


def by_people(answered: Answered, answer: Answer) -> Decision:
    """The decision that people's answers make; it names them by id, since names can be removed."""
    return Decision(
        item=answered.item,
        answer=answer,
        by="reviewers",
        confidence=None,
        reason=answered.reason,
        reviewers=", ".join(answered.reviewers),
        model="",
    )


def version_of(step: Ask | Freeze) -> str:
    """The version of the model behind a step, "" where there is none."""
    if isinstance(step, Ask):
        return step.model_version or ""
    return "" if step.model is None else step.model.version
