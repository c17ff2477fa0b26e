"""The part of the store that streams use; every method is one transaction.

All changes to a stream take the lock of its row first, so that admissions have one order whatever
process makes them. What is decided under the lock comes from the caller's functions, which are
pure: counts and rows go in, rows and events come out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from signoff.core.items import key_digest
from signoff.core.records import AskReason, FirstManager, Json, NewEvent, Project
from signoff.core.streams import (
    ASKED_AS,
    Answered,
    Arrival,
    NewWindow,
    StreamItem,
    StreamModel,
    StreamSpec,
    StreamState,
    Window,
)
from signoff.errors import WindowOver
from signoff.store import erase, log, projects, stream_models, streams, tallies, window_seeds
from signoff.store.accounts import make_first_manager
from signoff.store.connections import Database
from signoff.store.schema import pools


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step makes of a window: its counts, the items it touched, and what the log says."""

    window: Window
    items: Sequence[StreamItem]
    events: Sequence[NewEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Items that are stored, by key; ``admitted``: coins must fall for some of them."""

    items: Mapping[str, StreamItem]
    admitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What there is to know before items are decided: those known by key, the stream, whether
    answers wait to be sealed, and which of the keys, by digest, were erased."""

    known: Mapping[str, StreamItem]
    state: StreamState
    answers: bool
    erased: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A window that waits for nothing: its seed, skips, and items ``withdrawn`` by erasing them
    before anybody decided them."""

    seed: bytes
    skipped: int
    withdrawn: int


Receive = Callable[[Window, Sequence[Arrival], Mapping[str, StreamItem]], Step]
"""Takes arrivals in order, as many as the window has room for; the last argument holds, by digest,
items of the window with the same content that people answered."""

Flip = Callable[[Window, Sequence[tuple[StreamItem, bool]]], Step]
"""Says what becomes of admitted items now that their coins have fallen."""

Judge = Callable[[Window, Sequence[Answered], int], Step]
"""Says what sealed answers make of their items; the number is the count of answers before."""

End = Callable[[Window], Step]
"""Says of a window that takes more items that it takes none."""

Certify = Callable[[Window, Over], Step]
"""Makes the certificate of a window that is over."""


class Streaming(Database):
    """Streams, their windows and items."""

    def create_stream(
        self,
        project: Project,
        spec: StreamSpec,
        events: Sequence[NewEvent],
        *,
        manager: FirstManager | None = None,
        seed: int | None = None,
    ) -> None:
        """Store a new project that is a stream, who manages it, and the number that an operator
        chose for its seeds."""
        with self.transaction() as db:
            projects.insert_project(db, project)
            streams.insert_stream(db, project.id, spec)
            if seed is not None:
                window_seeds.keep_number(db, project.id, seed)
            told = make_first_manager(db, project.id, manager)
            log.append(db, project.id, [*events, *told])

    def stream(self, project: str) -> StreamState:
        """A stream as it stands."""
        with self.reading() as db:
            return streams.read_stream(db, project)

    def window(self, project: str) -> Window | None:
        """The newest window."""
        with self.reading() as db:
            found = streams.read_windows(db, project, newest=True)
            return found[0] if found else None

    def windows(self, project: str) -> list[Window]:
        """All windows, oldest first."""
        with self.reading() as db:
            return streams.read_windows(db, project)

    def waiting(self, project: str) -> int:
        """How many requests of a stream wait for people, in all windows."""
        with self.reading() as db:
            numbers = db.scalars(
                sa.select(pools.c.number).where(
                    pools.c.project == project, pools.c.phase != "closed"
                )
            ).all()
            return sum(tallies.counts(db, project, number).open for number in numbers)

    # ------------------------------------------------------------------- deciding

    def operators_seed(self, project: str, number: int) -> bytes | None:
        """The seed of a window to begin, where an operator chose one for the stream."""
        with self.reading() as db:
            return window_seeds.operators_seed(db, project, number)

    def start_window(self, project: str, new: NewWindow, events: Sequence[NewEvent]) -> bool:
        """Begin the next window; False where another process did, or the last one is not full."""
        with self.transaction() as db:
            streams.read_stream(db, project, lock=True)
            found = streams.read_windows(db, project, newest=True)
            number = found[0].number + 1 if found else 1
            if new.window.number != number or (found and not found[0].is_full):
                return False
            streams.insert_window(db, project, new.window)
            window_seeds.keep_seed(db, project, number, new.seed)
            log.append(db, project, events)
            return True

    def end_window(self, project: str, number: int, end: End) -> Window:
        """End the newest window early; it stays ended where it was before.

        Raises :class:`WindowOver` where it is another one, and where nothing arrived in it.
        """
        with self.transaction() as db:
            streams.read_stream(db, project, lock=True)
            newest = streams.read_windows(db, project, newest=True)
            _require_ending(newest, number)
            (window,) = streams.read_windows(db, project, number=number)
            if window.ended is not None:
                return window
            step = end(window)
            streams.update_window(db, project, step.window)
            streams.shrink_pool(db, project, number, step.window.size)
            log.append(db, project, step.events)
            return step.window

    def arrive(
        self, project: str, wanted: Sequence[Arrival], receive: Receive, flip: Flip
    ) -> Taken:
        """Take items in, and admit labels; those that are stored now.

        Those whose key is stored already are not stored again. None where the window is full.
        Coins of earlier admissions fall first, so that ``receive`` knows what is spent.
        """
        with self.transaction() as db:
            streams.read_stream(db, project, lock=True)
            _flip_all(db, project, flip)
            newest = streams.read_windows(db, project, newest=True)
            if not newest or newest[0].is_full:
                return Taken(items={}, admitted=False)
            window = newest[0]
            known = streams.items_by_key(db, project, [each.key for each in wanted])
            fresh = [each for each in wanted if each.key not in known]
            same = streams.answered_contents(
                db, project, window.number, [each.digest for each in fresh]
            )
            step = receive(window, fresh, same)
            streams.insert_items(db, project, step.items)
            asked = [_asked(item) for item in step.items if item.state == "waiting"]
            streams.ask(db, project, window, asked)
            streams.update_window(db, project, step.window)
            log.append(db, project, step.events)
            return Taken(
                items={**known, **{item.key: item for item in step.items}},
                admitted=step.window.admitted > window.admitted,
            )

    def flip(self, project: str, flip: Flip) -> dict[str, StreamItem]:
        """Let the coins fall of all admissions that have none, always the same ones; those items,
        by key."""
        with self.transaction() as db:
            streams.read_stream(db, project, lock=True)
            return {item.key: item for item in _flip_all(db, project, flip)}

    def before_deciding(self, project: str, keys: Sequence[str], until: int) -> Before:
        """What there is to know before items with these keys are decided."""
        with self.reading() as db:
            digests = [key_digest(project, key) for key in keys]
            return Before(
                erased=frozenset(streams.erased_among(db, project, digests)),
                known=streams.items_by_key(db, project, keys),
                state=streams.read_stream(db, project),
                answers=streams.has_answers(db, project, until),
            )

    def has_answers(self, project: str, until: int) -> bool:
        """Whether people gave answers until then that are not sealed."""
        with self.reading() as db:
            return streams.has_answers(db, project, until)

    def seal_answers(self, project: str, until: int, judge: Judge) -> int:
        """Seal the answers given until then: decisions, verdicts, corrections; how many."""
        with self.transaction() as db:
            state = streams.read_stream(db, project, lock=True)
            sealed = streams.seal_answers(db, project, until)
            before, alarmed = state.answers, False
            for number in sorted({each.item.window for each in sealed}):
                mine = [each for each in sealed if each.item.window == number]
                (window,) = streams.read_windows(db, project, number=number)
                step = judge(window, mine, before)
                streams.update_items(db, project, step.items)
                streams.update_window(db, project, step.window)
                log.append(db, project, step.events)
                before += len(mine)
                alarmed |= step.window.alarmed and not window.alarmed
            if sealed:
                streams.update_stream(db, project, answers=before)
            if alarmed:
                # Nothing is automatic until a model is fitted on what people say now.
                streams.update_stream(db, project, model=None, fresh_from=before)
            return len(sealed)

    def close_windows(self, project: str, certify: Certify) -> int:
        """Certify the windows that are full and wait for nothing; how many."""
        with self.transaction() as db:
            streams.read_stream(db, project, lock=True)
            closed = 0
            for window in streams.read_windows(db, project):
                full = window.is_full and window.certificate is None
                if not full or not streams.is_decided(db, project, window.number):
                    continue
                over = Over(
                    seed=window_seeds.reveal(db, project, window.number),
                    skipped=tallies.counts(db, project, window.number).skipped,
                    withdrawn=streams.withdrawn(db, project, window.number),
                )
                step = certify(window, over)
                streams.update_window(db, project, step.window)
                streams.close_pool(db, project, window.number)
                log.append(db, project, step.events)
                closed += 1
            return closed

    def has_loose_ends(self, project: str) -> bool:
        """Whether a coin is in the air, or a window is over and has no certificate."""
        with self.reading() as db:
            if streams.undecided_windows(db, project, "admitted"):
                return True
            return any(
                streams.is_decided(db, project, window.number)
                for window in streams.read_windows(db, project)
                if window.is_full and window.certificate is None
            )

    def erase_stream_item(
        self, project: str, window: int, item: int, event: NewEvent, flip: Flip
    ) -> bool:
        """Remove an item's content and salts, and log that; False where that was done before.

        What waits for a person waits no longer, and an audit of it stays open for good. The model
        may know its words: it is fitted anew at the next turn.
        """
        with self.transaction() as db:
            state = streams.read_stream(db, project, lock=True)
            _flip_all(db, project, flip)
            (found,) = streams.window_items(db, project, window, only=[item])
            if found.shown is None:
                return False
            erase.blank_item(db, project, window, item)
            erase.blank_stream_item(db, project, window, item)
            erase.remember_keys(db, project, [key_digest(project, found.key)])
            streams.update_stream(db, project, fitted_at=state.fresh_from)
            log.append(db, project, [event])
        return True

    # -------------------------------------------------------------------- reading

    def certified_windows(self, project: str) -> int:
        """How many windows have a certificate."""
        with self.reading() as db:
            return streams.closed_pools(db, project)

    def newest_window_certificate(self, project: str) -> Json | None:
        """The certificate of the newest window that has one."""
        with self.reading() as db:
            found = streams.read_windows(db, project)
        return next((w.certificate for w in reversed(found) if w.certificate is not None), None)

    def stream_items(self, project: str, keys: Sequence[str]) -> dict[str, StreamItem]:
        """Items by their keys."""
        with self.reading() as db:
            return streams.items_by_key(db, project, keys)

    def stream_item(self, project: str, id: str) -> StreamItem | None:
        """An item by its id."""
        with self.reading() as db:
            return streams.item_by_id(db, project, id)

    def window_items(self, project: str, number: int) -> list[StreamItem]:
        """All items of a window, in order."""
        with self.reading() as db:
            return streams.window_items(db, project, number)

    # ------------------------------------------------------------------- learning

    def answered_items(self, project: str, *, after: int = 0, most: int) -> list[StreamItem]:
        """The newest items that people answered, after so many answers, in order."""
        with self.reading() as db:
            return streams.to_learn_from(db, project, after=after, most=most)

    def traffic(self, project: str, *, most: int) -> list[StreamItem]:
        """The newest items, whatever became of them."""
        with self.reading() as db:
            return streams.traffic(db, project, most=most)

    def put_model(
        self, project: str, model: StreamModel, fresh_from: int, events: Sequence[NewEvent]
    ) -> bool:
        """Use a model from now on; False where an alarm rang while it was fitted."""
        with self.transaction() as db:
            if streams.read_stream(db, project, lock=True).fresh_from != fresh_from:
                return False
            before = streams.read_stream(db, project).model
            stream_models.put_model(db, project, model)
            # The one before stays for whoever is just using it.
            stream_models.forget_models(db, project, [model.version, before or model.version])
            streams.update_stream(db, project, model=model.version, fitted_at=model.answers)
            log.append(db, project, events)
            return True

    def model_files_in_use(self, project: str) -> set[str]:
        """The files of the models that are kept."""
        with self.reading() as db:
            return stream_models.model_files(db, project)

    def note_fitting(self, project: str, answers: int) -> None:
        """Remember that so many answers gave no model worth using."""
        with self.transaction() as db:
            streams.update_stream(db, project, fitted_at=answers)

    def stream_model(self, project: str, version: str) -> StreamModel | None:
        """A fitted model by its version."""
        with self.reading() as db:
            return stream_models.find_model(db, project, version)


def _require_ending(newest: Sequence[Window], number: int) -> None:
    """Refuse to end a window that another one followed, that is full, or that is empty."""
    if not newest or not 1 <= number <= newest[0].number:
        raise WindowOver(f"There is no window {number}.", hint="See which one is the newest.")
    window = newest[0]
    if window.number == number and window.ended is not None:
        return
    if window.number > number or window.is_full:
        raise WindowOver(f"Window {number} has all its items already.", hint="It ends by itself.")
    if window.arrived == 0:
        raise WindowOver(f"Nothing arrived in window {number} yet.", hint="There is none to end.")


def _flip_all(db: sa.Connection, project: str, flip: Flip) -> list[StreamItem]:
    """Coins, window by window; what stands leaves, heads and held labels are asked."""
    done: list[StreamItem] = []
    for number in streams.undecided_windows(db, project, "admitted"):
        (window,) = streams.read_windows(db, project, number=number)
        coins = dict(window_seeds.flip(db, project, number, window.plan.audit_rate))
        admitted = streams.window_items(db, project, number, only=list(coins))
        fallen = sorted(admitted, key=_admission)
        step = flip(window, [(item, coins[item.item]) for item in fallen])
        streams.update_items(db, project, step.items)
        streams.ask(db, project, window, [_asked(i) for i in step.items if i.state == "waiting"])
        streams.update_window(db, project, step.window)
        log.append(db, project, step.events)
        done += step.items
    return done


def _admission(item: StreamItem) -> int:
    return -1 if item.number is None else item.number


def _asked(item: StreamItem) -> tuple[StreamItem, AskReason]:
    """An item with why a person is asked."""
    return item, "audit" if item.heads else ASKED_AS[item.why]
