"""What a log tells, event by event: whether each fact can follow from those before it.

Signatures and hashes say that nothing was changed afterwards; this says that what was signed makes
sense: people before machines, commitments before coins, verdicts before seeds, and every number
of a certificate the one that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from signoff.audit.attempts import (
    Attempt,
    check_certificate,
    check_frozen,
    check_plan,
    check_shared,
    outcomes_of,
    reveal,
    seal,
)
from signoff.audit.people import PeopleHistory
from signoff.audit.pool_history import (
    NOBODY,
    Labels,
    PoolHistory,
    begin_pool,
    by_people,
    check_decided,
    isin,
)
from signoff.audit.streams import STREAM_EVENTS, StreamHistory
from signoff.core.canonical import Json, canonical_json
from signoff.core.decisions import BY_CODE
from signoff.core.event_types import check_body
from signoff.core.events import Event
from signoff.core.process import Source, answered_by, process_of_answers
from signoff.core.questions import Form, form_from_json
from signoff.core.records import overlap_of
from signoff.errors import InputError, VerificationFailed


@dataclass(slots=True, kw_only=True)
class History:
    """All that was told so far. Every method raises :class:`VerificationFailed` in plain words."""

    project: str
    public_key: str
    policy: Mapping[str, object] = field(default_factory=dict[str, object])
    form: Form | None = None
    process: Mapping[str, object] = field(default_factory=dict[str, object])
    begun: bool = False
    pools: list[PoolHistory] = field(default_factory=list[PoolHistory])
    reviewers: dict[str, Source] = field(default_factory=dict[str, Source])
    people: PeopleHistory = field(default_factory=PeopleHistory)
    seeds: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    certificates: list[Json] = field(default_factory=list[Json])
    stream: StreamHistory | None = None

    def tell(self, event: Event, content: Mapping[str, str]) -> None:
        """Take one event; ``content``: private values as JSON, where known."""
        try:
            check_body(event.type, event.body)
        except InputError as error:
            raise VerificationFailed(error.message, hint=error.hint) from error
        if event.project != self.project:
            _refuse(f"it is of project {event.project[:40]!r}, not {self.project[:40]!r}")
        if self.begun is (event.type == "project.created"):
            _refuse("a log begins with project.created, and has it once")
        told = self._tellers().get(event.type)
        if self.stream is not None and event.type != "reviewer.added":
            self.stream.tell(event, content)
        elif event.type in STREAM_EVENTS:
            _refuse(f"a project of pools has no {event.type}")
        elif told is not None:
            told(event, content)

    def tell_batch(self, event: Event, ints: NDArray[np.int64], labels: Labels) -> None:
        """Take the rows of the batch that an event names."""
        pool = self._pool(event.body)
        if event.type == "rows.added":
            begin_pool(pool, ints, self._questions().names)
        elif event.type == "audit.committed":
            self._freeze(pool, event.body, ints, labels)
        else:
            self._decide(pool, event.body, ints, labels)

    def end(self) -> list[str]:
        """What the end of the log leaves open, a sentence each."""
        notes: list[str] = [] if self.stream is None else self.stream.end()
        for pool in self.pools:
            for number, attempts in enumerate(pool.attempts, start=1):
                if not all(attempt.revealed for attempt in attempts.values()):
                    notes.append(
                        f"Pool {pool.number}, attempt {number}: the seed is not revealed yet, "
                        "so there is no certificate to check."
                    )
                elif not all(attempt.issued for attempt in attempts.values()):
                    notes.append(f"Pool {pool.number}, attempt {number}: no certificate yet.")
        return notes

    def _tellers(self) -> dict[str, Callable[[Event, Mapping[str, str]], None]]:
        """What each type of event changes; run.started and run.ended change nothing."""
        return {
            **self.people.tellers(self.reviewers.keys()),
            "project.created": self._create,
            "reviewer.added": self._add_reviewer,
            "rows.added": self._add_rows,
            "requests.opened": self._open_requests,
            "answer.given": self._answer,
            "answer.extra": self._extra,
            "answer.carried": self._carry,
            "answer.undone": self._undo,
            "answer.skipped": self._skip,
            "reviewer.tagged": self._about_reviewer,
            "request.assigned": self._assign,
            "request.expired": self._flag,
            "comment.added": self._comment,
            **dict.fromkeys(("gold.answered", "gold.skipped", "gold.said"), self._about_reviewer),
            "item.flagged": self._flag,
            "model.fitted": self._about_pool,
            "audit.committed": self._commit,
            "verdicts.sealed": self._seal,
            "seed.revealed": self._reveal,
            "decisions.made": self._about_pool,
            "certificate.issued": self._certify,
            "item.erased": self._erase,
            "pool.closed": self._close,
        }

    # ------------------------------------------------------------------ events

    def _create(self, event: Event, _: Mapping[str, str]) -> None:
        if event.body["public_key"] != self.public_key:
            _refuse("the project names another public key than the log is verified with")
        self.policy = cast("Json", event.body["policy"])
        self.process = cast("Json", event.body["process"])
        try:
            self.form = form_from_json(event.body["form"])
        except InputError as error:
            raise VerificationFailed(error.message, hint=error.hint) from error
        self.begun = True
        if event.body["kind"] == "stream":
            self.stream = StreamHistory.begin(
                dict(event.body),
                self.form,
                reviewers=self.reviewers,
                seeds=self.seeds,
                certificates=self.certificates,
            )

    def _questions(self) -> Form:
        if self.form is None:
            _refuse("the log does not say what is asked")
        return self.form

    def _question(self, body: Mapping[str, object]) -> str:
        """The question an event is about, which must be one of the project's."""
        name = str(body["question"])
        if name not in self._questions().names:
            _refuse(f"it is about question {name[:40]!r}, which the project does not ask")
        return name

    def _add_reviewer(self, event: Event, _: Mapping[str, str]) -> None:
        body = event.body
        source = Source.of(str(body["kind"]), str(body.get("name", "")))
        self.reviewers[str(body["reviewer"])] = source

    def _add_rows(self, event: Event, _: Mapping[str, str]) -> None:
        number, rows, items = (_int(event.body, name) for name in ("pool", "rows", "items"))
        batch = cast("Json", event.body["batch"])
        if number != len(self.pools) + 1:
            _refuse(f"pool {number} is added after {len(self.pools)} pools")
        if batch["count"] != rows or items > rows:
            _refuse(f"pool {number} has {rows} rows of {items} items, its batch {batch['count']}")
        form, overlap = self._questions(), overlap_of(self.process)
        self.pools.append(
            PoolHistory(number=number, rows=rows, items=items, form=form, overlap=overlap)
        )

    def _open_requests(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        for item in cast("list[int]", event.body["items"]):
            pool.check_item(item)

    def _said(self, event: Event) -> tuple[PoolHistory, int]:
        """The item for which a known reviewer answered the project's form."""
        pool, item = self._item(event.body)
        if str(event.body["reviewer"]) not in self.reviewers:
            _refuse(f"item {item} is answered by a reviewer the log does not know")
        if event.body["questions"] != self._questions().versions:
            _refuse(f"item {item} is answered to other questions than the project asks")
        return pool, item

    def _extra(self, event: Event, _: Mapping[str, str]) -> None:
        """An answer beside those that count changes nothing."""
        pool, item = self._said(event)
        twice = str(event.body["reviewer"]) in pool.given.get(item, {})
        if not twice and item not in pool.answers:
            _refuse(f"an answer to item {item}, which needs it, does not count")

    def _answer(self, event: Event, content: Mapping[str, str]) -> None:
        pool, item = self._said(event)
        if item in pool.answers and (pool.overlap == 1 or pool.answers[item]):
            _refuse(f"item {item} is answered though it has all the answers it needs")
        pool.take(item, event, content.get("answers"))

    def _carry(self, event: Event, content: Mapping[str, str]) -> None:
        """Answers of an earlier pool, which must stand there, are those of an equal item here."""
        pool, item = self._said(event)
        earlier = self.pools[: pool.number - 1]
        if pool.attempts or not all(before.closed for before in earlier):
            _refuse(f"item {item} is answered from an earlier pool at the wrong time")
        for before in earlier:
            equal = before.item_of(str(event.body["answer"]))
            if equal is not None:
                pool.carry(item, event, content.get("answers"), before=before, equal=equal)
                return
        _refuse(f"item {item} is answered from an earlier pool that has no such answer")

    def _undo(self, event: Event, _: Mapping[str, str]) -> None:
        pool, item = self._item(event.body)
        given = pool.given.get(item, {})
        reviewer = next(
            (r for r, each in given.items() if each.event == event.body["answer"]), None
        )
        if reviewer is None:
            _refuse(f"an answer to item {item} is undone that does not stand")
        attempts = [attempt for group in pool.attempts for attempt in group.values()]
        if any(attempt.sealed is not None and item in attempt.sealed for attempt in attempts):
            _refuse(f"the answer to item {item} is undone after its verdict was sealed")
        decided = any(decided[item] != NOBODY for decided in pool.decided.values())
        if decided or item in pool.carried:
            _refuse(f"the answer to item {item} is undone after it was decided")
        pool.drop(item, reviewer)

    def _skip(self, event: Event, _: Mapping[str, str]) -> None:
        pool, _item = self._item(event.body)
        pool.skipped += 1

    def _flag(self, event: Event, _: Mapping[str, str]) -> None:
        self._item(event.body)

    def _about_reviewer(self, event: Event, _: Mapping[str, str]) -> None:
        self._known(str(event.body["reviewer"]))

    def _assign(self, event: Event, _: Mapping[str, str]) -> None:
        self._item(event.body)
        for reviewer in cast("list[str]", event.body["people"]):
            self._known(reviewer)

    def _comment(self, event: Event, _: Mapping[str, str]) -> None:
        self._item(event.body)
        self._known(str(event.body["reviewer"]))

    def _known(self, reviewer: str) -> None:
        if reviewer not in self.reviewers:
            _refuse(f"it speaks of a reviewer the log does not know ({reviewer[:40]})")

    def _about_pool(self, event: Event, _: Mapping[str, str]) -> None:
        self._pool(event.body)

    def _commit(self, event: Event, _: Mapping[str, str]) -> None:
        """The rest follows with the batch: see :meth:`_freeze`."""
        pool = self._pool(event.body)
        body, number = event.body, _int(event.body, "attempt")
        name = self._question(body)
        begun = pool.attempts[-1] if pool.attempts and number == len(pool.attempts) else {}
        if not (number == len(pool.attempts) + 1 or (begun and name not in begun)):
            _refuse(f"attempt {number} of pool {pool.number} follows {len(pool.attempts)}")
        if any(attempt.sealed is not None for attempt in begun.values()):
            _refuse(f"question {name[:40]!r} joins attempt {number} after verdicts were sealed")
        if pool.anything_decided():
            _refuse(f"pool {pool.number} is audited after items were decided")
        if self.policy.get("kind") != "certified":
            _refuse("the project promises no certificate, yet an audit is committed to")
        pool.check_carried(self.pools)
        process = process_of_answers(pool.by, self.reviewers, self.process)
        committed = cast("Json", body["process"])
        if any(committed.get(part) != value for part, value in process.items()):
            _refuse(f"the audit names another human process than {canonical_json(process)!r}")
        for name in ("max_error", "certainty"):
            if not _same_number(body[name], self.policy.get(name)):
                _refuse(f"the audit's {name} {body[name]} is not the project's")
        earlier = [group[name] for group in pool.attempts if name in group]
        spent = sum((attempt.committed.alpha for attempt in earlier), Decimal(0))
        if spent + Decimal(str(body["alpha"])) + Decimal(str(body["certainty"])) > 1:
            _refuse(f"attempt {number} of pool {pool.number} spends alpha that is spent already")

    def _seal(self, event: Event, _: Mapping[str, str]) -> None:
        pool, name = self._pool(event.body), self._question(event.body)
        verdicts = cast("list[tuple[int, str]]", event.body["verdicts"])
        seal(
            pool.attempt(_int(event.body, "attempt"), name),
            [(item, verdict == "right") for item, verdict in verdicts],
            answers=pool.answers_to(name),
            erased=pool.erased,
        )

    def _reveal(self, event: Event, _: Mapping[str, str]) -> None:
        pool, seed = self._pool(event.body), str(event.body["seed"])
        number, name = _int(event.body, "attempt"), self._question(event.body)
        if self.seeds.setdefault(seed, (pool.number, number)) != (pool.number, number):
            _refuse("a seed is used a second time")
        attempt = pool.attempt(number, name)
        if any(other.sealed is None for other in pool.attempts[-1].values()):
            _refuse("the seed is revealed before the verdicts are sealed")
        reveal(attempt, bytes.fromhex(seed))

    def _certify(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        certificate = cast("Json", event.body["certificate"])
        name = self._question(event.body)
        attempt = pool.attempt(_int(event.body, "attempt"), name)
        if not all(each.revealed for each in pool.attempts[-1].values()):
            _refuse("a certificate is issued before the seed is revealed")
        check_certificate(
            attempt,
            outcomes_of(pool.attempts[-1], answered=pool.answers.keys())[name],
            certificate,
            rows=pool.rows,
            skipped=pool.skipped,
            answered=pool.answers.keys(),
            answered_before=len(pool.carried),
            by=answered_by(pool.by, self.reviewers),
        )
        check_decided(pool, name)
        self.certificates.append(certificate)

    def _erase(self, event: Event, _: Mapping[str, str]) -> None:
        pool, item = self._item(event.body)
        if any(row >= pool.rows for row in cast("list[int]", event.body["rows"])):
            _refuse(f"item {item} is erased with rows that pool {pool.number} has not")
        pool.erased.add(item)

    def _close(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        pool.check_carried(self.pools)
        undecided = max(int(np.sum(decided == NOBODY)) for decided in pool.decided.values())
        missing = undecided - _int(event.body, "undecided")
        if not 0 <= missing <= len(pool.erased):
            _refuse(
                f"pool {pool.number} is closed with {event.body['undecided']} undecided items, "
                f"recomputed {undecided}"
            )
        pool.closed = True

    # ----------------------------------------------------------------- batches

    def _freeze(
        self, pool: PoolHistory, body: Mapping[str, object], ints: NDArray[np.int64], labels: Labels
    ) -> None:
        committed = check_plan(body, project=self.project, items=pool.items)
        if committed.answered + len(ints) > pool.items:
            _refuse(f"{committed.answered} items were answered and {len(ints)} admitted")
        for how in ("answers_per_item", "joined"):
            if committed.process.get(how, 1) != self.process.get(how, 1):
                _refuse(f"the audit's human process has another {how} than the project began with")
        begun = [item for item, given in pool.given.items() if given]
        check_frozen(committed.tests, ints, items=pool.items, answered=begun)
        attempt = Attempt(
            committed=committed,
            question=self._questions().question(self._question(body)),
            items=ints[:, 1],
            test_of=ints[:, 2],
            labels=labels,
        )
        if committed.attempt > len(pool.attempts):
            pool.attempts.append({})
        for other in pool.attempts[-1].values():
            check_shared(attempt, other)
        pool.attempts[-1][committed.question] = attempt

    def _decide(
        self, pool: PoolHistory, body: Mapping[str, object], ints: NDArray[np.int64], labels: Labels
    ) -> None:
        by, items, name = str(body["by"]), ints[:, 0], self._question(body)
        code = BY_CODE["model"] if by == "model" else BY_CODE["reviewers"]
        if (ints[:, 1] != code).any():
            _refuse(f"a decision of a batch by {by} is by someone else")
        if len(items) and int(items.max()) >= pool.items:
            pool.check_item(int(items.max()))
        known = pool.decided[name][items] != NOBODY
        if known.any() or len(np.unique(items)) != len(items):
            which = items[known] if known.any() else items
            _refuse(f"an item is decided twice (item {int(which[0])} or one after it)")
        expected = (
            self._by_model(pool, items, name) if by == "model" else by_people(pool, items, name)
        )
        for item, label, other in zip(items.tolist(), labels, expected, strict=bool(labels)):
            if label is not None and other is not None and label != other:
                _refuse(f"item {item} is decided as {label[:40]}, not as {other[:40]}")
        pool.decided[name][items] = code

    def _by_model(self, pool: PoolHistory, items: NDArray[np.int64], question: str) -> Labels:
        """The labels these items may get from the model; refuses items it may not decide."""
        people = items[isin(items, list(pool.answers))]
        if len(people):
            _refuse(f"item {int(people[0])} is decided by the model though a person answered it")
        kind = self.policy.get("kind")
        if kind == "threshold":
            return [None] * len(items)
        if kind != "certified" or not pool.attempts:
            _refuse("the model decides items though no audit was committed to")
        attempt = pool.attempt(len(pool.attempts), question)
        if not all(each.revealed for each in pool.attempts[-1].values()):
            _refuse("the model decides items before the seed is revealed")
        loose = items[~np.isin(items, pool.standing())]
        if len(loose):
            _refuse(f"item {int(loose[0])} is decided by the model but its label does not stand")
        labels = attempt.admitted()
        return [labels[item] for item in items.tolist()]

    # ------------------------------------------------------------------- state

    def _pool(self, body: Mapping[str, object]) -> PoolHistory:
        number = _int(body, "pool")
        if not 1 <= number <= len(self.pools):
            _refuse(f"pool {number} is not in the log")
        return self.pools[number - 1]

    def _item(self, body: Mapping[str, object]) -> tuple[PoolHistory, int]:
        pool = self._pool(body)
        return pool, pool.check_item(_int(body, "item"))


def _int(body: Mapping[str, object], name: str) -> int:
    """A field that ``check_body`` knows to be a whole number."""
    return cast("int", body[name])


def _same_number(a: object, b: object) -> bool:
    try:
        return Decimal(str(a)) == Decimal(str(b))
    except ArithmeticError:
        return False


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
