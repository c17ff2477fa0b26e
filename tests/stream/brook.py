"""A small stream over a real store: a model that can be told to go wrong, a person who answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path

from signoff.bootstrap import ProjectSpec, create_stream, make_decider, recorder_for
from signoff.core.questions import Choice, Chosen, Form
from signoff.core.records import Project
from signoff.core.routing import Certified
from signoff.core.streams import StreamItem, StreamSpec, StreamState, Window
from signoff.desk import QueueDesk, sign_in
from signoff.store.store import SqlStore
from signoff.stream.decider import Decider, NewItem
from signoff.stream.fitting import teach

MODEL = '''
def guess(texts):
    """Believes the word in front, whatever comes after it."""
    return [(text.split()[0], 0.97 if "hm" not in text else 0.55) for text in texts]
'''

SPEC = StreamSpec(items=300, audit_rate=Decimal("0.2"), undo_seconds=0)
POLICY = Certified(max_error=Decimal("0.1"), certainty=Decimal("0.9"))

Says = Callable[[str], str]


def truth(text: str) -> str:
    """What people say of a text such as "yes 17" or "yes 18 lie"."""
    word = text.split()[0]
    return {"yes": "no", "no": "yes"}[word] if text.endswith("lie") else word


@dataclass(slots=True, kw_only=True)
class Brook:
    """A stream that asks yes or no, and the few words its tests need."""

    store: SqlStore
    project: Project
    decider: Decider
    where: str
    folder: Path
    numbers: count[int] = field(default_factory=count)

    @classmethod
    def open(
        cls,
        where: str,
        folder: Path,
        *,
        spec: StreamSpec = SPEC,
        policy: Certified = POLICY,
        model: str | None = None,
        name: str = "brook",
        seed: int | None = None,
    ) -> Brook:
        path = folder / "guess.py"
        path.write_text(MODEL)
        store = SqlStore(where, artifacts=folder / "artifacts")
        project = create_stream(
            store,
            ProjectSpec(
                name=name,
                form=Form((Choice.of(["yes", "no"]),)),
                policy=policy,
                rules=(),
                process={"kind": "person"},
                model=model or f"{path}:guess",
                group=False,
                text_column="text",
                key_column="key",
                hidden=(),
            ),
            spec,
            actor="test",
            seed=seed,
        )
        return cls(
            store=store,
            project=project,
            decider=make_decider(store, project, actor="test"),
            where=where,
            folder=folder,
        )

    def again(self) -> Brook:
        """The same stream as another process has it."""
        store = SqlStore(self.where, artifacts=self.folder / "artifacts", create=False)
        return Brook(
            store=store,
            project=self.project,
            decider=make_decider(store, self.project, actor="other"),
            where=self.where,
            folder=self.folder,
        )

    def close(self) -> None:
        self.store.close()

    # ------------------------------------------------------------------- traffic

    def texts(self, n: int, *, lies: bool = False) -> list[NewItem]:
        """Items of their own; ``lies``: the model's word for them is wrong."""
        made: list[NewItem] = []
        for _ in range(n):
            number = next(self.numbers)
            tail = " lie" if lies else ""
            text = f"{('yes', 'no')[number % 2]} {number}{tail}"
            made.append(NewItem(key=f"k{number}", text=text))
        return made

    def send(self, items: Sequence[NewItem]) -> list[StreamItem]:
        return self.decider.decide(items)

    def learn(self) -> None:
        """Answers enough for the model to be trusted."""
        self.send(self.texts(60))
        self.answer()
        assert self.teach()

    def teach(self) -> bool:
        recorder = recorder_for(self.store, self.project.id, actor="test")
        policy = self.decider.policy
        return teach(self.store, self.project, policy, recorder, self.state)

    # -------------------------------------------------------------------- people

    def desk(self, name: str = "ann") -> QueueDesk:
        recorder = recorder_for(self.store, self.project.id, actor="test")
        return QueueDesk(
            store=self.store,
            project=self.project,
            recorder=recorder,
            reviewer=sign_in(self.store, recorder, name=name, kind="person"),
        )

    def answer(self, *, most: int = 10_000, says: Says = truth, settle: bool = True) -> int:
        """Answer what waits; how many there were."""
        desk, done = self.desk(), 0
        while done < most and (requests := desk.next_many(min(50, most - done))):
            desk.answer_many([(each, Chosen(says(each.item.text))) for each in requests])
            done += len(requests)
        if settle:
            self.decider.settle()
        return done

    # ------------------------------------------------------------------- looking

    @property
    def state(self) -> StreamState:
        return self.store.stream(self.project.id)

    @property
    def window(self) -> Window:
        found = self.store.window(self.project.id)
        assert found is not None
        return found

    def events(self, *types: str) -> list[str]:
        """The types of events in the log so far."""
        self.store.checkpoint(self.project.id)
        return [event.type for event in self.store.events(self.project.id, list(types) or None)]
