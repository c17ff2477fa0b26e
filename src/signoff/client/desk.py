"""A place at a server's queue, as the terminal reviewer knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from signoff.client.sync import RemoteProject
from signoff.core.hints import Alike, MachineSays, ShownHint
from signoff.core.items import Item, ItemNumber
from signoff.core.questions import Answer, Form, form_from_json
from signoff.errors import RemoteError
from signoff.ports import Forecast, Progress, Request
from signoff.server import wire

CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An answer the server has stored; ``hint``: what the machine says, where that shows now."""

    hint: ShownHint | None


@dataclass(slots=True, kw_only=True)
class RemoteDesk:
    """A :class:`signoff.ports.Desk` over a server's API; one item is leased at a time, so that
    others wait for nobody who sits at a terminal."""

    project: RemoteProject
    form: Form
    why: str = ""
    """Why there was nothing to answer the last time."""
    retry_seconds: float | None = None
    """When to ask again; None once every item is decided."""
    _progress: wire.ProgressShown | None = field(default=None, init=False)

    @classmethod
    def at(cls, project: RemoteProject) -> RemoteDesk:
        """A place at a project's queue."""
        questions = [each.model_dump(mode="json") for each in project.describe().questions]
        return cls(project=project, form=form_from_json(questions))

    def next(self) -> Request | None:
        """The next item; None where nothing waits for this person now."""
        found = self.next_many(1)
        return found[0] if found else None

    def next_many(self, limit: int) -> list[Request]:
        """Up to so many items."""
        leased = self.project.lease(limit)
        self._progress = leased.progress
        self.why, self.retry_seconds = leased.why or "", leased.retry_seconds
        return [self._request(each) for each in leased.requests]

    def _request(self, asked: wire.RequestShown) -> Request:
        item = _item(asked.item)
        return Request(id=asked.id, item=item, form=self.form, hint=self._hint(asked.hint))

    def _hint(self, hint: wire.HintShown | None) -> ShownHint | None:
        """What the machine says, where the server shows it."""
        if hint is None:
            return None
        machine = {
            name: MachineSays(
                answer=self.form.question(name).from_json(said.answer),
                confidence=said.confidence,
                words=tuple((each.word, each.weight) for each in said.words),
            )
            for name, said in hint.machine.items()
        }
        return ShownHint(
            machine=machine,
            alike=[
                Alike(item=_item(each.item), answers=self.form.from_json(each.answers))
                for each in hint.alike
            ],
        )

    def answer(
        self, request: Request, answer: Answer | Mapping[str, Answer], *, seconds: float
    ) -> object:
        """Send the answers to one item; returns once the server has stored them."""
        given = dict(answer) if isinstance(answer, Mapping) else {self.form.only.name: answer}
        stored = self.project.answer(request.id, given, seconds=seconds)
        self._progress = stored.progress
        return Sent(hint=self._hint(stored.hint))

    def answer_many(self, answers: Sequence[tuple[Request, Answer | Mapping[str, Answer]]]) -> None:
        """Send several; people give one at a time."""
        for request, answer in answers:
            self.answer(request, answer, seconds=0.0)

    def skip(self, request: Request, reason: str | None = None, *, for_good: bool = False) -> None:
        """Put the item back, behind the others; ``for_good``: for somebody else."""
        self.project.skip(request.id, reason, for_good=for_good)

    def undo(self) -> Request | None:
        """Take back the last answer while that is still possible; the item again."""
        try:
            return self._request(self.project.undo().request)
        except RemoteError as refused:
            if refused.status != CONFLICT:
                raise
            return None

    def progress(self) -> Progress:
        """Where the project stood at the last answer, as far as reviewers may know."""
        told = self._progress or self.project.progress()
        forecast = None
        if told.remaining is not None:
            forecast = Forecast(
                answered=told.answered,
                learning=0,
                audit=0,
                review=told.remaining,
                automatic=told.automatic,
            )
        return Progress(
            pool=1,
            # A reviewer is not told which phase it is: that would tell which items are audited.
            phase="closed" if told.phase == "closed" else "learning",
            items=told.items,
            rows=told.items,
            answered=told.answered,
            automatic=told.automatic,
            open=told.open,
            forecast=forecast,
            seconds_per_answer=None,
            bound=told.bound,
        )


def _item(shown: wire.ItemShown) -> Item:
    text = shown.text or "\n".join(f"{name}: {value}" for name, value in shown.fields.items())
    return Item(number=ItemNumber(0), key=shown.key, text=text, data=dict(shown.fields))
