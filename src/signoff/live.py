"""``signoff.Stream``: decide live items in this process, over the same store as the server's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from signoff.audit.verify import Verdict
from signoff.automations import DEFAULT_MODEL
from signoff.bootstrap import (
    create_stream,
    make_decider,
    open_store,
    recorder_for,
    refuse_infeasible_stream,
    stream_project,
)
from signoff.core.records import Project
from signoff.core.routing import Certified
from signoff.core.streams import Reply, StreamSpec, reply_of
from signoff.core.windows import Effects
from signoff.desk import QueueDesk, sign_in
from signoff.reviewers import refuse_judge
from signoff.storeview import StoreView
from signoff.stream.decider import Decider, NewItem, Proposal
from signoff.stream.models import model_named
from signoff.stream.status import StreamStatus, status_of
from signoff.stream.tending import Tender

__all__ = ["NewItem", "Proposal", "Stream"]

ACTOR = "stream"
DEFAULT_STREAM = "stream"


@dataclass(slots=True)
class Stream:
    """A stream of a store. Make one with :meth:`create`, open it again with :meth:`open`.

    A process that decides needs no other one; somebody must :meth:`tend`, as the worker of
    ``signoff serve`` does, for the model to learn.
    """

    view: StoreView
    _decider: Decider
    _tender: Tender = field(init=False)

    def __post_init__(self) -> None:
        self._tender = Tender(decider=self._decider)

    @classmethod
    def create(
        cls,
        store: str | Path,
        *,
        labels: Sequence[str],
        project: str = DEFAULT_STREAM,
        question: str = "Which label fits?",
        policy: Certified | None = None,
        window: int = 7600,
        audit_rate: Decimal = Decimal("0.1"),
        model: str = DEFAULT_MODEL,
        effects: Effects = "reversible",
        together: bool = False,
        undo_seconds: int = 10,
        seed: int | None = None,
    ) -> Stream:
        """Make a stream: everything given here is in the log before its first coin falls.

        - ``policy``: at most ``max_error`` of each window's labels may be wrong.
        - ``window``: N, how many labels a window has; ``audit_rate``: pi, the share audited.
        - ``model``: "text"; "FILE.py:NAME" of a function or an object with ``predict``; or
          "predictions": items come with a :class:`Proposal`.
        - ``together``: keep the promise for all windows together, not for each.
        - ``undo_seconds``: how long a person can take an answer back before it is told on.
        - ``seed``: fixes which labels are audited, and the log says that you chose it. Without one
          nobody can know.

        Raises :class:`Infeasible` with the numbers that would do.
        """
        model_named(model, tuple(labels))
        promised = policy or Certified()
        spec = stream_project(
            project, labels=labels, question=question, policy=promised, model=model
        )
        windows = StreamSpec(
            items=window,
            audit_rate=audit_rate,
            effects=effects,
            together=together,
            undo_seconds=undo_seconds,
        )
        # Before there is a store: what is refused leaves nothing behind.
        refuse_infeasible_stream(promised, windows)
        opened = open_store(str(store), create=True)
        try:
            create_stream(opened, spec, windows, actor=ACTOR, seed=seed)
        finally:
            opened.close()
        return cls.open(store, project)

    @classmethod
    def open(cls, store: str | Path, project: str | None = None) -> Stream:
        """The stream of this name, or the only project of the store."""
        view = StoreView.open(str(store), project)
        try:
            return cls(view, make_decider(view.store, view.project, actor=ACTOR))
        except BaseException:
            view.close()
            raise

    # ------------------------------------------------------------------- deciding

    def decide(self, items: Sequence[tuple[str, str] | NewItem]) -> list[Reply]:
        """What became of each item, in order; an item is (key, text), or a :class:`NewItem`.

        The same key again is answered from what is stored. Raises :class:`OtherContent` where it
        came with other content before.
        """
        wanted = [
            item if isinstance(item, NewItem) else NewItem(key=item[0], text=item[1])
            for item in items
        ]
        return [reply_of(item) for item in self._decider.decide(wanted)]

    def look(self, id: str) -> Reply | None:
        """An item as it stands now, by the id of its reply."""
        found = self._decider.look(id)
        return None if found is None else reply_of(found)

    def tend(self) -> bool:
        """Seal answers, certify windows that are over, teach the model; whether anything was."""
        moved = self._tender.tend()
        if self._tender.wants_to_teach():
            moved |= self._tender.teach()
        self.view.store.checkpoint(self.project.id)
        return moved

    def end_window(self) -> None:
        """Let the window take no more items; the next one begins with the next item.

        Its certificate is of the errors it began with, among the items it has. Raises
        :class:`WindowOver` where nothing arrived in it, or it is full.
        """
        self._decider.end_window(self.status().window, by=ACTOR)

    # --------------------------------------------------------------------- people

    def desk(self, reviewer: str, *, kind: str = "person") -> QueueDesk:
        """A reviewer's place at the queue, by name; none for a model, whatever it is called."""
        refuse_judge(kind, reviewer, self.project.policy)
        store, project = self.view.store, self.project
        recorder = recorder_for(store, project.id, actor="desk")
        id = sign_in(store, recorder, name=reviewer, kind=kind)
        return QueueDesk(store=store, project=project, recorder=recorder, reviewer=id)

    # -------------------------------------------------------------------- looking

    @property
    def project(self) -> Project:
        """The stream as a project."""
        return self.view.project

    def status(self) -> StreamStatus:
        """Where the stream stands. Tells of coins: not for whoever reviews."""
        found = status_of(self.view.store, self.project)
        if found is None:
            raise RuntimeError("a stream begins with its first window")
        return found

    def verify(self) -> Verdict:
        """Check the log, and that the tables say what it says."""
        self.view.store.checkpoint(self.project.id)
        return self.view.verify()

    def close(self) -> None:
        """Let go of the store."""
        self.view.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
