"""The sides of ``llm.py``, each in a process of its own against one server of the toy.

    python benchmarks/_llm_sides.py serve LATENCY FAILING
    python benchmarks/_llm_sides.py graph|bare|signoff URL COUNT

``serve`` prints its address; the others print what so many calls took, imports left out.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

AT_ONCE = 64
MODEL = "gemini-2.5-flash"
WORDS = [
    "the",
    "plot",
    "of",
    "this",
    "film",
    "about",
    "two",
    "friends",
    "and",
    "a",
    "boat",
    "was",
    "long",
    "and",
    "slow",
    "but",
]
PER_MB = 1 << 20 if sys.platform == "darwin" else 1 << 10


def texts(count: int) -> list[str]:
    """Short texts, no two of them alike."""
    said = ("wonderful", "awful")
    return [f"{' '.join(WORDS[n % 7 : n % 7 + 8])} {said[n % 2]}, number {n}" for n in range(count)]


def serve(latency: float, failing: float) -> None:
    """Serve the toy until this process is ended; a share of its replies fails."""
    from signoff.testing.llm_servers import Fault, Toy, llm_server

    faults = [Fault(kind=kind, share=failing / 2) for kind in ("503", "drop")] if failing else []  # type: ignore[arg-type]
    with llm_server(Toy(latency=latency, faults=faults)) as server:
        print(server.url, flush=True)
        threading.Event().wait()


def graph(url: str, count: int) -> Callable[[], int]:
    """The tutorial's flow: one call in flight, confidence read from the reply's lines."""
    from langchain_google_genai import ChatGoogleGenerativeAI
    from langgraph.graph import END, StateGraph

    model = ChatGoogleGenerativeAI(model=MODEL, api_key="none", base_url=url)
    results: list[dict[str, Any]] = []

    def ask(state: dict[str, Any]) -> dict[str, Any]:
        prompt = f'Given the text: "{state["text"]}", classify it and say how sure you are.'
        lines = str(model.invoke(prompt).content).splitlines()
        said = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
        return {**state, "label": said["Sentiment"], "confidence": float(said["Confidence"])}

    def keep(state: dict[str, Any]) -> dict[str, Any]:
        results.append(state)
        return state

    flow = StateGraph(dict)
    flow.add_node("ask", ask)
    flow.add_node("person", lambda state: {**state, "confidence": 1.0})
    flow.add_node("keep", keep)
    flow.set_entry_point("ask")
    flow.add_conditional_edges("ask", lambda s: "person" if s["confidence"] < 0.95 else "keep")
    flow.add_edge("person", "keep")
    flow.add_edge("keep", END)
    app = flow.compile()

    def go() -> int:
        for text in texts(count):
            app.invoke({"text": text})
        return len(results)

    return go


def bare(url: str, count: int) -> Callable[[], int]:
    """The provider's own library, as many calls at once as signoff makes, and nothing else."""
    from google import genai
    from google.genai import types

    from signoff.core.questions import Choice
    from signoff.models.llm.prompts import Prompt

    prompt = Prompt(question=Choice.of(["Positive", "Negative"]))
    config = types.GenerateContentConfig(
        system_instruction=prompt.instructions,
        response_mime_type="application/json",
        response_json_schema=dict(prompt.form.schema),
        response_logprobs=True,
        logprobs=20,
    )

    async def all_calls() -> int:
        client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url))
        room, found = asyncio.Semaphore(AT_ONCE), 0

        async def one(text: str) -> None:
            nonlocal found
            async with room:
                reply = await client.aio.models.generate_content(
                    model=MODEL, contents=prompt.call(text).prompt, config=config
                )
                found += bool(json.loads(reply.text or "{}")["answer"])

        await asyncio.gather(*(one(text) for text in texts(count)))
        await client.aio.aclose()
        return found

    return lambda: asyncio.run(all_calls())


def signoff(url: str, count: int) -> Callable[[], int]:
    """A language model's predictions for a pool."""
    from signoff.core.items import Items
    from signoff.models.llm import Limits, language_model

    limits = Limits(at_once=AT_ONCE)
    model = language_model(f"gemini:{MODEL}", ["Positive", "Negative"], base_url=url, limits=limits)
    items = Items({"text": texts(count)}, text_column="text")
    return lambda: int((model.predict(items).answer >= 0).sum())


def main(side: str, *given: str) -> None:
    """Run one side."""
    if side == "serve":
        serve(float(given[0]), float(given[1]))
        return
    url, count = given[0], int(given[1])
    go = {"graph": graph, "bare": bare, "signoff": signoff}[side](url, count)
    began, cpu = time.perf_counter(), time.process_time()
    answered = go()
    found = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "answered": answered,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PER_MB,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
