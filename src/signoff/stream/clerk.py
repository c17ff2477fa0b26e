"""What each step makes of a window, and what the log says of it. Pure: the store calls it.

Everything here runs under the stream's lock, between reading a window and writing it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from signoff.core.coins import SEED_BYTES, seed_commitment
from signoff.core.commitment import DIFFERS
from signoff.core.questions import Choice, Chosen
from signoff.core.records import Json, NewEvent, Project
from signoff.core.routing import Certified
from signoff.core.streams import (
    Answered,
    Arrival,
    NewWindow,
    StreamItem,
    StreamSpec,
    Why,
    Window,
    choice_of,
    window_name,
)
from signoff.core.window_certificate import certify_window
from signoff.core.windows import (
    WindowPlan,
    is_exhausted,
    plan_window,
    room,
    stands_next,
    window_alpha,
)
from signoff.loop.recorder import Recorder
from signoff.store.streaming import Over, Step


def plan_of(policy: Certified, spec: StreamSpec, number: int) -> WindowPlan:
    """The plan of a stream's window."""
    return plan_window(
        spec.items,
        max_error=policy.max_error,
        alpha=window_alpha(policy.alpha, number, together=spec.together),
        audit_rate=spec.audit_rate,
        effects=spec.effects,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Writes the steps of one stream."""

    project: Project
    recorder: Recorder

    @property
    def question(self) -> Choice:
        """What the stream asks."""
        return choice_of(self.project)

    # ------------------------------------------------------------------ beginning

    def begin(
        self, plan: WindowPlan, number: int, *, seed: bytes | None
    ) -> tuple[NewWindow, list[NewEvent]]:
        """A new window: its plan and the commitment to its seed come before its first coin.

        ``seed``: the one an operator chose, None for one that nobody did.
        """
        chosen_by = "system" if seed is None else "operator"
        seed = seed or self.recorder.entropy(SEED_BYTES)
        window = Window(
            number=number,
            plan=plan,
            seed_commitment=seed_commitment(seed),
            seed_chosen_by=chosen_by,
            started=self.recorder.now(),
        )
        body: Json = {
            "pool": number,
            "window": window.name,
            "rule": "S",
            **plan.to_json(),
            "reserved": 0,
            "process": self.project.process,
            "differs": DIFFERS,
            "seed_commitment": window.seed_commitment,
            "seed_chosen_by": window.seed_chosen_by,
        }
        return NewWindow(window=window, seed=seed), [self._event("window.started", body)]

    # -------------------------------------------------------------------- arriving

    def receive(
        self, window: Window, arrivals: Sequence[Arrival], same: Mapping[str, StreamItem]
    ) -> Step:
        """Number the items that have room, admit what may surely leave, send the rest to people.

        Stops where the next admission needs to know how the coins before it fell.
        """
        plan, left = window.plan, room(window.plan, window.ledger)
        stopped = is_exhausted(plan, window.ledger)
        taken: list[StreamItem] = []
        for arrival in arrivals[: window.size - window.arrived]:
            item = self._taken(window, arrival, window.arrived + len(taken))
            twin = same.get(arrival.digest)
            admitted = sum(each.number is not None for each in taken)
            if twin is not None:
                item = replace(
                    item, why="repeat", state="decided", answer=twin.answer, repeats=twin.item
                )
            elif arrival.why == "sure" and left > admitted:
                item = replace(item, state="admitted", number=window.admitted + admitted)
            elif arrival.why == "sure" and admitted:
                break
            elif arrival.why == "sure":
                item = replace(item, why="stopped" if stopped else "audits")
            taken.append(item)
        admitted = sum(item.number is not None for item in taken)
        repeats = sum(item.repeats is not None for item in taken)
        after = replace(
            window,
            arrived=window.arrived + len(taken),
            admitted=window.admitted + admitted,
            repeats=window.repeats + repeats,
        )
        return Step(window=after, items=taken, events=self._arrived(window, taken))

    def _taken(self, window: Window, arrival: Arrival, number: int) -> StreamItem:
        return StreamItem(
            window=window.number,
            item=number,
            id=arrival.id,
            key=arrival.key,
            digest=arrival.digest,
            shown=arrival.shown,
            request=arrival.request,
            why=arrival.why,
            state="waiting",
            at=self.recorder.now(),
            label=arrival.label,
            confidence=arrival.confidence,
            model=arrival.model,
        )

    def _arrived(self, window: Window, taken: Sequence[StreamItem]) -> list[NewEvent]:
        if not taken:
            return []
        admitted = [item for item in taken if item.number is not None]
        content: dict[str, object] = {f"item:{item.item}": content_of(item) for item in taken}
        content |= {f"label:{item.item}": label_of(item) for item in admitted}
        body: Json = {
            "pool": window.number,
            "first": window.arrived,
            "count": len(taken),
            "admitted": [item.item for item in admitted],
            "number": window.admitted,
            "model": next((item.model for item in admitted), None) or "",
            "repeats": [[item.item, item.repeats] for item in taken if item.repeats is not None],
        }
        return [self._event("items.arrived", body, content, pool=window.number)]

    # ----------------------------------------------------------------------- coins

    def flip(self, window: Window, fallen: Sequence[tuple[StreamItem, bool]]) -> Step:
        """After the coins: heads is audited; tails leaves if it stands, else people get it."""
        plan, ledger = window.plan, window.ledger
        done: list[StreamItem] = []
        automatic = window.automatic
        for item, heads in fallen:
            stands = stands_next(plan, ledger)
            ledger = ledger.flipped(heads=heads)
            leaves = stands or (heads and plan.effects == "reversible")
            why: Why = "sure" if leaves else "held"
            state = "decided" if leaves and not heads else "waiting"
            automatic += state == "decided"
            done.append(replace(item, heads=heads, left=leaves, state=state, why=why))
        after = replace(
            window,
            audited=ledger.admitted - ledger.tails,
            tails=ledger.tails,
            open=ledger.open,
            automatic=automatic,
        )
        body: Json = {
            "pool": window.number,
            "number": window.ledger.admitted,
            "count": len(done),
            "heads": [item.item for item in done if item.heads],
            "left": [item.item for item in done if item.left],
        }
        return Step(window=after, items=done, events=[self._event("coins.drawn", body)])

    # --------------------------------------------------------------------- answers

    def judge(self, window: Window, sealed: Sequence[Answered], before: int) -> Step:
        """What people's answers make of their items: decisions, verdicts, corrections, an alarm."""
        ledger = window.ledger
        done: list[StreamItem] = []
        verdicts: list[list[object]] = []
        told: list[NewEvent] = []
        for place, each in enumerate(sealed, start=before + 1):
            item = replace(each.item, state="decided", answer=each.answer, answered=place)
            done.append(item)
            if not item.heads:
                told.append(self._about("item.decided", item))
                continue
            right = self._is_right(item)
            ledger = ledger.sealed(right=right)
            verdicts.append([item.item, "right" if right else "wrong"])
            if not right:
                told.append(self._about("item.corrected", item))
        rings = is_exhausted(window.plan, ledger) and not window.alarmed
        events = [*self._verdicts(window, verdicts), *told]
        if rings and ledger.finds:
            events.append(self._alarm(window, ledger.finds))
        after = replace(
            window,
            finds=ledger.finds,
            open=ledger.open,
            alarmed=window.alarmed or (rings and ledger.finds > 0),
        )
        return Step(window=after, items=done, events=events)

    def _is_right(self, item: StreamItem) -> bool:
        if item.label is None or item.answer is None:
            return False
        question = self.question
        return question.same(question.from_json(item.answer), Chosen(item.label))

    def _verdicts(self, window: Window, verdicts: list[list[object]]) -> list[NewEvent]:
        if not verdicts:
            return []
        attempt = self._attempt(window)
        return [self._event("verdicts.sealed", {**attempt, "verdicts": verdicts})]

    def _about(self, type: str, item: StreamItem) -> NewEvent:
        """Something whoever sent an item wants to hear: its answer is there, or is another one."""
        body: Json = {"pool": item.window, "item": item.item, "id": item.id}
        content: dict[str, object] = {"answer": item.answer, "key": item.key}
        if type == "item.corrected":
            content["was"] = {"label": item.label}
        return self._event(type, body, content, pool=item.window, item=item.item)

    def _alarm(self, window: Window, finds: int) -> NewEvent:
        return self._event(
            "drift.alarm", {"pool": window.number, "finds": finds, "limit": window.plan.limit}
        )

    # ---------------------------------------------------------------------- ending

    def end(self, window: Window, by: str) -> Step:
        """No more items for a window, though it has room: what it promised stays as it is."""
        body: Json = {"pool": window.number, "items": window.arrived}
        ended = self._event("window.ended", body, {"by": by})
        return Step(window=replace(window, ended=window.arrived), items=[], events=[ended])

    def certify(self, window: Window, over: Over) -> Step:
        """A window that waits for nothing: its seed may be known, and its certificate holds."""
        certificate = certify_window(
            window.plan,
            window.ledger,
            size=window.size,
            number=window.number,
            window=window_name(window.number),
            repeats=window.repeats,
            automatic=window.automatic,
            skipped=over.skipped,
            withdrawn=over.withdrawn,
            process=self.project.process,
            seed_commitment=window.seed_commitment,
            seed_chosen_by=window.seed_chosen_by,
        ).to_json()
        attempt = self._attempt(window)
        events = [
            self._event("seed.revealed", {**attempt, "seed": over.seed.hex()}),
            self._event("certificate.issued", {**attempt, "certificate": certificate}),
            self._event("pool.closed", {"pool": window.number, "undecided": 0}),
        ]
        return Step(window=replace(window, certificate=certificate), items=[], events=events)

    def _attempt(self, window: Window) -> Json:
        """Whose verdicts they are: a window is its own one attempt."""
        return {"pool": window.number, "question": self.question.name, "attempt": 1}

    def _event(
        self,
        type: str,
        body: Json,
        content: Mapping[str, object] | None = None,
        *,
        pool: int | None = None,
        item: int | None = None,
    ) -> NewEvent:
        return self.recorder.event(type, body, content, pool=pool, item=item)


def content_of(item: StreamItem) -> Json:
    """What an item says, as the log commits to it."""
    return {"key": item.key, **(item.shown or {})}


def label_of(item: StreamItem) -> list[object]:
    """An admitted label with its confidence, as the log commits to them."""
    return [item.label, None if item.confidence is None else repr(item.confidence)]
