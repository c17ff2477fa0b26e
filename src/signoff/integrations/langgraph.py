"""A node and a conditional edge for LangGraph: people decide where no certificate lets a model.

::

    review = Review.open("reviews.signoff.db", labels=["Positive", "Negative"], answer="sentiment")

    graph.add_node("human_feedback", review.node)
    ways = {"auto": "store", "human": "human_feedback"}
    graph.add_conditional_edges("analyze", review.route, ways)

The edge asks a stream of the store (:class:`signoff.Stream`) what becomes of the model's label; the
node waits, with LangGraph's ``interrupt``, for whoever answers the queue: on the review page, at a
terminal, over the API, or by resuming the graph with an answer. What a person says is in the store
before the graph goes on, bound to what was shown.

LangGraph runs a node again from its start when it resumes, and may run it any number of times.
Nothing here happens twice for that: a request is named by its thread and by what it shows, and the
store knows what was said to it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

from signoff.core.canonical import canonical_json
from signoff.core.routing import Certified
from signoff.core.streams import Reply, choice_of
from signoff.errors import InputError, OtherAnswer, UsageError
from signoff.live import NewItem, Proposal, Stream
from signoff.models.predictions import PREDICTIONS

try:
    # LangGraph looks for these names where its annotations say so: here, when it runs.
    from langchain_core.runnables import RunnableConfig
    from langgraph.errors import GraphInterrupt
    from langgraph.types import Command, interrupt
except ImportError as error:
    raise UsageError(
        "The LangGraph integration needs the package langgraph.",
        hint="Run: pip install 'signoff[langgraph]'",
        code="missing_extra",
    ) from error

State = dict[str, Any]
Way = Literal["auto", "human"]

WAITS, POLL_SECONDS = "waits for a person", 0.2
ANSWER_SO = (
    "Resume the graph with the value of the interrupt and 'label' and 'by' added,"
    " or with None once somebody answered elsewhere."
)
ACCOUNT = "signoff"
"""The field of a node's update that says who decided, and where that is written."""


@dataclass(slots=True, kw_only=True)
class Review:
    """Review of one question in a graph whose state is a mapping.

    ``text``, ``answer`` and ``confidence`` name the fields of the state that hold the text to be
    judged, the model's label, and how sure it says it is; ``key`` the one that names an item, where
    there is one. ``shows``: further fields that people see. ``clock`` gives seconds.
    """

    stream: Stream
    text: str = "text"
    answer: str = "answer"
    confidence: str = "confidence"
    key: str | None = None
    shows: Sequence[str] = ()
    model: str = ""
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def open(
        cls,
        store: str | Path,
        *,
        labels: Sequence[str],
        project: str = "graph",
        question: str = "Which label fits?",
        policy: Certified | None = None,
        window: int = 7600,
        audit_rate: Decimal = Decimal("0.1"),
        text: str = "text",
        answer: str = "answer",
        confidence: str = "confidence",
        key: str | None = None,
        shows: Sequence[str] = (),
        model: str = "",
    ) -> Review:
        """Over a stream of a store, which is made where it is not there yet.

        The stream's own settings (``question``, ``policy``, ``window``, ``audit_rate``) count when
        it is made. ``model`` names the model in the log. Raises :class:`UsageError` where the
        project is there with other labels, or is no stream of proposals.
        """
        return cls(
            stream=_stream(
                str(store),
                labels=labels,
                project=project,
                question=question,
                policy=policy,
                window=window,
                audit_rate=audit_rate,
            ),
            text=text,
            answer=answer,
            confidence=confidence,
            key=key,
            shows=shows,
            model=model,
        )

    # ------------------------------------------------------------------ in a graph

    def route(self, state: Mapping[str, Any], config: RunnableConfig) -> Way:
        """The conditional edge: "auto" where the label may stand, "human" where a person decides.

        Where too few people answered yet, or an audit found too much, that is "human".
        """
        reply = self._decide(state, config)
        # A model that is asked again may say something else than what was let through.
        stands = reply.route == "AUTO" and _label(reply) == state.get(self.answer)
        return "auto" if stands else "human"

    def node(self, state: Mapping[str, Any], config: RunnableConfig) -> State:
        """The node: what a person says, as an update of the state; interrupts the graph until there
        is an answer.

        A graph may be resumed with nothing once the answer is stored, or with the answer itself,
        which is stored first: the interrupt's value with ``label`` and ``by`` added. What is no
        such answer, or another one than stands, is refused: the graph interrupts again, and
        ``refused`` says why. (An exception would do that for ever: LangGraph keeps what a node was
        resumed with, and hands it over each time the node runs.)
        """
        item = self._item(state, config)
        reply = self._decide(state, config)
        refused: str | None = None
        while True:
            now = self._said(reply)
            try:
                resumed = interrupt(self._asks(item, reply, refused))
            except GraphInterrupt:
                # Nothing was sent along; whoever was refused hears of it before the graph goes on.
                if now is None or refused is not None:
                    raise
                break
            refused = self._take(item, reply, resumed)
            now = self._said(reply)
            if now is not None and refused is None:
                break
        return {
            self.answer: _label(now),
            self.confidence: now.confidence if now.by == "model" else 1.0,
            ACCOUNT: {"id": now.id, "by": now.by, "why": now.why},
        }

    def outcome(self, state: Mapping[str, Any], config: RunnableConfig) -> Reply:
        """What became of a state's item so far, as the store has it."""
        return self._decide(state, config)

    def _decide(self, state: Mapping[str, Any], config: RunnableConfig) -> Reply:
        (reply,) = self.stream.decide([self._item(state, config)])
        return reply

    def _item(self, state: Mapping[str, Any], config: RunnableConfig) -> NewItem:
        text = "" if state.get(self.text) is None else str(state[self.text])
        data = {name: _plain(state.get(name)) for name in self.shows}
        label = state.get(self.answer)
        item = NewItem(
            key="",
            text=text,
            data=data,
            proposal=Proposal(
                label=label if isinstance(label, str) else None,
                confidence=_number(state.get(self.confidence)),
                by=self.model,
            ),
        )
        return NewItem(
            key=self._key(state, config, item.digest),
            text=item.text,
            data=item.data,
            proposal=item.proposal,
        )

    def _key(self, state: Mapping[str, Any], config: RunnableConfig, digest: str) -> str:
        """Names the request: by the graph's thread and what is shown, or by the state's own key."""
        if self.key is not None:
            own = state.get(self.key)
            if own in (None, ""):
                raise InputError(
                    f"The state's {self.key!r} is empty, and it names the item.",
                    hint="Give every item a key of its own, or leave key out.",
                )
            return str(own)
        thread = str(config.get("configurable", {}).get("thread_id", ""))
        named = hashlib.sha256(canonical_json([thread, digest])).hexdigest()[:32]
        return f"graph-{named}"

    def _asks(self, item: NewItem, reply: Reply, refused: str | None) -> State:
        """What an interrupt carries: enough to answer it, and nothing of what the model says."""
        return {
            "signoff": WAITS,
            "id": reply.id,
            "question": choice_of(self.stream.project).text,
            "labels": list(choice_of(self.stream.project).ids),
            "shown": item.digest,
            **item.seen,
            **({} if refused is None else {"refused": refused}),
        }

    def _said(self, reply: Reply) -> Reply | None:
        """The item as it is decided by now; None while it waits."""
        now = self.stream.look(reply.id) or reply
        return None if now.answer is None else now

    # -------------------------------------------------------------------- answering

    def _take(self, item: NewItem, reply: Reply, resumed: object) -> str | None:
        """Store the answer that a graph was resumed with, if it was with one; why not, else."""
        if resumed is None:
            return None
        said: Mapping[str, object] = {}
        if isinstance(resumed, Mapping):
            said = cast("Mapping[str, object]", resumed)
        label, by = said.get("label"), said.get("by")
        if not (isinstance(label, str) and isinstance(by, str) and by.strip()):
            return ANSWER_SO
        if (said.get("id"), said.get("shown")) != (reply.id, item.digest):
            return f"This answer was given to something else than waits here. {ANSWER_SO}"
        try:
            self.answer_as(by, reply.id, label)
        except OtherAnswer as other:
            return f"Another answer stands, {other.first}. This one was not taken."
        except (InputError, UsageError) as error:
            return f"{error.message} {error.hint or ''}".strip()
        return None

    def answer_as(self, reviewer: str, id: str, label: str) -> None:
        """Store a person's answer to an item that waits, by its id; the same again is stored once.

        Raises :class:`OtherAnswer` where another one stands, :class:`InputError` where it is no
        answer to the question.
        """
        reply = self.stream.look(id)
        if reply is None or reply.request is None:
            raise InputError(
                f"Nothing waits under the id {id[:60]!r}.", hint="Take it from the interrupt."
            )
        question = choice_of(self.stream.project)
        answer = question.parse(label)
        # The same answer sent again is the same review: one item has one id of it.
        review = str(UUID(hex=hashlib.sha256(reply.request.encode()).hexdigest()[:32], version=4))
        desk = self.stream.desk(reviewer)
        receipt = desk.answer(reply.request, answer, seconds=None, id=review)
        self.stream.tend()
        if receipt.counted:
            return
        # Somebody else was first. What was said is kept beside that, and counts for nothing.
        stands, said = self.stream.look(id), answer.to_json()
        first: object = None if stands is None else stands.corrected or stands.answer
        if first != said:
            raise OtherAnswer({question.name: first}, {question.name: said})

    # -------------------------------------------------------------------- resuming

    def resume(self, graph: Any, config: RunnableConfig) -> list[State]:
        """Let a graph go on as far as its requests are answered; those it still waits for."""
        while True:
            self.stream.tend()
            waiting = list(_interrupts(graph, config))
            done = {
                each.id: None for each in waiting if self._is_decided(str(each.value.get("id")))
            }
            if not done:
                return [each.value for each in waiting]
            graph.invoke(Command(resume=done), config)

    def wait(self, graph: Any, config: RunnableConfig, *, seconds: float | None = None) -> bool:
        """Resume a graph as answers come, until it waits for none; False when the time is over."""
        until = None if seconds is None else self.clock() + seconds
        while self.resume(graph, config):
            if until is not None and self.clock() > until:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _is_decided(self, id: str) -> bool:
        found = self.stream.look(id)
        return found is not None and found.answer is not None

    def close(self) -> None:
        """Let go of the store."""
        self.stream.close()


def _stream(
    store: str,
    *,
    labels: Sequence[str],
    project: str,
    question: str,
    policy: Certified | None,
    window: int,
    audit_rate: Decimal,
) -> Stream:
    from signoff.bootstrap import open_store

    opened = open_store(store, create=True)
    try:
        known = opened.find_project(project)
    finally:
        opened.close()
    if known is None:
        return Stream.create(
            store,
            labels=labels,
            project=project,
            question=question,
            policy=policy,
            window=window,
            audit_rate=audit_rate,
            model=PREDICTIONS,
            undo_seconds=0,
        )
    if known.model != PREDICTIONS or known.kind != "stream":
        raise UsageError(
            f"Project {project!r} of {store} takes no proposals of a graph.",
            hint="Pass another project=NAME.",
        )
    if choice_of(known).ids != tuple(labels):
        raise UsageError(
            f"Project {project!r} was begun with other labels ({', '.join(choice_of(known).ids)}).",
            hint="Pass these, or another project=NAME.",
        )
    return Stream.open(store, project)


def _interrupts(graph: Any, config: RunnableConfig) -> Iterator[Any]:
    """What a graph waits for that is a request of a review, subgraphs' among it."""
    seen: set[str] = set()
    for task in graph.get_state(config, subgraphs=True).tasks:
        for each in _of_task(task):
            value = each.value
            ours = isinstance(value, dict) and cast("State", value).get("signoff") == WAITS
            if ours and each.id not in seen:
                seen.add(each.id)
                yield each


def _of_task(task: Any) -> Iterator[Any]:
    yield from task.interrupts
    for inner in getattr(task.state, "tasks", ()):
        yield from _of_task(inner)


def _number(value: object) -> float | None:
    """A number, whatever it is worth; None for anything else, which no confidence is."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _label(reply: Reply) -> str | None:
    """The label that an item has by now, a person's before the model's; None where a person could
    not say."""
    label = (reply.corrected or reply.answer or {}).get("label")
    return label if isinstance(label, str) else None
