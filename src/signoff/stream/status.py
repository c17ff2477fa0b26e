"""Where a stream stands: its window, what it has spent, and why it is automatic or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signoff.core.records import Project
from signoff.core.streams import REASONS, StreamState, Window
from signoff.core.windows import is_exhausted, room
from signoff.store.store import SqlStore
from signoff.stream.fitting import next_fit

State = Literal["learning", "automatic", "paused", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """One window and the stream around it. Tells of coins: not for whoever reviews.

    ``items`` is N, or fewer where the window was ``ended`` early; ``limit`` x*; ``pending`` audits
    wait for verdicts; ``budget_left``: finds and open audits that may still come before automation
    pauses. ``certified``: windows that have a certificate. ``waiting``: requests that wait for
    people, of all windows.
    """

    state: State
    why: str
    window: int
    items: int
    ended: bool
    arrived: int
    admitted: int
    automatic: int
    repeats: int
    audited: int
    finds: int
    pending: int
    limit: int
    budget_left: int
    waiting: int
    answers: int
    model: str | None
    threshold: float | None
    certified: int


def status_of(store: SqlStore, project: Project) -> StreamStatus | None:
    """How a stream stands now; None where its first window has not begun."""
    window, state = store.window(project.id), store.stream(project.id)
    if window is None:
        return None
    model = None if state.model is None else store.stream_model(project.id, state.model)
    how, why = _how(window, state)
    return StreamStatus(
        state=how,
        why=why,
        window=window.number,
        items=window.size,
        ended=window.ended is not None,
        arrived=window.arrived,
        admitted=window.admitted,
        automatic=window.automatic,
        repeats=window.repeats,
        audited=window.audited,
        finds=window.finds,
        pending=window.open,
        limit=window.plan.limit,
        budget_left=max(0, window.plan.limit + 1 - window.ledger.spent),
        waiting=store.waiting(project.id),
        answers=state.answers,
        model=state.model,
        threshold=None if model is None else model.threshold,
        certified=store.certified_windows(project.id),
    )


def _how(window: Window, state: StreamState) -> tuple[State, str]:
    if window.plan.limit < 0:
        return "stopped", "This window's share of alpha is too small to leave anything automatic."
    if is_exhausted(window.plan, window.ledger) and not window.is_full:
        return "stopped", REASONS["stopped"]
    if state.model is None:
        given, wanted = state.answers - state.fresh_from, next_fit(state) - state.fresh_from
        return "learning", f"The model is learning: {given} of {wanted} answers by people so far."
    if room(window.plan, window.ledger) == 0 and not window.is_full:
        return "paused", REASONS["audits"]
    return "automatic", "What the model is sure of leaves at once."
