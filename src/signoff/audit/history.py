"""What a log tells, event by event: whether each fact can follow from those before it.

Signatures and hashes say that nothing was changed afterwards; this says that what was signed makes
sense: people before machines, commitments before coins, verdicts before seeds, and every number
of a certificate the one that follows.
"""

from __future__ import annotations

import json
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
    reveal,
    seal,
)
from signoff.audit.pools import NOBODY, Labels, PoolHistory, isin
from signoff.core.decisions import BY_CODE
from signoff.core.events import Event, Json, canonical_json, check_body, is_object
from signoff.core.process import Source, answered_by, process_of_answers
from signoff.errors import InputError, VerificationFailed

_DECODER = json.JSONDecoder()


@dataclass(slots=True, kw_only=True)
class History:
    """All that was told so far. Every method raises :class:`VerificationFailed` in plain words."""

    project: str
    public_key: str
    policy: Mapping[str, object] = field(default_factory=dict[str, object])
    question: str = ""
    begun: bool = False
    pools: list[PoolHistory] = field(default_factory=list[PoolHistory])
    process: Mapping[str, object] = field(default_factory=dict[str, object])
    reviewers: dict[str, Source] = field(default_factory=dict[str, Source])
    seeds: set[str] = field(default_factory=set[str])
    certificates: list[Json] = field(default_factory=list[Json])

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
        if told is not None:
            told(event, content)

    def tell_batch(self, event: Event, ints: NDArray[np.int64], labels: Labels) -> None:
        """Take the rows of the batch that an event names."""
        pool = self._pool(event.body)
        if event.type == "rows.added":
            pool.begin(ints)
        elif event.type == "audit.committed":
            self._freeze(pool, event.body, ints, labels)
        else:
            self._decide(pool, event.body, ints, labels)

    def end(self) -> list[str]:
        """What the end of the log leaves open, a sentence each."""
        notes: list[str] = []
        for pool in self.pools:
            for number, attempt in enumerate(pool.attempts, start=1):
                if not attempt.revealed:
                    notes.append(
                        f"Pool {pool.number}, attempt {number}: the seed is not revealed yet, "
                        "so there is no certificate to check."
                    )
                elif not attempt.issued:
                    notes.append(f"Pool {pool.number}, attempt {number}: no certificate yet.")
        return notes

    def _tellers(self) -> dict[str, Callable[[Event, Mapping[str, str]], None]]:
        """What each type of event changes; run.started and run.ended change nothing."""
        return {
            "project.created": self._create,
            "reviewer.added": self._add_reviewer,
            "rows.added": self._add_rows,
            "requests.opened": self._open_requests,
            "answer.given": self._answer,
            "answer.extra": self._extra,
            "answer.carried": self._carry,
            "answer.undone": self._undo,
            "answer.skipped": self._skip,
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
        question = cast("Json", event.body["question"])
        self.policy = cast("Json", event.body["policy"])
        self.process = cast("Json", event.body["process"])
        self.question = str(question.get("name", ""))
        self.begun = True

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
        self.pools.append(PoolHistory(number=number, rows=rows, items=items))

    def _open_requests(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        for item in cast("list[int]", event.body["items"]):
            pool.check_item(item)

    def _said(self, event: Event) -> tuple[PoolHistory, int]:
        """The item that a known reviewer answered to the project's question."""
        pool, item = self._item(event.body)
        if str(event.body["reviewer"]) not in self.reviewers:
            _refuse(f"item {item} is answered by a reviewer the log does not know")
        if event.body["question"] != self.question:
            _refuse(f"item {item} is answered to another question than the project asks")
        return pool, item

    def _extra(self, event: Event, _: Mapping[str, str]) -> None:
        """An answer beside the one that counts changes nothing."""
        pool, item = self._said(event)
        if item not in pool.answers:
            _refuse(f"the only answer to item {item} does not count")

    def _answer(self, event: Event, content: Mapping[str, str]) -> None:
        pool, item = self._said(event)
        pool.take(item, event, answer_json(content["answer"]) if "answer" in content else None)

    def _carry(self, event: Event, content: Mapping[str, str]) -> None:
        """An answer of an earlier pool, which must stand there, is that of an equal item here."""
        pool, item = self._said(event)
        if pool.attempts or not all(earlier.closed for earlier in self.pools[: pool.number - 1]):
            _refuse(f"item {item} is answered from an earlier pool at the wrong time")
        found = self._earlier(pool, str(event.body["answer"]))
        if found is None:
            _refuse(f"item {item} is answered from an earlier pool that has no such answer")
        before, equal = found
        if before.by[equal] != event.body["reviewer"] or equal in before.erased:
            _refuse(f"item {item} is answered by someone else than the equal item before")
        known = before.answers[equal]
        answer = answer_json(content["answer"]) if "answer" in content else None
        if known is not None and answer is not None and known != answer:
            _refuse(f"item {item} is answered {answer[:40]}, the equal item before {known[:40]}")
        pool.take(item, event, answer)
        pool.carried.add(item)

    def _earlier(self, pool: PoolHistory, answer: str) -> tuple[PoolHistory, int] | None:
        """The earlier pool and the item for which this answer stands."""
        for before in self.pools[: pool.number - 1]:
            item = before.standing(answer)
            if item is not None:
                return before, item
        return None

    def _undo(self, event: Event, _: Mapping[str, str]) -> None:
        pool, item = self._item(event.body)
        if pool.given.get(item) != event.body["answer"]:
            _refuse(f"an answer to item {item} is undone that does not stand")
        if any(attempt.sealed is not None and item in attempt.sealed for attempt in pool.attempts):
            _refuse(f"the answer to item {item} is undone after its verdict was sealed")
        if pool.decided[item] != NOBODY or item in pool.carried:
            _refuse(f"the answer to item {item} is undone after it was decided")
        del pool.answers[item], pool.given[item], pool.by[item]

    def _skip(self, event: Event, _: Mapping[str, str]) -> None:
        pool, _item = self._item(event.body)
        pool.skipped += 1

    def _flag(self, event: Event, _: Mapping[str, str]) -> None:
        self._item(event.body)

    def _about_pool(self, event: Event, _: Mapping[str, str]) -> None:
        self._pool(event.body)

    def _commit(self, event: Event, _: Mapping[str, str]) -> None:
        """The rest follows with the batch: see :meth:`_freeze`."""
        pool = self._pool(event.body)
        body, number = event.body, _int(event.body, "attempt")
        if number != len(pool.attempts) + 1:
            _refuse(f"attempt {number} of pool {pool.number} follows {len(pool.attempts)}")
        if (pool.decided != NOBODY).any():
            _refuse(f"pool {pool.number} is audited after items were decided")
        if self.policy.get("kind") != "certified":
            _refuse("the project promises no certificate, yet an audit is committed to")
        process = process_of_answers(pool.by.values(), self.reviewers, self.process)
        committed = cast("Json", body["process"])
        if any(committed.get(name) != value for name, value in process.items()):
            _refuse(f"the audit names another human process than {canonical_json(process)!r}")
        for name in ("max_error", "certainty"):
            if not _same_number(body[name], self.policy.get(name)):
                _refuse(f"the audit's {name} {body[name]} is not the project's")
        spent = sum((attempt.committed.alpha for attempt in pool.attempts), Decimal(0))
        if spent + Decimal(str(body["alpha"])) + Decimal(str(body["certainty"])) > 1:
            _refuse(f"attempt {number} of pool {pool.number} spends alpha that is spent already")

    def _seal(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        verdicts = cast("list[tuple[int, str]]", event.body["verdicts"])
        seal(
            pool.attempt(_int(event.body, "attempt")),
            [(item, verdict == "right") for item, verdict in verdicts],
            answers=pool.answers,
            erased=pool.erased,
        )

    def _reveal(self, event: Event, _: Mapping[str, str]) -> None:
        pool, seed = self._pool(event.body), str(event.body["seed"])
        if seed in self.seeds:
            _refuse("a seed is used a second time")
        self.seeds.add(seed)
        reveal(pool.attempt(_int(event.body, "attempt")), bytes.fromhex(seed))

    def _certify(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        certificate = cast("Json", event.body["certificate"])
        attempt = pool.attempt(_int(event.body, "attempt"))
        check_certificate(
            attempt,
            certificate,
            rows=pool.rows,
            skipped=pool.skipped,
            answered=pool.answers.keys(),
            answered_before=len(pool.carried),
            by=answered_by(list(pool.by.values()), self.reviewers),
        )
        pool.check_decided(attempt)
        self.certificates.append(certificate)

    def _erase(self, event: Event, _: Mapping[str, str]) -> None:
        pool, item = self._item(event.body)
        if any(row >= pool.rows for row in cast("list[int]", event.body["rows"])):
            _refuse(f"item {item} is erased with rows that pool {pool.number} has not")
        pool.erased.add(item)

    def _close(self, event: Event, _: Mapping[str, str]) -> None:
        pool = self._pool(event.body)
        undecided = int(np.sum(pool.decided == NOBODY))
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
        check_frozen(committed.tests, ints, items=pool.items, answered=pool.answers.keys())
        pool.attempts.append(
            Attempt(committed=committed, items=ints[:, 1], test_of=ints[:, 2], labels=labels)
        )

    def _decide(
        self, pool: PoolHistory, body: Mapping[str, object], ints: NDArray[np.int64], labels: Labels
    ) -> None:
        by, items = str(body["by"]), ints[:, 0]
        code = BY_CODE["model"] if by == "model" else BY_CODE["reviewers"]
        if (ints[:, 1] != code).any():
            _refuse(f"a decision of a batch by {by} is by someone else")
        if len(items) and int(items.max()) >= pool.items:
            pool.check_item(int(items.max()))
        known = pool.decided[items] != NOBODY
        if known.any() or len(np.unique(items)) != len(items):
            which = items[known] if known.any() else items
            _refuse(f"an item is decided twice (item {int(which[0])} or one after it)")
        expected = self._by_model(pool, items) if by == "model" else pool.by_people(items)
        for item, label, other in zip(items.tolist(), labels, expected, strict=bool(labels)):
            if label is not None and other is not None and label != other:
                _refuse(f"item {item} is decided as {label[:40]}, not as {other[:40]}")
        pool.decided[items] = code

    def _by_model(self, pool: PoolHistory, items: NDArray[np.int64]) -> Labels:
        """The labels these items may get from the model; refuses items it may not decide."""
        people = items[isin(items, list(pool.answers))]
        if len(people):
            _refuse(f"item {int(people[0])} is decided by the model though a person answered it")
        kind = self.policy.get("kind")
        if kind == "threshold":
            return [None] * len(items)
        if kind != "certified" or not pool.attempts:
            _refuse("the model decides items though no audit was committed to")
        attempt = pool.attempts[-1]
        if not attempt.revealed:
            _refuse("the model decides items before the seed is revealed")
        loose = items[~np.isin(items, attempt.standing_items)]
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


def answer_json(text: str) -> str:
    """An answer in the form frozen labels and decisions have: a label's JSON string, or JSON."""
    value = _parsed(text)
    label = value.get("label") if is_object(value) and len(value) == 1 else None
    return label_json(label) if isinstance(label, str) else label_json(value)


def row_label(text: str) -> str:
    """The label (first value) of a private row of frozen labels or decisions."""
    if text.startswith('["'):
        return _first_string(text)
    value = _parsed(text)
    if not isinstance(value, list) or not value:
        _refuse("a private row is not a list")
    return label_json(cast("list[object]", value)[0])


def _first_string(text: str) -> str:
    """The string an array of JSON begins with: what there is a million of is read no further."""
    end = text.find('"', 2)
    if end > 0 and "\\" not in text[2:end]:
        return text[1 : end + 1]
    try:
        return label_json(_DECODER.raw_decode(text, 1)[0])
    except ValueError:
        _refuse("a private row is not JSON")


def label_json(value: object) -> str:
    """A label or an answer as canonical JSON."""
    try:
        return canonical_json(value).decode() if not isinstance(value, str) else f'"{value}"'
    except InputError as error:
        raise VerificationFailed(error.message) from error


def _parsed(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        _refuse("a private value is not JSON")


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
