"""The tutorial's flow: a graph per row, prints as it goes, a list of results, a CSV at the end.

    python benchmarks/_tutorial_graph.py IN.csv OUT.csv

Three nodes: the model speaks, a person is asked where its own confidence is below 0.95, the result
is kept. The person here answers at once, with the ``label`` column.
"""

from __future__ import annotations

import sys
from typing import Any

import polars as pl
from langgraph.graph import END, StateGraph

from _tutorial_model import PROMPT, answer, read

BAR = 0.95

State = dict[str, Any]


def main(source: str, target: str) -> None:
    """Label every row of a CSV with columns ``text`` and ``label``."""
    table = pl.read_csv(source, infer_schema=False)
    truth = dict(zip(table["text"].to_list(), table["label"].to_list(), strict=True))
    results: list[State] = []

    def ask_model(state: State) -> State:
        print(f"\nReading: {state['text'][:60]!r}")
        state["sentiment"], state["confidence"] = read(answer(PROMPT + state["text"]))
        return state

    def ask_person(state: State) -> State:
        print(f"Not sure ({state['confidence']:.2f}), please look:\n  {state['text']}")
        state["sentiment"], state["confidence"] = truth[state["text"]], 1.0
        print(f"A person says {state['sentiment']}")
        return state

    def keep(state: State) -> State:
        results.append(
            {
                "text": state["text"],
                "sentiment": state["sentiment"],
                "confidence": state["confidence"],
            }
        )
        print(f"Kept: {state['sentiment']} ({state['confidence']:.2f})")
        return state

    graph = StateGraph(dict)
    graph.add_node("ask_model", ask_model)
    graph.add_node("ask_person", ask_person)
    graph.add_node("keep", keep)
    graph.set_entry_point("ask_model")
    graph.add_conditional_edges(
        "ask_model", lambda state: "ask_person" if state["confidence"] < BAR else "keep"
    )
    graph.add_edge("ask_person", "keep")
    graph.add_edge("keep", END)
    app = graph.compile()
    for text in truth:
        app.invoke({"text": text})
    pl.DataFrame(results).write_csv(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
