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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import admit, draw
from signoff.core.batches import Batch
from signoff.core.certification import error_budget
from signoff.core.coins import SEED_BYTES, seed_commitment, seed_from_number
from signoff.core.commitment import Commitment
from signoff.core.records import Audit, NewEvent, Pool, Project, Round
from signoff.core.routing import Candidates, Certified, People
from signoff.errors import AnswersChanged
from signoff.loop.asking import audit_items, forced_reasons
from signoff.loop.bookkeeping import Bookkeeper, Steps, people_batch, version_of
from signoff.loop.certifying import Certifier, Drawn
from signoff.loop.hinting import Hinter
from signoff.loop.joint import Decided, Frozen, asked_by, frozen_batches
from signoff.loop.knowledge import Knowledge
from signoff.loop.progress import progress_of
from signoff.loop.recorder import Recorder
from signoff.ports import Ask, Automation, Freeze, PoolState, PoolView, Progress, Store

REVIEW_CHUNK = 500
"""How many requests of the rest are opened at a time, at least."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """The loop over one project's pools.

    ``automations``: how a machine answers each question of the form; none where people answer
    everything. ``views`` gives a pool's items. ``budget`` is how many answers people may give to
    the newest pool (None: no limit). ``seed`` makes a run repeatable; a seed that an operator
    chose is printed on the certificate.
    """

    store: Store
    project: Project
    automations: Mapping[str, Automation]
    views: Callable[[Pool], PoolView]
    recorder: Recorder
    budget: int | None = None
    seed: int | None = None
    on_progress: Callable[[Progress], None] = field(default=lambda _: None)
    _knowledge: Knowledge = field(init=False)
    _last_decided: tuple[str, NDArray[np.int64]] | None = field(default=None, init=False)
    _last_drawn: Drawn | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._knowledge = Knowledge(
            store=self.store,
            project=self.project,
            views=self.views,
            codes={name: each.codes for name, each in self.automations.items()},
        )

    @property
    def _books(self) -> Bookkeeper:
        return Bookkeeper(project=self.project, recorder=self.recorder)

    @property
    def _hinter(self) -> Hinter:
        return Hinter(
            store=self.store,
            project=self.project,
            automations=self.automations,
            knowledge=self._knowledge,
        )

    @property
    def _certifier(self) -> Certifier:
        return Certifier(store=self.store, project=self.project)

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
        left = self.budget_left(pool)
        budget = None if left is None else self._items_for(left)
        states = self._knowledge.of(pool, budget=budget)
        steps = self._steps(pool, states)
        asks = [step for step in steps.values() if isinstance(step, Ask)]
        if asks:
            return self._ask(pool, states, steps, asks)
        self._freeze(pool, states, {n: s for n, s in steps.items() if isinstance(s, Freeze)})
        return True

    def _steps(self, pool: Pool, states: Mapping[str, PoolState]) -> dict[str, Ask | Freeze]:
        """What each question's strategy wants next; learning ends when all want to freeze."""
        steps: dict[str, Ask | Freeze] = {}
        for place, (name, state) in enumerate(states.items()):
            rng = self._rng(pool, len(state.asked), *([1 + place] if place else []))
            steps[name] = self.automations[name].strategy.step(state, rng=rng)
        return steps

    def _ask(
        self, pool: Pool, states: Mapping[str, PoolState], steps: Steps, asks: Sequence[Ask]
    ) -> bool:
        positions, reasons = asked_by(asks)
        left = self.budget_left(pool)
        chosen = positions if left is None else positions[: self._items_for(left)]
        if len(chosen) == 0:
            return False
        books = self._books
        self.store.ask(
            self.project.id,
            pool.number,
            books.requests(
                self.views(pool),
                chosen,
                reasons,
                range(len(chosen)),
                self._hinter.hints(pool, chosen),
            ),
            [*books.fitted(pool, states, steps), *books.asked_why(pool, chosen, reasons)],
            undone=pool.undone,
            round=self._round(pool, states, steps),
        )
        return True

    def _round(self, pool: Pool, states: Mapping[str, PoolState], steps: Steps) -> Round:
        number = len(self.store.rounds(self.project.id, pool.number)) + 1
        return self._books.round(pool, number, _answered(states), steps)

    def _freeze(
        self, pool: Pool, states: Mapping[str, PoolState], steps: Mapping[str, Freeze]
    ) -> None:
        policy = self.project.policy
        frozen = Frozen.of(steps, self.views(pool).slices)
        if isinstance(policy, Certified):
            self._commit(pool, states, steps, frozen, policy)
        else:
            self._route(pool, states, steps, frozen)

    def _route(
        self,
        pool: Pool,
        states: Mapping[str, PoolState],
        steps: Mapping[str, Freeze],
        frozen: Frozen,
    ) -> None:
        """A policy that promises nothing: decide what it lets through, people do the rest."""
        chosen = np.ones(len(frozen.order), dtype=np.bool_)
        for name, state in states.items():
            candidates = Candidates(
                codes=frozen.codes[name],
                confidence=frozen.confidence[name],
                people_only=~state.eligible[frozen.order],
            )
            chosen &= self.project.policy.automatic(candidates)
        decided = {
            name: Decided(
                values=self.automations[name].codes.values,
                codes=frozen.codes[name],
                confidence=frozen.confidence[name],
                model=version_of(step),
            )
            for name, step in steps.items()
        }
        self._decide_by_model(
            pool,
            items=frozen.order,
            decided=decided,
            chosen=chosen,
            reason="confident",
            events=[
                *self._books.fitted(pool, states, steps),
                *self._books.silent(pool, states, steps),
            ],
            round=self._round(pool, states, steps),
        )

    def _commit(
        self,
        pool: Pool,
        states: Mapping[str, PoolState],
        steps: Mapping[str, Freeze],
        frozen: Frozen,
        policy: Certified,
    ) -> None:
        """Fix labels, order and test in the log, then draw the audit and open it.

        All questions share the frozen items, their order and the sample: one seed draws it.
        """
        state, view = next(iter(states.values())), self.views(pool)
        admission = admit(
            view.slices[frozen.order],
            state.tests,
            frozen.audits,
            hopeless=frozen.forecast.review,
        )
        order = frozen.order[admission.places]
        attempt, window = 1, f"{pool.number}/1"
        seed = self._audit_seed(window)
        batches = frozen_batches(frozen, admission, self.automations, self.recorder.entropy)
        audits = self._books.audits(
            Commitment(
                pool=pool.number,
                attempt=attempt,
                window=window,
                items=pool.items,
                max_error=policy.max_error,
                errors=error_budget(policy.max_error, pool.items),
                alpha=policy.alpha,
                tests=admission.tests,
                process=self._certifier.process(pool),
                seed_commitment=seed_commitment(seed),
                seed_chosen_by="system" if self.seed is None else "operator",
                model="",
                order="",
                answered=_answered(states),
                forced=int((~state.eligible).sum()),
            ),
            batches,
            steps,
            seed,
        )
        heads = draw(admission.tests, admission.test_of, order, seed=seed, window=window)
        self._last_drawn = (seed, heads)
        books = self._books
        items, reasons = audit_items(view, state, frozen.order, admission, order[heads])
        shuffled = self._rng(pool, len(state.asked), 1).permutation(len(items)).tolist()
        self.store.commit_audit(
            self.project.id,
            audits,
            batches,
            books.requests(view, items, reasons, shuffled, self._hinter.hints(pool, items)),
            [
                *books.fitted(pool, states, steps),
                *books.silent(pool, states, steps),
                *(books.committed(audit.committed) for audit in audits),
                books.asked(pool, items, "audit"),
            ],
            undone=pool.undone,
            round=self._round(pool, states, steps),
        )

    def _audit_seed(self, window: str) -> bytes:
        if self.seed is None:
            return self.recorder.entropy(SEED_BYTES)
        return seed_from_number(self.seed, window)

    def _judge(self, pool: Pool) -> bool:
        """Seal the audit's verdicts, reveal the seed, and decide what stands.

        Nobody is left to ask: a verdict that is missing now, of an erased item, stays missing.
        """
        audits = self._certifier.audits(pool)
        judged = self._certifier.judgements(pool, audits, drawn=self._last_drawn)
        first = next(iter(judged.values()))
        known = np.logical_and.reduce([each.codes >= 0 for each in judged.values()])
        decided = {
            name: Decided(
                values=each.values,
                codes=each.codes,
                confidence=each.confidence,
                model=str(audits[name].committed["model"]),
            )
            for name, each in judged.items()
        }
        self._decide_by_model(
            pool,
            items=first.items,
            decided=decided,
            chosen=first.automatic & known,
            reason="certified",
            events=self._books.judged(audits, judged),
            audits=[
                replace(audit, results=judged[name].outcome.tests) for name, audit in audits.items()
            ],
        )
        return True

    def _decide_by_model(
        self,
        pool: Pool,
        *,
        items: NDArray[np.int64],
        decided: Mapping[str, Decided],
        chosen: NDArray[np.bool_],
        reason: str,
        events: list[NewEvent],
        audits: Sequence[Audit] = (),
        round: Round | None = None,
    ) -> None:
        batches = {
            name: each.batch(items, chosen, reason=reason, entropy=self.recorder.entropy)
            for name, each in decided.items()
        }
        self.store.decide(
            self.project.id,
            pool.number,
            batches,
            [*events, *self._books.decided(pool, batches, "model")],
            by="model",
            phase="finishing",
            undone=pool.undone,
            audits=audits,
            round=round,
        )
        first = next(iter(batches.values()))
        self._last_decided = (first.root, items[chosen])

    def _finish(self, pool: Pool) -> bool:
        """Ask people the rest, a part at a time; close the pool when nothing is left."""
        rest = self._undecided(pool)
        if len(rest) == 0:
            self._close(pool)
            return True
        left = self.budget_left(pool)
        chunk = REVIEW_CHUNK if self._hinter.wanted else max(REVIEW_CHUNK, len(rest) // 4)
        chosen = rest[: chunk if left is None else min(chunk, self._items_for(left))]
        if len(chosen) == 0:
            return False
        view = self.views(pool)
        reasons = forced_reasons(view, chosen)
        self.store.ask(
            self.project.id,
            pool.number,
            self._books.requests(
                view, chosen, reasons, range(len(chosen)), self._hinter.hints(pool, chosen)
            ),
            [self._books.asked(pool, chosen, "review")],
            undone=pool.undone,
        )
        return True

    def _close(self, pool: Pool) -> None:
        """Record what people decided and issue the certificate of each question."""
        books = self._books
        batches = self._people_decided(pool)
        events = books.decided(pool, batches, "reviewers")
        audits: list[Audit] = []
        for name, audit in self.store.audits(self.project.id, pool.number).items():
            certificate = self._certifier.certificates(pool)[name].to_json(checkpoint=False)
            audits.append(replace(audit, certificate=certificate))
            events.append(books.certified(audit, certificate))
        self.store.decide(
            self.project.id,
            pool.number,
            batches,
            [*events, books.closed(pool)],
            by="reviewers",
            phase="closed",
            undone=pool.undone,
            audits=audits,
        )

    def _people_decided(self, pool: Pool) -> dict[str, Batch]:
        answered = self._certifier.answered(pool)
        return {
            question: people_batch(answered, question, entropy=self.recorder.entropy)
            for question in self.project.form.names
        }

    # --------------------------------------------------------------------- state

    def _undecided(self, pool: Pool) -> NDArray[np.int64]:
        """Items without people's answer that no model decided, but for erased ones."""
        open_items = ~self.views(pool).erased
        for each in self._certifier.answered(pool):
            open_items[each.item] = False
        for root in list(pool.model_roots.values())[:1]:  # the same items for every question
            open_items[self._decided(root)] = False
        return np.flatnonzero(open_items)

    def _decided(self, root: str) -> NDArray[np.int64]:
        """The items of a batch of decisions; those of the last one are kept."""
        if self._last_decided is None or self._last_decided[0] != root:
            items = self.store.batch(self.project.id, "decisions", root).ints[:, 0].copy()
            self._last_decided = (root, items)
        return self._last_decided[1]

    def budget_left(self, pool: Pool) -> int | None:
        """How many answers people may still give to a pool; None without a limit."""
        if self.budget is None:
            return None
        given = self.store.queue_counts(self.project.id, pool.number).answers
        return max(0, self.budget - given)

    def _items_for(self, answers: int) -> int:
        """How many items so many answers are enough for."""
        return -(-answers // self.project.overlap)

    def _rng(self, pool: Pool, *salt: int) -> np.random.Generator:
        """Randomness of the strategy: repeatable, and never the audit's seed."""
        base = 0 if self.seed is None else self.seed
        return np.random.default_rng([base, pool.number, *salt])

    def progress(self) -> Progress:
        """Where the newest pool stands."""
        pool = self.pool()
        return progress_of(self.store, self.project, pool, budget_left=self.budget_left(pool))


def _answered(states: Mapping[str, PoolState]) -> int:
    """How many items people answered: for all questions at once."""
    return len(next(iter(states.values())).asked)
