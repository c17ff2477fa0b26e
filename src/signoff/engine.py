"""The loop: learn, select, ask, freeze, audit, certify, ask the rest, decide.

:meth:`Engine.advance` does whatever the machine can do and returns when people are needed or the
pool is closed. Every step reads its state from the store and writes it back, with its events, in
one transaction: a killed run goes on where it was, and nobody is asked twice.

A pool goes through four phases::

    learning   the strategy asks what teaches most, until it says that learning no longer pays
    auditing   labels and order are frozen and logged; a blind random sample of them is asked
    finishing  labels that stand are decided; people answer the rest
    closed     the certificate is issued
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Judgement, admit, draw, judge
from signoff.core.batches import Batch, seal
from signoff.core.certificate import Certificate, issue
from signoff.core.certification import error_budget
from signoff.core.coins import SEED_BYTES, seed_commitment, seed_from_number
from signoff.core.commitment import Commitment, Outcome
from signoff.core.decisions import BY_CODE, frozen_rows, model_rows
from signoff.core.process import answered_by, process_of_answers
from signoff.core.records import AskReason, Audit, Json, NewEvent, Pool, Project, Round
from signoff.core.routing import Candidates, Certified, People
from signoff.errors import AnswersChanged
from signoff.loop.asking import audit_items, forced_reasons
from signoff.loop.bookkeeping import Bookkeeper, by_people, version_of
from signoff.loop.knowledge import Knowledge
from signoff.loop.progress import progress_of
from signoff.loop.recorder import Recorder
from signoff.ports import Freeze, PoolState, PoolStrategy, PoolView, Progress, Store

REVIEW_CHUNK = 500
"""How many requests of the rest are opened at a time, at least."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """The loop over one project's pools.

    ``strategy`` gives the strategy of a pool; ``views`` its items. ``budget`` is how many answers
    people may give to the newest pool (None: no limit). ``seed`` makes a run repeatable; a seed
    that an operator chose is printed on the certificate.
    """

    store: Store
    project: Project
    strategy: PoolStrategy
    views: Callable[[Pool], PoolView]
    recorder: Recorder
    budget: int | None = None
    seed: int | None = None
    on_progress: Callable[[Progress], None] = field(default=lambda _: None)
    _knowledge: Knowledge = field(init=False)
    _last_decided: tuple[str, NDArray[np.int64]] | None = field(default=None, init=False)
    _last_drawn: tuple[str, NDArray[np.bool_]] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._knowledge = Knowledge(store=self.store, project=self.project, views=self.views)

    @property
    def _books(self) -> Bookkeeper:
        return Bookkeeper(project=self.project, recorder=self.recorder)

    # ------------------------------------------------------------------ the loop

    def advance(self) -> Progress:
        """Do what the machine can, until people are needed, the budget is spent or all is done."""
        steps: dict[str, Callable[[Pool], bool]] = {
            "learning": self._learn,
            "auditing": self._judge,
            "finishing": self._finish,
        }
        while True:
            pool = self.pool()
            if pool.phase == "closed" or self.store.queue_counts(self.project.id, pool.number).open:
                break
            self.on_progress(self.progress())
            try:
                if not steps[pool.phase](pool):
                    break
            except AnswersChanged:
                continue  # somebody took an answer back while this step was thinking
        self.store.checkpoint(self.project.id)
        return self.progress()

    def pool(self) -> Pool:
        """The newest pool: the one the loop works on."""
        return self.store.pools(self.project.id)[-1]

    def _learn(self, pool: Pool) -> bool:
        """Ask for what teaches most, or stop learning. False: the budget is spent."""
        if isinstance(self.project.policy, People):
            self.store.ask(
                self.project.id, pool.number, [], [], undone=pool.undone, phase="finishing"
            )
            return True
        if self.budget_left(pool) == 0 and len(self._undecided(pool)):
            # Freezing now would end learning for good, also for a run with a larger budget.
            return False
        state = self._state(pool)
        step = self.strategy.step(state, rng=self._rng(pool, len(state.asked)))
        if isinstance(step, Freeze):
            self._freeze(pool, state, step)
            return True
        left = self.budget_left(pool)
        chosen = step.positions if left is None else step.positions[:left]
        if len(chosen) == 0:
            return False
        books, view = self._books, self.views(pool)
        reasons: list[AskReason] = [step.reason for _ in chosen]
        self.store.ask(
            self.project.id,
            pool.number,
            books.requests(view, chosen, reasons, range(len(chosen))),
            [*books.fitted(pool, state, step), books.asked(pool, chosen, step.reason)],
            undone=pool.undone,
            round=books.round(pool, self._next_round(pool), len(state.asked), step),
        )
        return True

    def _next_round(self, pool: Pool) -> int:
        return len(self.store.rounds(self.project.id, pool.number)) + 1

    def _freeze(self, pool: Pool, state: PoolState, step: Freeze) -> None:
        policy = self.project.policy
        if isinstance(policy, Certified):
            self._commit(pool, state, step, policy)
        else:
            self._route(pool, state, step)

    def _route(self, pool: Pool, state: PoolState, step: Freeze) -> None:
        """A policy that promises nothing: decide what it lets through, people do the rest."""
        candidates = Candidates(
            codes=step.codes,
            confidence=step.confidence,
            people_only=~state.eligible[step.order],
        )
        self._decide_by_model(
            pool,
            items=step.order,
            codes=step.codes,
            confidence=step.confidence,
            chosen=self.project.policy.automatic(candidates),
            model=version_of(step),
            reason="confident",
            events=self._books.fitted(pool, state, step),
            round=self._books.round(pool, self._next_round(pool), len(state.asked), step),
        )

    def _commit(self, pool: Pool, state: PoolState, step: Freeze, policy: Certified) -> None:
        """Fix labels, order and test in the log, then draw the audit and open it."""
        admission = admit(
            state.slices[step.order], state.tests, step.audits, hopeless=step.forecast.review
        )
        order = step.order[admission.places]
        frozen = seal(
            "frozen",
            np.column_stack([np.arange(len(order)), order, admission.test_of]).astype(np.int64),
            frozen_rows(
                self.project.question.ids,
                step.codes[admission.places],
                step.confidence[admission.places],
            ),
            entropy=self.recorder.entropy,
        )
        attempt, window = 1, f"{pool.number}/1"
        seed = self._audit_seed(window)
        commitment = Commitment(
            pool=pool.number,
            attempt=attempt,
            window=window,
            items=pool.items,
            max_error=policy.max_error,
            errors=error_budget(policy.max_error, pool.items),
            alpha=policy.alpha,
            tests=admission.tests,
            process={**self._process(pool), "answers_per_item": 1},
            seed_commitment=seed_commitment(seed),
            seed_chosen_by="system" if self.seed is None else "operator",
            model=version_of(step),
            order=frozen.root,
            answered=len(state.asked),
            forced=int((~state.eligible).sum()),
        )
        heads = draw(admission.tests, admission.test_of, order, seed=seed, window=window)
        self._last_drawn = (frozen.root, heads)
        books = self._books
        body = {**commitment.to_json(), "batch": frozen.reference()}
        view = self.views(pool)
        items, reasons = audit_items(view, state, step, admission, order[heads])
        shuffled = self._rng(pool, len(state.asked), 1).permutation(len(items)).tolist()
        self.store.commit_audit(
            self.project.id,
            Audit(
                pool=pool.number,
                attempt=attempt,
                committed=body,
                seed=seed,
                seed_chosen_by=commitment.seed_chosen_by,
                tokens=books.tokens(step),
            ),
            frozen,
            books.requests(view, items, reasons, shuffled),
            [
                *books.fitted(pool, state, step),
                books.committed(body),
                books.asked(pool, items, "audit"),
            ],
            undone=pool.undone,
            round=books.round(pool, self._next_round(pool), len(state.asked), step),
        )

    def _process(self, pool: Pool) -> Json:
        """Who answered so far: as the project was begun while nobody has."""
        return process_of_answers(
            [review.reviewer for review in self.store.reviews(self.project, pool.number)],
            self.store.reviewer_sources(self.project.id),
            self.project.process,
        )

    def _audit_seed(self, window: str) -> bytes:
        if self.seed is None:
            return self.recorder.entropy(SEED_BYTES)
        return seed_from_number(self.seed, window)

    def _judge(self, pool: Pool) -> bool:
        """Seal the audit's verdicts, reveal the seed, and decide what stands.

        Nobody is left to ask: a verdict that is missing now, of an erased item, stays missing.
        """
        audit = self._audit(pool)
        judged = self._judgement(pool, audit)
        self._decide_by_model(
            pool,
            items=judged.items,
            codes=judged.codes,
            confidence=judged.confidence,
            chosen=judged.automatic & (judged.codes >= 0),
            model=str(audit.committed["model"]),
            reason="certified",
            events=self._books.judged(audit, judged),
            audit=replace(audit, results=judged.outcome.tests),
        )
        return True

    def _decide_by_model(
        self,
        pool: Pool,
        *,
        items: NDArray[np.int64],
        codes: NDArray[np.int64],
        confidence: NDArray[np.float64],
        chosen: NDArray[np.bool_],
        model: str,
        reason: str,
        events: list[NewEvent],
        audit: Audit | None = None,
        round: Round | None = None,
    ) -> None:
        batch = seal(
            "decisions",
            np.column_stack([items[chosen], np.full(int(chosen.sum()), BY_CODE["model"])]).astype(
                np.int64
            ),
            model_rows(
                self.project.question.ids,
                codes[chosen],
                confidence[chosen],
                reason=reason,
                model=model,
            ),
            entropy=self.recorder.entropy,
        )
        self.store.decide(
            self.project.id,
            pool.number,
            batch,
            [*events, self._books.decided(pool, batch, "model")],
            by="model",
            phase="finishing",
            undone=pool.undone,
            audit=audit,
            round=round,
        )

    def _finish(self, pool: Pool) -> bool:
        """Ask people the rest, a part at a time; close the pool when nothing is left."""
        rest = self._undecided(pool)
        if len(rest) == 0:
            self._close(pool)
            return True
        left = self.budget_left(pool)
        chunk = max(REVIEW_CHUNK, len(rest) // 4)
        chosen = rest[: chunk if left is None else min(chunk, left)]
        if len(chosen) == 0:
            return False
        view = self.views(pool)
        reasons = forced_reasons(view, chosen)
        self.store.ask(
            self.project.id,
            pool.number,
            self._books.requests(view, chosen, reasons, range(len(chosen))),
            [self._books.asked(pool, chosen, "review")],
            undone=pool.undone,
        )
        return True

    def _close(self, pool: Pool) -> None:
        """Record what people decided and issue the certificate."""
        books = self._books
        batch = self._people_decided(pool)
        events = [books.decided(pool, batch, "reviewers")]
        audit = self.store.audit(self.project.id, pool.number)
        if audit is not None:
            certificate = self.certificate(pool).to_json(checkpoint=False)
            audit = replace(audit, certificate=certificate)
            events.append(books.certified(audit, certificate))
        self.store.decide(
            self.project.id,
            pool.number,
            batch,
            [*events, books.closed(pool)],
            by="reviewers",
            phase="closed",
            undone=pool.undone,
            audit=audit,
        )

    def _people_decided(self, pool: Pool) -> Batch:
        names = self.store.reviewer_names(self.project.id)
        decisions = [
            by_people(review, review.answer, names)
            for review in self.store.reviews(self.project, pool.number)
            if review.answer is not None
        ]
        ints = np.array([[d.item, BY_CODE[d.by]] for d in decisions], dtype=np.int64)
        return seal(
            "decisions",
            ints.reshape(-1, 2),
            [decision.private() for decision in decisions],
            entropy=self.recorder.entropy,
        )

    # --------------------------------------------------------------------- state

    def _state(self, pool: Pool) -> PoolState:
        return self._knowledge.of(pool, budget=self.budget_left(pool))

    def _undecided(self, pool: Pool) -> NDArray[np.int64]:
        """Items nobody answered and no model decided, but for erased ones."""
        open_items = ~self.views(pool).erased
        for review in self.store.reviews(self.project, pool.number):
            open_items[review.item] = False
        if pool.model_root is not None:
            open_items[self._decided(pool.model_root)] = False
        return np.flatnonzero(open_items)

    def _decided(self, root: str) -> NDArray[np.int64]:
        """The items of a batch of decisions; the last one asked for is kept."""
        if self._last_decided is None or self._last_decided[0] != root:
            items = self.store.batch(self.project.id, "decisions", root).ints[:, 0].copy()
            self._last_decided = (root, items)
        return self._last_decided[1]

    def _audit(self, pool: Pool) -> Audit:
        audit = self.store.audit(self.project.id, pool.number)
        if audit is None:
            raise RuntimeError(f"pool {pool.number} is in its audit but has none")
        return audit

    def _judgement(self, pool: Pool, audit: Audit) -> Judgement:
        """What the audit says so far, from the frozen labels and people's answers."""
        if pool.frozen_root is None:
            raise RuntimeError(f"pool {pool.number} has no frozen order")
        commitment = Commitment.from_json(audit.committed)
        return judge(
            tests=commitment.tests,
            window=commitment.window,
            seed=audit.seed,
            frozen=self.store.batch(self.project.id, "frozen", pool.frozen_root),
            answers={r.item: r.answer for r in self.store.reviews(self.project, pool.number)},
            question=self.project.question,
            labels=self.project.question.ids,
            drawn=self._drawn(pool.frozen_root),
        )

    def _drawn(self, root: str) -> NDArray[np.bool_] | None:
        """The sample of these frozen labels, if this engine drew it."""
        known = self._last_drawn
        return known[1] if known is not None and known[0] == root else None

    def certificate(self, pool: Pool) -> Certificate:
        """The certificate of a judged audit as things stand: partial while items are undecided."""
        audit = self._audit(pool)
        commitment = Commitment.from_json(audit.committed)
        if audit.results is None:
            raise RuntimeError(f"the audit of pool {pool.number} is not judged")
        counts = self.store.queue_counts(self.project.id, pool.number)
        automatic = sum(result.automatic for result in audit.results)
        return issue(
            commitment,
            Outcome(stands=np.empty(0, dtype=np.bool_), tests=audit.results),
            rows=pool.rows,
            human=counts.answered,
            audited=sum(test.sample for test in commitment.tests),
            undecided=pool.items - counts.answered - automatic,
            skipped=counts.skipped,
            answered_before=counts.carried,
            answered_by=answered_by(
                [review.reviewer for review in self.store.reviews(self.project, pool.number)],
                self.store.reviewer_sources(self.project.id),
            ),
        )

    def budget_left(self, pool: Pool) -> int | None:
        """How many answers people may still give to a pool; None without a limit."""
        if self.budget is None:
            return None
        given = self.store.queue_counts(self.project.id, pool.number).given
        return max(0, self.budget - given)

    def _rng(self, pool: Pool, *salt: int) -> np.random.Generator:
        """Randomness of the strategy: repeatable, and never the audit's seed."""
        base = 0 if self.seed is None else self.seed
        return np.random.default_rng([base, pool.number, *salt])

    def progress(self) -> Progress:
        """Where the newest pool stands."""
        pool = self.pool()
        return progress_of(self.store, self.project, pool, budget_left=self.budget_left(pool))
