"""What the log of a stream tells: every admission, coin, verdict and certificate, redone.

A coin is checked when its window's seed is revealed; until then what leaves is checked against the
coins that the log names. See :mod:`signoff.core.windows` for why the numbers hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

from signoff.audit.windows import ItemHistory, WindowHistory, loose_item
from signoff.core.canonical import Json
from signoff.core.coins import SEED_BYTES, is_heads, seed_commitment
from signoff.core.events import Event
from signoff.core.questions import Choice, Form
from signoff.core.routing import Certified, policy_from_json
from signoff.core.streams import StreamSpec, window_name
from signoff.core.window_certificate import certify_window
from signoff.core.windows import (
    is_exhausted,
    plan_window,
    room,
    stands_next,
    window_alpha,
)
from signoff.errors import VerificationFailed

STREAM_EVENTS = frozenset(
    {
        "window.started",
        "window.ended",
        "items.arrived",
        "coins.drawn",
        "item.decided",
        "item.corrected",
        "drift.alarm",
    }
)
"""Events that only a stream has."""

POOL_EVENTS = frozenset({"rows.added", "requests.opened", "audit.committed", "decisions.made"})
"""Events that only a pool has."""

Content = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class StreamHistory:
    """All that was told of a stream. Raises :class:`VerificationFailed` in plain words."""

    question: Choice
    policy: Certified
    spec: StreamSpec
    process: object
    labels: frozenset[str]
    reviewers: Container[str]
    seeds: dict[str, tuple[int, int]]
    certificates: list[Json]
    windows: list[WindowHistory] = field(default_factory=list[WindowHistory])

    @classmethod
    def begin(
        cls,
        body: Json,
        form: Form,
        *,
        reviewers: Container[str],
        seeds: dict[str, tuple[int, int]],
        certificates: list[Json],
    ) -> StreamHistory:
        """From the first event of a stream's log."""
        policy = policy_from_json(cast("Json", body["policy"]))
        spec = body.get("stream")
        if not isinstance(policy, Certified) or not isinstance(spec, dict):
            _refuse("the stream promises nothing, or does not say how large its windows are")
        (question, *others) = form.questions
        if others or not isinstance(question, Choice):
            _refuse("the stream asks something else than one choice")
        return cls(
            question=question,
            policy=policy,
            spec=StreamSpec.from_json(cast("Json", spec)),
            process=body["process"],
            labels=frozenset(question.ids),
            reviewers=reviewers,
            seeds=seeds,
            certificates=certificates,
        )

    def tell(self, event: Event, content: Content) -> None:
        """Take one event, whose body is well formed."""
        if event.type in POOL_EVENTS:
            _refuse(f"a stream has no {event.type}")
        told = self._tellers().get(event.type)
        if told is not None:
            told(event, content)

    def end(self) -> list[str]:
        """What the end of the log leaves open, a sentence each."""
        return [
            f"Window {window.number}: {len(window.items):,} of {window.plan.items:,} items arrived"
            ", the seed is not revealed yet, so there is no certificate to check."
            for window in self.windows
            if not window.revealed
        ]

    def _tellers(self) -> dict[str, Callable[[Event, Content], None]]:
        return {
            "window.started": self._start,
            "window.ended": self._end_early,
            "items.arrived": self._arrive,
            "coins.drawn": self._flip,
            "answer.given": self._answer,
            "answer.extra": self._extra,
            "answer.undone": self._undo,
            "answer.skipped": self._skip,
            "item.flagged": self._flag,
            "verdicts.sealed": self._seal,
            "item.decided": self._decide,
            "item.corrected": self._correct,
            "drift.alarm": self._alarm,
            "item.erased": self._erase,
            "model.fitted": self._fit,
            "seed.revealed": self._reveal,
            "certificate.issued": self._certify,
            "pool.closed": self._close,
        }

    # ------------------------------------------------------------------- arriving

    def _start(self, event: Event, _: Content) -> None:
        body, number = event.body, _int(event.body, "pool")
        if number != len(self.windows) + 1 or (self.windows and not self.windows[-1].is_full):
            _refuse(f"window {number} begins out of turn")
        plan = plan_window(
            self.spec.items,
            max_error=self.policy.max_error,
            alpha=window_alpha(self.policy.alpha, number, together=self.spec.together),
            audit_rate=self.spec.audit_rate,
            effects=self.spec.effects,
        )
        expected = {**plan.to_json(), "window": window_name(number), "reserved": 0}
        for name, value in expected.items():
            if body[name] != value:
                _refuse(f"window {number} says {name} {body[name]}, recomputed {value}")
        if body["process"] != self.process:
            _refuse(f"window {number} names another human process than the stream")
        self.windows.append(WindowHistory(number=number, plan=plan, body=dict(body)))

    def _end_early(self, event: Event, _: Content) -> None:
        window = self._window(event.body)
        if window.number != len(self.windows) or window.is_full or not window.items:
            _refuse(f"window {window.number} is ended early out of turn")
        if _int(event.body, "items") != len(window.items):
            _refuse(
                f"window {window.number} is ended with {event.body['items']} items, and"
                f" {len(window.items)} arrived"
            )
        window.ended = True

    def _arrive(self, event: Event, content: Content) -> None:
        window, body = self._window(event.body), event.body
        first, count = _int(body, "first"), _int(body, "count")
        admitted = cast("list[int]", body["admitted"])
        repeats = cast("list[list[int]]", body["repeats"])
        if window.number != len(self.windows) or first != len(window.items):
            _refuse(f"items arrive at {first} of window {window.number}, out of turn")
        if window.ended or first + count > window.plan.items:
            _refuse(f"window {window.number} takes more than its {window.size} items")
        self._check_admitted(window, body, admitted, range(first, first + count))
        window.items += [
            ItemHistory(says=_said(_opened(content, f"item:{first + at}"))) for at in range(count)
        ]
        for item in admitted:
            window.items[item].number = len(window.admitted)
            window.items[item].label = self._label(item, _opened(content, f"label:{item}"))
            window.admitted.append(item)
        for item, twin in repeats:
            self._repeat(window, item, twin, first)

    def _check_admitted(
        self, window: WindowHistory, body: Mapping[str, object], admitted: list[int], new: range
    ) -> None:
        if not all(item in new for item in admitted) or admitted != sorted(set(admitted)):
            _refuse(f"window {window.number} admits items that do not arrive now, or twice")
        if _int(body, "number") != len(window.admitted):
            _refuse(f"admission {body['number']} of window {window.number} is out of turn")
        if admitted and window.ledger.admitted != len(window.admitted):
            _refuse(f"window {window.number} admits labels while coins are in the air")
        if len(admitted) > room(window.plan, window.ledger):
            _refuse(
                f"item {admitted[room(window.plan, window.ledger)]} of window {window.number} is"
                f" admitted although {window.ledger.finds} finds and {window.ledger.open} open"
                f" audits leave no room"
            )

    def _label(self, item: int, opened: object) -> object:
        if opened is None:
            return None
        label = cast("list[object]", opened)[0] if isinstance(opened, list) and opened else None
        if label not in self.labels:
            _refuse(f"item {item} is admitted with a label the question does not have")
        return label

    def _repeat(self, window: WindowHistory, item: int, twin: int, first: int) -> None:
        if item < first or twin >= first:
            _refuse(f"item {item} repeats item {twin}, which is no earlier one")
        mine, other = window.item(item), window.item(twin)
        if mine.number is not None or other.given is None or not other.decided:
            _refuse(f"item {item} takes the answer of item {twin}, which no person decided")
        if None not in (mine.says, other.says) and mine.says != other.says:
            _refuse(f"item {item} takes the answer of item {twin}, which says something else")
        mine.decided = True
        window.repeats += 1

    def _flip(self, event: Event, _: Content) -> None:
        window, body = self._window(event.body), event.body
        heads, left = set(cast("list[int]", body["heads"])), set(cast("list[int]", body["left"]))
        fallen = window.admitted[window.ledger.admitted :]
        if _int(body, "number") != window.ledger.admitted or _int(body, "count") != len(fallen):
            _refuse(f"coins of window {window.number} fall that are not in the air")
        if not (heads | left) <= set(fallen):
            _refuse(f"a coin of window {window.number} falls for an item that was not admitted now")
        for number in fallen:
            item = window.items[number]
            stands = stands_next(window.plan, window.ledger)
            item.heads = number in heads
            leaves = stands or (item.heads and window.plan.effects == "reversible")
            if leaves is not (number in left):
                how = "leaves" if number in left else "is held"
                _refuse(f"item {number} of window {window.number} {how}, which does not follow")
            window.ledger = window.ledger.flipped(heads=item.heads)
            item.left, item.decided = leaves, leaves and not item.heads

    # -------------------------------------------------------------------- answers

    def _said_by(self, event: Event) -> tuple[WindowHistory, ItemHistory, int]:
        window, number = self._window(event.body), _int(event.body, "item")
        if str(event.body["reviewer"]) not in self.reviewers:
            _refuse(f"item {number} is answered by a reviewer the log does not know")
        if event.body["questions"] != {self.question.name: self.question.version}:
            _refuse(f"item {number} is answered to another question than the stream asks")
        return window, window.item(number), number

    def _answer(self, event: Event, content: Content) -> None:
        _window, item, number = self._said_by(event)
        if item.given is not None:
            _refuse(f"item {number} is answered twice")
        if item.decided or (item.number is not None and item.heads is None):
            _refuse(f"item {number} is answered though nobody was asked")
        answers = cast("Json", _opened(content, "answers") or {})
        item.given, item.answer = event.id, answers.get(self.question.name)

    def _extra(self, event: Event, _: Content) -> None:
        _window, item, number = self._said_by(event)
        if item.given is None:
            _refuse(f"the only answer to item {number} does not count")

    def _undo(self, event: Event, _: Content) -> None:
        item, number = self._item(event.body)
        if item.given is None or item.given != event.body["answer"]:
            _refuse(f"an answer to item {number} is undone that does not stand")
        if item.decided or item.right is not None:
            _refuse(f"the answer to item {number} is undone after it was sealed")
        item.given, item.answer = None, None

    def _skip(self, event: Event, _: Content) -> None:
        self._item(event.body)
        self._window(event.body).skipped += 1

    def _flag(self, event: Event, _: Content) -> None:
        self._item(event.body)

    def _seal(self, event: Event, _: Content) -> None:
        window = self._window(event.body)
        for number, verdict in cast("list[tuple[int, str]]", event.body["verdicts"]):
            item, right = window.item(number), verdict == "right"
            if item.heads is not True or item.right is not None:
                _refuse(f"item {number} of window {window.number} has a verdict, but no open audit")
            if item.given is None:
                _refuse(f"item {number} of window {window.number} has a verdict but no answer")
            known = item.label is not None and item.answer is not None
            if known and (item.answer == {"label": item.label}) is not right:
                _refuse(
                    f"the verdict on item {number} of window {window.number} is {verdict}, which"
                    " label and answer do not make it"
                )
            item.right, item.decided = right, True
            window.ledger = window.ledger.sealed(right=right)

    def _decide(self, event: Event, content: Content) -> None:
        item, number = self._item(event.body)
        if item.heads or item.decided or item.given is None:
            _refuse(f"item {number} is decided by people who were not asked, or did not answer")
        self._same_answer(item, number, content)
        item.decided = True

    def _correct(self, event: Event, content: Content) -> None:
        item, number = self._item(event.body)
        if item.right is not False or item.corrected:
            _refuse(f"item {number} is corrected though no audit found it wrong")
        self._same_answer(item, number, content)
        item.corrected = True

    def _same_answer(self, item: ItemHistory, number: int, content: Content) -> None:
        told = _opened(content, "answer")
        if None not in (told, item.answer) and told != item.answer:
            _refuse(f"item {number} is told to be answered otherwise than people did")

    def _alarm(self, event: Event, _: Content) -> None:
        window = self._window(event.body)
        finds, limit = _int(event.body, "finds"), _int(event.body, "limit")
        if (finds, limit) != (window.ledger.finds, window.plan.limit) or finds <= limit:
            _refuse(f"the alarm of window {window.number} does not follow from its finds")
        if window.alarmed:
            _refuse(f"the alarm of window {window.number} rings twice")
        window.alarmed = True

    def _erase(self, event: Event, _: Content) -> None:
        item, number = self._item(event.body)
        if item.erased or (item.number is not None and item.heads is None):
            _refuse(f"item {number} is erased twice, or while its coin is in the air")
        self._window(event.body).withdrawn += not item.decided
        item.erased, item.decided = True, True

    def _fit(self, event: Event, _: Content) -> None:
        self._window(event.body)

    # --------------------------------------------------------------------- ending

    def _reveal(self, event: Event, _: Content) -> None:
        window, seed = self._window(event.body), str(event.body["seed"])
        self._check_over(window)
        if seed in self.seeds:
            _refuse("a seed is used a second time")
        self.seeds[seed] = (window.number, 1)
        key = bytes.fromhex(seed)
        if len(key) != SEED_BYTES or seed_commitment(key) != window.body["seed_commitment"]:
            _refuse(f"the seed of window {window.number} is not the one committed to")
        pi = float(window.plan.audit_rate)
        for at, number in enumerate(window.admitted):
            if is_heads(key, window_name(window.number), number, at, pi) is not bool(
                window.items[number].heads
            ):
                _refuse(
                    f"the coin of item {number} of window {window.number} (admission {at}) is not"
                    " the one its seed gives"
                )
        window.revealed = True

    def _check_over(self, window: WindowHistory) -> None:
        """All items are there and decided, all finds corrected; what left stands in the order."""
        if window.revealed:
            _refuse(f"the seed of window {window.number} is revealed twice")
        if not window.is_full or window.ledger.admitted != len(window.admitted):
            _refuse(f"the seed of window {window.number} is revealed before the window is over")
        for number, item in enumerate(window.items):
            if not item.decided:
                _refuse(f"the seed of window {window.number} is revealed before item {number} is"
                        " decided")  # fmt: skip
            if item.right is False and not item.corrected:
                _refuse(f"item {number} of window {window.number} was wrong and is not corrected")
        if window.ledger.finds and is_exhausted(window.plan, window.ledger) != window.alarmed:
            _refuse(f"window {window.number} has more finds than its limit and no alarm")
        loose = loose_item(window)
        if loose is not None:
            _refuse(f"the label of item {loose} of window {window.number} left but does not stand")

    def _certify(self, event: Event, _: Content) -> None:
        window = self._window(event.body)
        certificate = cast("Json", event.body["certificate"])
        if not window.revealed or window.issued:
            _refuse(f"the certificate of window {window.number} comes too early, or twice")
        expected = certify_window(
            window.plan,
            window.ledger,
            size=window.size,
            number=window.number,
            window=window_name(window.number),
            repeats=window.repeats,
            automatic=sum(item.left and not item.heads for item in window.items),
            skipped=window.skipped,
            withdrawn=window.withdrawn,
            process=cast("Json", window.body["process"]),
            seed_commitment=str(window.body["seed_commitment"]),
            seed_chosen_by=str(window.body["seed_chosen_by"]),
        ).to_json()
        for name in [*expected, *sorted(set(certificate) - set(expected))]:
            said, redone = certificate.get(name, "nothing"), expected.get(name, "nothing")
            if said != redone or type(said) is not type(redone):
                _refuse(
                    f"the certificate of window {window.number} says {name} {str(said)[:80]},"
                    f" recomputed {str(redone)[:80]}"
                )
        window.issued = True
        self.certificates.append(certificate)

    def _close(self, event: Event, _: Content) -> None:
        window = self._window(event.body)
        if not window.issued or event.body["undecided"] != 0:
            _refuse(f"window {window.number} is closed before its certificate")

    # ---------------------------------------------------------------------- state

    def _window(self, body: Mapping[str, object]) -> WindowHistory:
        number = _int(body, "pool")
        if not 1 <= number <= len(self.windows):
            _refuse(f"window {number} is not in the log")
        if body.get("question", self.question.name) != self.question.name:
            _refuse(f"window {number} is told of a question that the stream does not ask")
        if body.get("attempt", 1) != 1:
            _refuse(f"window {number} has one attempt, not {body['attempt']}")
        return self.windows[number - 1]

    def _item(self, body: Mapping[str, object]) -> tuple[ItemHistory, int]:
        number = _int(body, "item")
        return self._window(body).item(number), number


def _opened(content: Content, name: str) -> object:
    """A private value, None where it was not exported or is erased."""
    if name not in content:
        return None
    try:
        return cast("object", json.loads(content[name]))
    except (ValueError, RecursionError):
        _refuse("a private value is not JSON")


def _said(opened: object) -> object:
    """What an item says, without its key."""
    if not isinstance(opened, dict):
        return None
    return {name: value for name, value in cast("Json", opened).items() if name != "key"}


def _int(body: Mapping[str, object], name: str) -> int:
    return cast("int", body[name])


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
