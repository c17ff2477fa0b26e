"""``signoff serve`` beside Label Studio: next, submit, import and export, with one generator.

Both serve from SQLite on this machine; reviewers answer as fast as they are served, over a new
connection for each request. Label Studio is installed in an environment of its own, under
``benchmarks/out``.

    python benchmarks/server.py [--quick] [--again] [--json FILE]

Finished parts are kept in ``benchmarks/out/server.json``.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Sequence

from _label_studio import Annotator, LabelStudio, environment
from _load import Seat, Times, answer_all, quantile
from _measure import OUT, SOURCE, Kept, Row, finish, parser, row, tell
from _signoff_server import Reviewer, SignoffServer

WORK = OUT / "server"
CROWDS, QUICK_CROWDS = (1, 8, 32), (1, 8)
SIZE, QUICK_SIZE = 100_000, 1_000
SMALL, LARGE = 1_000, 1_000_000
STATIC = SOURCE / "signoff" / "server" / "static"


def measured(seats: Sequence[Seat], *, seconds: float) -> dict[str, float]:
    """Let a crowd answer for a while."""
    times = answer_all(seats, seconds=seconds, meanwhile=lambda: None)
    if not times.submit:
        raise SystemExit("nobody could answer anything")
    return numbers(times)


def numbers(times: Times) -> dict[str, float]:
    """A crowd's times in milliseconds, and its pace."""
    return {
        "next p50": quantile(times.next, 0.5),
        "next p99": quantile(times.next, 0.99),
        "submit p50": quantile(times.submit, 0.5),
        "submit p99": quantile(times.submit, 0.99),
        "answers/s": times.answers_per_second,
        "failures": float(times.failures),
    }


def label_studio(size: int, crowds: Sequence[int], seconds: float) -> dict[str, float]:
    """Everything about Label Studio at one size."""
    found: dict[str, float] = {}
    python = environment(OUT / "label-studio")
    with LabelStudio.running(python, WORK / "label-studio", port=free_port()) as server:
        people = server.people(max(crowds))
        project = server.project()
        texts = [f"a short review of thing number {n}" for n in range(size)]
        start = time.perf_counter()
        for at in range(0, size, 10_000):
            server.add(project, texts[at : at + 10_000], predicted="Positive")
        found["import/s"] = size / (time.perf_counter() - start)
        for crowd in crowds:
            seats = [Annotator(address=each, project=project) for each in people[:crowd]]
            for name, value in measured(seats, seconds=seconds).items():
                found[f"{crowd}: {name}"] = value
        doubled, given = server.doubled(project)
        found["doubled"] = 100 * doubled / max(1, given - doubled)
        start = time.perf_counter()
        path = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
        status, said = server.admin.call("GET", path)
        if status != 200:
            raise SystemExit(f"export: {status} {said[:200]!r}")
        found["export/s"] = size / (time.perf_counter() - start)
    return found


def signoff(size: int, crowds: Sequence[int], seconds: float) -> dict[str, float]:
    """Everything about signoff at one size."""
    found: dict[str, float] = {}
    folder = WORK / f"signoff-{size}"
    with SignoffServer.running(folder, items=size, reviewers=max(crowds)) as server:
        found["idle MB"] = server.memory_mb()
        for crowd in crowds:
            seats = [
                Reviewer(address=each, project=server.project) for each in server.people[:crowd]
            ]
            for name, value in measured(seats, seconds=seconds).items():
                found[f"{crowd}: {name}"] = value
        doubled, given = server.doubled()
        found["doubled"] = 100 * doubled / max(1, given)
        found["export/s"] = size / exported(server)
        found["import/s"] = size / imported(server, size)
        found["MB after"] = server.memory_mb()
    return found


def exported(server: SignoffServer) -> float:
    """Seconds for the results of the whole project as JSON lines."""
    start = time.perf_counter()
    path = f"/api/v1/projects/{server.project}/export?format=jsonl&wait=120"
    status, said = server.admin.call("GET", path)
    if status != 200:
        raise SystemExit(f"export: {status} {said[:200]!r}")
    return time.perf_counter() - start


def imported(server: SignoffServer, size: int) -> float:
    """Seconds to bring so many new texts in with a prediction each, as a project of their own."""
    rows = (
        json.dumps({"text": f"a new review {n}", "prediction": "Positive", "confidence": 0.9})
        for n in range(size)
    )
    payload = "\n".join(rows).encode()
    start = time.perf_counter()
    typed = {**server.admin.headers, "Content-Type": "application/x-ndjson"}
    admin = type(server.admin)(port=server.port, headers=typed)
    upload = admin.json("POST", "/api/v1/uploads?name=rows.ndjson", payload)
    wanted = {
        "name": "imported", "upload": upload["id"], "labels": ["Positive", "Negative"],
        "text": "text", "model": "predictions", "policy": {"kind": "people"},
    }  # fmt: skip
    job = server.admin.json("POST", "/api/v1/projects", wanted)
    server.wait(job["id"])
    return time.perf_counter() - start


def page_kb() -> float:
    """Script and style of the page for a choice, as a browser loads them (KB, gzip)."""
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    files = re.findall(r"assets/page-[\w-]+\.(?:js|css)", index)
    return sum(len(gzip.compress((STATIC / file).read_bytes())) for file in files) / 1000


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--again", action="store_true", help="forget what was kept from before")
    given = options.parse_args()
    size, crowds = (QUICK_SIZE, QUICK_CROWDS) if given.quick else (SIZE, CROWDS)
    seconds = 5.0 if given.quick else 30.0
    kept_file = OUT / ("server.quick.json" if given.quick else "server.json")
    if given.again:
        kept_file.unlink(missing_ok=True)
    kept = Kept(kept_file)
    ours = kept.get(f"signoff {size}", lambda: signoff(size, crowds, seconds))
    theirs = kept.get(f"label studio {size}", lambda: label_studio(size, crowds, seconds))
    rows = compared(ours, theirs, size, crowds)
    if not given.quick:
        few = kept.get(f"signoff {SMALL}", lambda: signoff(SMALL, (1, 8), 10.0))
        many = kept.get(f"signoff {LARGE}", lambda: signoff(LARGE, (1, 8), 10.0))
        rows += flat(few, many)
    rows.append(row("page for a choice, script and style (gzip)", page_kb(), "KB", most=40))
    for line in rows:
        tell(line)
    return finish(rows, given.json)


def compared(
    ours: dict[str, float], theirs: dict[str, float], size: int, crowds: Sequence[int]
) -> list[Row]:
    """Ratios against Label Studio, and the numbers behind them."""
    most = max(crowds)
    what = f"{size:,} items"
    rows = [
        row(
            f"next p50, Label Studio's over signoff's ({what}, 1 reviewer)",
            theirs["1: next p50"] / ours["1: next p50"],
            "x",
            least=30,
        ),
        row(
            f"answers a second, signoff's over Label Studio's ({what}, {most} reviewers)",
            ours[f"{most}: answers/s"] / theirs[f"{most}: answers/s"],
            "x",
            least=100,
        ),
        row("second answers to one item, signoff", ours["doubled"], "%", most=0),
        row("second answers to one item, Label Studio", theirs["doubled"], "%"),
        row(
            f"import with predictions, signoff's rate over Label Studio's ({what})",
            ours["import/s"] / theirs["import/s"],
            "x",
            least=20,
        ),
        row(
            f"export, signoff's rate over Label Studio's ({what})",
            ours["export/s"] / theirs["export/s"],
            "x",
            least=50,
        ),
        row("idle server process, signoff", ours["idle MB"], "MB", most=200),
        row(
            "more memory after an export, signoff",
            ours["MB after"] - ours["idle MB"],
            "MB",
            most=200,
        ),
    ]
    for side, name in ((ours, "signoff"), (theirs, "Label Studio")):
        for crowd in crowds:
            for one in ("next p50", "next p99", "submit p50", "submit p99"):
                rows.append(row(f"{name}, {what}, {crowd}: {one}", side[f"{crowd}: {one}"], "ms"))
            rows.append(
                row(f"{name}, {what}, {crowd}: answers", side[f"{crowd}: answers/s"], "answers/s")
            )
        for one in ("import/s", "export/s"):
            rows.append(row(f"{name}, {what}: {one[:-2]}", side[one], "items/s"))
    return rows


def flat(few: dict[str, float], many: dict[str, float]) -> list[Row]:
    """How much slower a thousand times as many items are."""
    return [
        row(
            f"{one}, {LARGE:,} items over {SMALL:,} (8 reviewers), signoff",
            many[f"8: {one}"] / few[f"8: {one}"],
            "x",
            most=1.5,
        )
        for one in ("next p50", "submit p50")
    ]


if __name__ == "__main__":
    raise SystemExit(main())
