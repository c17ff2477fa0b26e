"""LangGraph graphs whose people answer signoff's queue; real graphs, real checkpointers."""

import math
import operator
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from signoff.errors import InputError, OtherAnswer, UsageError
from signoff.integrations.langgraph import Review

pytest.importorskip("langgraph", reason="LangGraph is not installed (pip install '.[dev]')")
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.types import Command, Send

LABELS = ["Positive", "Negative"]
SAVERS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class State(TypedDict, total=False):
    text: str
    answer: str | None
    confidence: float | None
    signoff: dict[str, Any]
    stored: Annotated[list[str], operator.add]


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    opened = Review.open(tmp_path / "graph.signoff.db", labels=LABELS, model="toy")
    yield opened
    opened.close()


@contextmanager
def saver(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Any]:
    if kind == "memory":
        yield InMemorySaver()
    elif kind == "sqlite":
        with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as opened:
            yield opened
    else:
        from langgraph.checkpoint.postgres import PostgresSaver

        url = str(request.getfixturevalue("postgres_url")).replace("+psycopg", "")
        with PostgresSaver.from_conn_string(url) as opened:
            opened.setup()
            yield opened


def build(review: Review, said: dict[str, Any], counts: list[str]) -> Any:
    """The tutorial's graph: analyze, perhaps a person, store."""

    def analyze(state: State) -> State:
        counts.append("analyze")
        return {"answer": said["answer"], "confidence": said["confidence"]}

    def store(state: State) -> State:
        counts.append("store")
        return {"stored": [str(state.get("answer"))]}

    graph: Any = StateGraph(State)
    graph.add_node("analyze", analyze)
    graph.add_node("human_feedback", review.node)
    graph.add_node("store", store)
    graph.add_edge(START, "analyze")
    ways = {"auto": "store", "human": "human_feedback"}
    graph.add_conditional_edges("analyze", review.route, ways)
    graph.add_edge("human_feedback", "store")
    graph.add_edge("store", END)
    return graph


def config(thread: str = "1") -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


def person(review: Review, label: str, name: str = "Ann") -> None:
    """A person at the queue answers what is there."""
    desk = review.stream.desk(name)
    while (request := desk.next()) is not None:
        desk.answer(request, request.form.only.parse(label), seconds=1.0)
    review.stream.tend()


@pytest.mark.parametrize("kind", SAVERS)
def test_a_person_at_the_queue_decides_and_the_graph_goes_on(
    review: Review, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    counts: list[str] = []
    with saver(kind, tmp_path, request) as checkpointer:
        app = build(review, {"answer": "Positive", "confidence": 0.99}, counts).compile(
            checkpointer=checkpointer
        )
        found = app.invoke({"text": "A fine day"}, config())
        (asked,) = found["__interrupt__"]
        assert asked.value["text"] == "A fine day"
        assert asked.value["labels"] == LABELS
        assert "Positive" not in str({k: v for k, v in asked.value.items() if k != "labels"})
        assert [each["id"] for each in review.resume(app, config())] == [asked.value["id"]]
        person(review, "Negative")
        assert review.resume(app, config()) == []
        values = app.get_state(config()).values
    assert values["stored"] == ["Negative"]
    assert (values["answer"], values["confidence"]) == ("Negative", 1.0)
    assert values["signoff"]["by"] == "reviewers"
    assert counts == ["analyze", "store"]


def test_many_runs_of_a_node_ask_one_thing_once(review: Review) -> None:
    app = build(review, {"answer": "Positive", "confidence": 0.5}, []).compile(
        checkpointer=InMemorySaver()
    )
    app.invoke({"text": "A fine day"}, config())
    for _ in range(5):
        app.invoke(Command(resume="nothing yet"), config())
    assert review.stream.view.status()["waiting"] == 1
    person(review, "Positive")
    assert review.resume(app, config()) == []
    assert app.get_state(config()).values["stored"] == ["Positive"]


def test_an_answer_that_comes_by_resuming_is_stored_before_the_graph_goes_on(
    review: Review,
) -> None:
    counts: list[str] = []
    app = build(review, {"answer": "Positive", "confidence": 0.5}, counts).compile(
        checkpointer=InMemorySaver()
    )
    (asked,) = app.invoke({"text": "A fine day"}, config())["__interrupt__"]
    app.invoke(Command(resume=said(asked, "Negative")), config())
    assert app.get_state(config()).values["stored"] == ["Negative"]
    table = review.stream.view.results()
    assert table["signoff_answer"].to_list() == ["Negative"]
    assert table["signoff_reviewers"].to_list() == ["Bob"]
    # The same again changes nothing; another one is refused, and the first stands.
    review.answer_as("Bob", asked.value["id"], "Negative")
    for name in ("Bob", "Ann"):
        with pytest.raises(OtherAnswer):
            review.answer_as(name, asked.value["id"], "Positive")
    assert review.stream.view.results()["signoff_answer"].to_list() == ["Negative"]
    assert review.stream.verify().ok


def said(asked: Any, label: str, by: str = "Bob") -> dict[str, Any]:
    """An answer to an interrupt, as one resumes a graph with it."""
    return {**asked.value, "label": label, "by": by}


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"label": "Banana"}, "Banana"),
        ({"label": ""}, "not one of the labels"),
        ({"label": None}, "'label' and 'by' added"),
        ({"by": ""}, "'label' and 'by' added"),
        ({"by": None}, "'label' and 'by' added"),
        ({"shown": "0" * 64}, "something else than waits here"),
        ({"id": "another"}, "something else than waits here"),
        (None, "'label' and 'by' added"),
    ],
)
def test_what_is_no_answer_is_refused_and_a_right_one_taken_after_it(
    review: Review, changed: dict[str, Any] | None, refused: str
) -> None:
    app = build(review, {"answer": "Positive", "confidence": 0.5}, []).compile(
        checkpointer=InMemorySaver()
    )
    (asked,) = app.invoke({"text": "A fine day"}, config())["__interrupt__"]
    assert "refused" not in asked.value
    wrong = "Negative" if changed is None else {**said(asked, "Negative"), **changed}
    (again,) = app.invoke(Command(resume=wrong), config())["__interrupt__"]
    assert refused in again.value["refused"]
    assert again.value["id"] == asked.value["id"]
    assert review.stream.view.status()["waiting"] == 1
    assert len(review.resume(app, config())) == 1
    app.invoke(Command(resume=said(again, "Positive")), config())
    assert app.get_state(config()).values["stored"] == ["Positive"]
    assert review.stream.view.results()["signoff_reviewers"].to_list() == ["Bob"]


def test_an_answer_that_comes_second_is_refused_where_one_can_see_it(review: Review) -> None:
    app = build(review, {"answer": "Positive", "confidence": 0.5}, []).compile(
        checkpointer=InMemorySaver()
    )
    (asked,) = app.invoke({"text": "A fine day"}, config())["__interrupt__"]
    person(review, "Negative")
    (again,) = app.invoke(Command(resume=said(asked, "Positive")), config())["__interrupt__"]
    assert "Another answer stands" in again.value["refused"]
    assert "Negative" in again.value["refused"]
    assert review.resume(app, config()) == []
    values = app.get_state(config()).values
    assert (values["stored"], values["signoff"]["by"]) == (["Negative"], "reviewers")
    assert review.stream.verify().ok


def test_the_same_answer_may_come_second(review: Review) -> None:
    app = build(review, {"answer": "Positive", "confidence": 0.5}, []).compile(
        checkpointer=InMemorySaver()
    )
    (asked,) = app.invoke({"text": "A fine day"}, config())["__interrupt__"]
    person(review, "Negative")
    app.invoke(Command(resume=said(asked, "Negative")), config())
    assert app.get_state(config()).values["stored"] == ["Negative"]


def test_an_answer_to_one_draft_is_not_taken_for_the_next(review: Review) -> None:
    app = drafts(review)
    (first,) = app.invoke({}, config())["__interrupt__"]
    app.invoke(Command(resume=said(first, "Negative")), config())
    (again,) = app.invoke(Command(resume=said(first, "Positive")), config())["__interrupt__"]
    assert again.value["text"] == "Draft 2"
    assert "something else than waits here" in again.value["refused"]
    assert review.stream.view.status()["waiting"] == 1


@pytest.mark.parametrize(
    ("label", "confidence"),
    [
        ("Positive", math.nan),
        ("Positive", math.inf),
        ("Positive", 93),
        ("Positive", -0.1),
        ("Positive", "0.99"),
        ("Positive", True),
        ("Positive", None),
        ("Mixed", 0.99),
        ("POSITIVE.", 0.99),
        (None, 0.99),
        (["Positive"], 0.99),
        ("", 0.99),
    ],
)
def test_no_wild_word_of_a_model_is_taken(
    taught: Review, label: object, confidence: object
) -> None:
    state = {"text": f"A day {label} {confidence}", "answer": label, "confidence": confidence}
    assert taught.route(state, config("wild")) == "human"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    """A review whose people agreed with a sure model long enough for it to be let through."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("taught")
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        opened = Review.open(folder / "graph.signoff.db", labels=LABELS)
        for number in range(120):
            state = {
                "text": f"A fine day {number}",
                "answer": LABELS[number % 2],
                "confidence": 0.97,
            }
            opened.route(state, config("teach"))
            desk = opened.stream.desk("Ann")
            while (request := desk.next()) is not None:
                said = LABELS[int(request.item.text.rpartition(" ")[2]) % 2]
                desk.answer(request, request.form.only.parse(said), seconds=1.0)
            opened.stream.tend()
        yield opened
        opened.close()


def test_what_may_stand_goes_on_without_a_person(taught: Review) -> None:
    ways: list[str] = []
    for number in range(40):
        state = {"text": f"Another day {number}", "answer": LABELS[number % 2], "confidence": 0.97}
        ways.append(taught.route(state, config("auto")))
    assert ways.count("auto") > 25
    at = ways.index("auto")
    # Asked again, the model says something else than what was let through: that does not stand.
    other = {"text": f"Another day {at}", "answer": LABELS[1 - at % 2], "confidence": 0.97}
    assert taught.route(other, config("auto")) == "human"
    app = build(taught, {**other, "confidence": 0.97}, []).compile(checkpointer=InMemorySaver())
    app.invoke({"text": other["text"]}, config("auto"))
    assert app.get_state(config("auto")).values["stored"] == [LABELS[at % 2]]


def test_branches_side_by_side_each_get_their_own_answer(review: Review) -> None:
    class Many(TypedDict, total=False):
        texts: list[str]
        stored: Annotated[list[str], operator.add]

    def each_text(state: Many) -> list[Send]:
        return [Send("one", {"text": text}) for text in state.get("texts", [])]

    def one(state: State, config: RunnableConfig) -> Many:
        found = review.node(state, config)
        return {"stored": [f"{state.get('text')}: {found['answer']}"]}

    graph: Any = StateGraph(Many)
    graph.add_node("one", one)
    graph.add_conditional_edges(START, each_text, ["one"])
    app = graph.compile(checkpointer=InMemorySaver())
    texts = ["good 1", "bad 2", "good 3", "good 1"]
    app.invoke({"texts": texts}, config())
    assert review.stream.view.status()["waiting"] == 3
    desk = review.stream.desk("Ann")
    answered = 0
    while (request := desk.next()) is not None:
        label = "Positive" if "good" in request.item.text else "Negative"
        desk.answer(request, request.form.only.parse(label), seconds=1.0)
        review.stream.tend()
        answered += 1
        left = review.resume(app, config())
        assert len({each["id"] for each in left}) == 3 - answered
    stored = sorted(app.get_state(config()).values["stored"])
    assert stored == ["bad 2: Negative", "good 1: Positive", "good 1: Positive", "good 3: Positive"]


def drafts(review: Review) -> Any:
    """A graph that writes drafts until a person likes one."""

    class Draft(TypedDict, total=False):
        text: str
        answer: str | None
        confidence: float | None
        signoff: dict[str, Any]
        round: int

    def write(state: Draft) -> Draft:
        number = state.get("round", 0) + 1
        return {"text": f"Draft {number}", "round": number, "answer": None, "confidence": None}

    def again(state: Draft) -> str:
        return END if state.get("answer") == "Positive" else "write"

    graph: Any = StateGraph(Draft)
    graph.add_node("write", write)
    graph.add_node("human_feedback", review.node)
    graph.add_edge(START, "write")
    graph.add_edge("write", "human_feedback")
    graph.add_conditional_edges("human_feedback", again, ["write", END])
    return graph.compile(checkpointer=InMemorySaver())


def test_a_loop_asks_again_about_what_changed_alone(review: Review) -> None:
    app = drafts(review)
    app.invoke({}, config())
    for label in ("Negative", "Negative", "Positive"):
        assert len(review.resume(app, config())) == 1
        person(review, label)
    assert review.resume(app, config()) == []
    assert app.get_state(config()).values["round"] == 3
    assert review.stream.view.results().height == 3


def test_reviewers_who_come_in_at_once_by_one_name_are_one(review: Review) -> None:
    with ThreadPoolExecutor(8) as many:
        seats = list(many.map(lambda _: review.stream.desk("Ann").reviewer, range(8)))
    assert len(set(seats)) == 1
    assert review.stream.verify().ok


def test_a_subgraph_waits_and_goes_on_as_its_graph_does(review: Review) -> None:
    counts: list[str] = []
    inner = build(review, {"answer": "Positive", "confidence": 0.5}, counts).compile()
    outer: Any = StateGraph(State)
    outer.add_node("inner", inner)
    outer.add_edge(START, "inner")
    outer.add_edge("inner", END)
    app = outer.compile(checkpointer=InMemorySaver())
    app.invoke({"text": "A fine day"}, config())
    assert len(review.resume(app, config())) == 1
    person(review, "Negative")
    assert review.resume(app, config()) == []
    assert app.get_state(config()).values["stored"] == ["Negative"]
    assert counts.count("store") == 1


def test_a_state_may_name_its_items(tmp_path: Path) -> None:
    review = Review.open(tmp_path / "named.signoff.db", labels=LABELS, key="id")
    state = {"id": "row 7", "text": "A day", "answer": "Positive", "confidence": 0.5}
    assert review.outcome(state, config("1")).id == review.outcome(state, config("2")).id
    with pytest.raises(InputError, match="'id' is empty"):
        review.route({"text": "A day"}, config())
    review.close()


def test_a_store_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "graph.signoff.db"
    Review.open(store, labels=LABELS).close()
    with pytest.raises(UsageError, match="other labels"):
        Review.open(store, labels=["Yes", "No"])
    Review.open(store, labels=["Yes", "No"], project="other").close()


SCRIPT = """
import sys
from langgraph.checkpoint.sqlite import SqliteSaver
sys.path[:0] = [{tests!r}]
from test_langgraph import LABELS, build, config, person
from signoff.integrations.langgraph import Review
import os, signal
review = Review.open({store!r}, labels=LABELS)
with SqliteSaver.from_conn_string({checkpoints!r}) as saver:
    app = build(review, {{"answer": "Positive", "confidence": 0.5}}, []).compile(checkpointer=saver)
    app.invoke({{"text": "A fine day"}}, config())
    if {answer}:
        person(review, "Negative")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_process_loses_no_request_and_no_answer(tmp_path: Path, answered: bool) -> None:
    store, checkpoints = tmp_path / "graph.signoff.db", str(tmp_path / "checkpoints.db")
    script = SCRIPT.format(
        tests=str(Path(__file__).parent), store=str(store), checkpoints=checkpoints, answer=answered
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    review = Review.open(store, labels=LABELS)
    counts: list[str] = []
    with SqliteSaver.from_conn_string(checkpoints) as opened:
        app = build(review, {"answer": "Positive", "confidence": 0.5}, counts).compile(
            checkpointer=opened
        )
        if not answered:
            assert len(review.resume(app, config())) == 1
            person(review, "Negative")
        assert review.resume(app, config()) == []
        assert app.get_state(config()).values["stored"] == ["Negative"]
    assert counts == ["store"]
    assert review.stream.verify().ok
    review.close()
