"""The review page answers what a LangGraph graph waits for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from stored_projects import StoredProject
from teams import AtWork

pytest.importorskip("langgraph", reason="LangGraph is not installed (pip install '.[dev]')")

LABELS = ("Positive", "Negative")
# Playwright's event loop lives in the test's thread: the graph runs in a process of its own.
GRAPH = """
import sys
from typing import TypedDict
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from signoff.integrations.langgraph import Review

class State(TypedDict, total=False):
    text: str
    answer: str
    confidence: float

review = Review.open({store!r}, labels={labels!r})
graph = StateGraph(State)
graph.add_node("human_feedback", review.node)
graph.add_edge(START, "human_feedback")
graph.add_edge("human_feedback", END)
with SqliteSaver.from_conn_string({checkpoints!r}) as saver:
    app = graph.compile(checkpointer=saver)
    for number, text in enumerate({texts!r}):
        config = {{"configurable": {{"thread_id": str(number)}}}}
        if not app.get_state(config).values:
            app.invoke({{"text": text, "answer": "Positive", "confidence": 0.9}}, config)
        left = review.resume(app, config)
        print(len(left), app.get_state(config).values["answer"])
review.close()
"""


def test_a_person_at_the_page_lets_a_graph_go_on(
    tmp_path: Path, person: Callable[[], BrowserContext], run_python: Callable[[str], list[str]]
) -> None:
    store, texts = tmp_path / "graph.signoff.db", ["good, a fine day", "bad, an awful day"]
    script = GRAPH.format(
        store=str(store),
        labels=LABELS,
        checkpoints=str(tmp_path / "checkpoints.db"),
        texts=texts,
    )
    assert run_python(script) == ["1 Positive", "1 Positive"]
    with StoredProject.serve(store) as link:
        page = person().new_page()
        page.goto(link)
        ann = AtWork(page=page)
        ann.ready()
        for text, key in zip(texts, "12", strict=True):
            expect(ann.item).to_have_text(text)
            page.keyboard.press(key)
        ann.saved()
    assert run_python(script) == ["0 Positive", "0 Negative"]
