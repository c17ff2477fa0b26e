"""Decides live items: predict, admit, let the coin fall, tell what leaves.

Every step is one transaction, so a process may be killed between any two of them: an admission is
committed before its coin falls, the coin is the same whenever it falls, and the same key is
answered from what is stored.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from signoff.core.canonical import canonical_json
from signoff.core.items import key_digest
from signoff.core.records import Json, Project
from signoff.core.routing import Certified
from signoff.core.streams import Arrival, StreamItem, StreamSpec, StreamState, Why, choice_of
from signoff.errors import ItemErased, OtherContent
from signoff.loop.recorder import Recorder
from signoff.store.store import SqlStore
from signoff.stream.clerk import Clerk, plan_of
from signoff.stream.models import PROPOSED, Models, Ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody else's model says of an item: a label, and how sure it says it is, if that is
    known; both as they came. ``by``: that model's name."""

    label: str | None
    confidence: float | None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item to decide. ``key`` names it for ever: sent again, it is answered as before, whatever
    is proposed then. ``proposal``: for a stream whose model is "predictions"; people do not see it.
    """

    key: str
    text: str
    data: Json = field(default_factory=dict[str, object])
    proposal: Proposal | None = None

    @property
    def seen(self) -> Json:
        """What people see of it."""
        return {"text": self.text, "data": self.data}

    @property
    def shown(self) -> Json:
        """What is kept of it: what people see, and what was proposed."""
        if self.proposal is None:
            return self.seen
        score = self.proposal.confidence
        said: Json = {
            "label": self.proposal.label,
            # Not every number is one in JSON.
            "confidence": None if score is None else repr(score),
            "by": self.proposal.by,
        }
        return {**self.seen, PROPOSED: said}

    @property
    def digest(self) -> str:
        """Names what it says."""
        return hashlib.sha256(canonical_json(self.seen)).hexdigest()


@dataclass(slots=True, kw_only=True)
class Decider:
    """Decides the items of one stream; threads may share it."""

    store: SqlStore
    project: Project
    policy: Certified
    recorder: Recorder
    _models: Models = field(init=False)
    _fixed: StreamSpec | None = field(default=None, init=False)
    _loading: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._models = Models(store=self.store, project=self.project)

    @property
    def _clerk(self) -> Clerk:
        return Clerk(project=self.project, recorder=self.recorder)

    def decide(self, wanted: Sequence[NewItem]) -> list[StreamItem]:
        """What became of each item, in order; returns once that is durable.

        Raises :class:`OtherContent` where a key came with other content before; then nothing of
        the call is stored.
        """
        keys = [item.key for item in wanted]
        before = self.store.before_deciding(self.project.id, keys, self._settled_until())
        _refuse_other_content(wanted, before.known)
        _refuse_erased(self.project.id, keys, before.erased)
        fresh = [item for item in wanted if item.key not in before.known]
        found = dict(before.known)
        if fresh:
            state = before.state
            if before.answers and self.settle():
                state = self.store.stream(self.project.id)
            found |= self._take_in(fresh, state)
        if any(item.state == "admitted" for item in found.values()):
            # A process was killed before these coins fell, or another one let them fall.
            self.store.flip(self.project.id, self._clerk.flip)
            found = self.store.stream_items(self.project.id, keys)
        _refuse_other_content(wanted, found)
        return [found[item.key] for item in wanted]

    def _take_in(self, fresh: Sequence[NewItem], state: StreamState) -> dict[str, StreamItem]:
        """Store new items round by round: a round ends where the next admission needs coins."""
        arrivals = self._arrivals(list({item.key: item for item in fresh}.values()), state)
        clerk, found = self._clerk, dict[str, StreamItem]()
        while arrivals:
            taken = self.store.arrive(self.project.id, arrivals, clerk.receive, clerk.flip)
            found |= taken.items
            if taken.admitted:
                found |= self.store.flip(self.project.id, clerk.flip)
            elif not taken.items:
                self.start_window()
            arrivals = [arrival for arrival in arrivals if arrival.key not in taken.items]
        return found

    # -------------------------------------------------------------------- windows

    def start_window(self) -> None:
        """Begin the next window; its commitment is under a signature before its first coin."""
        newest = self.store.window(self.project.id)
        number = 1 if newest is None else newest.number + 1
        spec = self._spec()
        seed = self.store.operators_seed(self.project.id, number)
        new, events = self._clerk.begin(plan_of(self.policy, spec, number), number, seed=seed)
        if self.store.start_window(self.project.id, new, events):
            self.store.checkpoint(self.project.id)

    def end_window(self, number: int, *, by: str) -> None:
        """Let the newest window take no more items: the next one begins with the next item.

        Its audits are awaited, and its certificate is of the errors it began with among the items
        it has. Raises :class:`WindowOver` where it cannot be ended; a second time nothing happens.
        """
        clerk = self._clerk
        self.store.end_window(self.project.id, number, lambda window: clerk.end(window, by))
        self.tidy()
        self.store.checkpoint(self.project.id)

    def erase(self, item: StreamItem) -> bool:
        """Remove an item's content for ever; False where that was done before."""
        body: Json = {"pool": item.window, "item": item.item, "rows": []}
        event = self.recorder.event("item.erased", body)
        clerk = self._clerk
        done = self.store.erase_stream_item(
            self.project.id, item.window, item.item, event, clerk.flip
        )
        self.tidy()
        self.store.checkpoint(self.project.id)
        return done

    def _spec(self) -> StreamSpec:
        """What was fixed when the stream was made."""
        if self._fixed is None:
            self._fixed = self.store.stream(self.project.id).spec
        return self._fixed

    def _settled_until(self) -> int:
        """Answers given until then can no longer be taken back."""
        return self.recorder.now() - self._spec().undo_seconds * 1_000_000

    def settle(self) -> int:
        """Seal the answers that can no longer be taken back, and certify what is over."""
        until = self._settled_until()
        if not self.store.has_answers(self.project.id, until):
            return 0
        clerk = self._clerk
        sealed = self.store.seal_answers(self.project.id, until, clerk.judge)
        if self.store.close_windows(self.project.id, clerk.certify):
            self.store.checkpoint(self.project.id)
        return sealed

    def tidy(self) -> None:
        """What a killed process left undone: coins in the air, windows without certificate."""
        clerk = self._clerk
        self.store.flip(self.project.id, clerk.flip)
        self.store.close_windows(self.project.id, clerk.certify)

    # -------------------------------------------------------------------- looking

    def look(self, id: str) -> StreamItem | None:
        """An item by its id, with a person's answer as soon as it counts."""
        item = self.store.stream_item(self.project.id, id)
        if item is not None and item.shown is None:
            raise ItemErased("This item was erased.", hint="Nothing is kept of it.")
        if item is not None and item.state != "decided" and self.settle():
            return self.store.stream_item(self.project.id, id)
        return item

    def look_again(self, found: Sequence[StreamItem]) -> list[StreamItem]:
        """The same items as they stand now."""
        self.settle()
        now = self.store.stream_items(self.project.id, [item.key for item in found])
        # What was erased meanwhile is told as it was when its sender began to wait.
        return [now.get(item.key, item) for item in found]

    # ----------------------------------------------------------------- predicting

    def _arrivals(self, fresh: Sequence[NewItem], state: StreamState) -> list[Arrival]:
        ready = self._ready(state)
        if ready is None:
            return [self._arrival(item, _without_model(item)) for item in fresh]
        said = ready.say([item.shown for item in fresh])
        codes = said.predictions.answer.tolist()
        return [
            self._predicted(item, ready, int(code), float(sure))
            for item, code, sure in zip(fresh, codes, said.confidence.tolist(), strict=True)
        ]

    def _ready(self, state: StreamState) -> Ready | None:
        with self._loading:
            return self._models.current(state)

    def _predicted(self, item: NewItem, ready: Ready, code: int, sure: float) -> Arrival:
        if not item.text.strip():
            return self._arrival(item, "empty")
        if code < 0 or not np.isfinite(sure):
            return self._arrival(item, "no_answer")
        why: Why = "sure" if sure >= ready.threshold else "unsure"
        label = choice_of(self.project).ids[code]
        return self._arrival(item, why, label=label, confidence=sure, model=ready.version)

    def _arrival(
        self,
        item: NewItem,
        why: Why,
        *,
        label: str | None = None,
        confidence: float | None = None,
        model: str | None = None,
    ) -> Arrival:
        return Arrival(
            id=self.recorder.new_id(),
            request=self.recorder.new_id(),
            key=item.key,
            digest=item.digest,
            shown=item.shown,
            why=why,
            label=label,
            confidence=confidence,
            model=model,
        )


def _without_model(item: NewItem) -> Why:
    return "learning" if item.text.strip() else "empty"


def _refuse_erased(project: str, keys: Sequence[str], erased: Container[str]) -> None:
    """Raise :class:`ItemErased` for the first key whose item was erased."""
    for key in keys:
        if key_digest(project, key) in erased:
            raise ItemErased(
                f"The item with the key {key[:60]!r} was erased.",
                hint="Leave it out; another item needs another key.",
            )


def _refuse_other_content(wanted: Sequence[NewItem], known: Mapping[str, StreamItem]) -> None:
    """Raise :class:`OtherContent` for the first key that stands for something else already."""
    said = {key: item.digest for key, item in known.items()}
    for item in wanted:
        if said.setdefault(item.key, item.digest) != item.digest:
            raise OtherContent(
                f"The key {item.key[:60]!r} came with other content before.",
                hint="Give every item a key of its own; send the same content to ask again.",
            )
