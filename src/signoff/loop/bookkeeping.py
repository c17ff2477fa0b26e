"""What the loop writes down: requests, rounds and events made from its steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Judgement
from signoff.core.batches import Batch
from signoff.core.decisions import Decision
from signoff.core.questions import Answer
from signoff.core.records import (
    AskReason,
    Audit,
    Json,
    NewEvent,
    NewRequest,
    Pool,
    Project,
    Review,
    Round,
    Tokens,
)
from signoff.loop.progress import forecast_json
from signoff.loop.recorder import Recorder
from signoff.ports import Ask, Explains, Freeze, PoolState, PoolView

TOKENS_PER_LABEL = 12


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
    ) -> list[NewRequest]:
        """Requests for items; ``order`` says which comes first in the queue."""
        return [
            NewRequest(
                id=self.recorder.new_id(),
                item=int(items[at]),
                reason=reasons[at],
                priority=place,
                key=view.keys[int(items[at])],
                shown=view.for_people(int(items[at])).shown(),
            )
            for place, at in enumerate(order)
        ]

    def asked(self, pool: Pool, items: NDArray[np.int64], reason: AskReason) -> NewEvent:
        """Requests were opened."""
        numbers = sorted(items.tolist())
        return self.recorder.event(
            "requests.opened", {"pool": pool.number, "reason": reason, "items": numbers}
        )

    # ------------------------------------------------------------------ learning

    def round(self, pool: Pool, number: int, answers: int, step: Ask | Freeze) -> Round:
        """A round of learning."""
        return Round(
            pool=pool.number,
            number=number,
            answers=answers,
            reason=step.reason if isinstance(step, Ask) else "freeze",
            model=version_of(step) or None,
            forecast=forecast_json(step.forecast),
            scores=step.scores,
        )

    def fitted(self, pool: Pool, state: PoolState, step: Ask | Freeze) -> list[NewEvent]:
        """A model was fitted on the answers so far; nothing where there is no model yet."""
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
                    "model": version,
                    "answers": len(state.asked),
                    "snapshot": snapshot.hexdigest(),
                    "scores": {name: float(value) for name, value in step.scores.items()},
                },
            )
        ]

    def tokens(self, step: Freeze) -> Tokens:
        """The most informative tokens per label, where the model can say."""
        model = step.model
        if not isinstance(model, Explains):
            return {}
        return {
            label: model.top_tokens(at, TOKENS_PER_LABEL)
            for at, label in enumerate(self.project.question.ids)
        }

    # --------------------------------------------------------------------- audit

    def committed(self, body: Json) -> NewEvent:
        """Labels, order, test and seed commitment are fixed."""
        return self.recorder.event("audit.committed", body)

    def judged(self, audit: Audit, judged: Judgement) -> list[NewEvent]:
        """Verdicts are sealed, and the seed may be known."""
        attempt: Json = {"pool": audit.pool, "attempt": audit.attempt}
        return [
            self.recorder.event("verdicts.sealed", {**attempt, "verdicts": judged.verdicts_json()}),
            self.recorder.event("seed.revealed", {**attempt, "seed": audit.seed.hex()}),
        ]

    def certified(self, audit: Audit, certificate: Json) -> NewEvent:
        """A certificate is issued."""
        return self.recorder.event(
            "certificate.issued",
            {"pool": audit.pool, "attempt": audit.attempt, "certificate": certificate},
        )

    # ----------------------------------------------------------------- decisions

    def decided(self, pool: Pool, batch: Batch, by: str) -> NewEvent:
        """Decisions are made."""
        return self.recorder.event(
            "decisions.made", {"pool": pool.number, "by": by, "batch": batch.reference()}
        )

    def closed(self, pool: Pool) -> NewEvent:
        """Every item of the pool is decided."""
        return self.recorder.event("pool.closed", {"pool": pool.number, "undecided": 0})


def by_people(review: Review, answer: Answer) -> Decision:
    """The decision one person's answer makes; it names them by id, since names can be removed."""
    return Decision(
        item=review.item,
        answer=answer,
        by="reviewers",
        confidence=None,
        reason=review.reason,
        reviewers=review.reviewer,
        model="",
    )


def version_of(step: Ask | Freeze) -> str:
    """The version of the model behind a step, "" where there is none."""
    if isinstance(step, Ask):
        return step.model_version or ""
    return "" if step.model is None else step.model.version
