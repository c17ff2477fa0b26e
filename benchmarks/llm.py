"""A language model behind a slow network: the tutorial's flow, the bare library, and signoff.

All ask one server of the toy (``signoff.testing.llm_servers``) in the wire format of Gemini, 200 ms
a reply, through Google's own libraries. The tutorial's graph has one call in flight; the bare
library and signoff have 64, so that no more than 64 / 0.2 s = 320 replies a second can come.

    python benchmarks/llm.py [--quick] [--json FILE]

Needs ``pip install langgraph langchain-google-genai 'google-genai[aiohttp]'``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from _measure import HERE, OUT, SOURCE, Row, finish, parser, row, run_python, tell

LATENCY, AT_ONCE = 0.2, 64
BOUND = AT_ONCE / LATENCY
SIDES = str(HERE / "_llm_sides.py")
FAILING = 0.05


@contextmanager
def toy(failing: float = 0.0) -> Generator[str]:
    """The server in a process of its own; its address."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, SIDES, "serve", str(LATENCY), str(failing)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def measured(side: str, url: str, count: int) -> dict[str, float]:
    """One side on so many texts."""
    found = json.loads(run_python([SIDES, side, url, str(count)], home=OUT / "llm").or_fail().out)
    return {**found, "pace": count / found["seconds"], "cpu per call": found["cpu"] / count}


def main() -> int:
    options = parser(__doc__)
    given = options.parse_args()
    few, many, most = (15, 2_000, 4_000) if given.quick else (100, 8_000, 100_000)
    with toy() as url:
        graph = measured("graph", url, few)
        bare = measured("bare", url, many)
        ours = measured("signoff", url, many)
        small = measured("signoff", url, 1_000)
        large = measured("signoff", url, most)
    with toy(FAILING) as url:
        failing = measured("signoff", url, many)
    spent = 1000 * (ours["cpu per call"] - bare["cpu per call"])
    lost, some = many - failing["answered"], "with 5 % of the calls failing"
    allowed = f"of the {BOUND:g} replies a second that {AT_ONCE} calls at once allow"
    lines: list[Row] = [
        row(
            "items/s: signoff over the tutorial's graph",
            ours["pace"] / graph["pace"],
            "x",
            least=50,
        ),
        row(f"signoff's share {allowed}", 100 * ours["pace"] / BOUND, "%", least=75),
        row("the bare library's share of them", 100 * bare["pace"] / BOUND, "%"),
        row("the tutorial's graph", graph["pace"], "items/s"),
        row("processor time of a call over the bare library's", spent, "ms", most=2),
        row(f"memory at {most:,} texts over that at 1,000", large["mb"] - small["mb"], "MB"),
        row(f"items/s {some}, over none", 100 * failing["pace"] / ours["pace"], "%", least=80),
        row(f"rows lost {some}", lost, "rows", most=0),
    ]
    for line in lines:
        tell(line)
    return finish(lines, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
