"""``signoff serve`` beside Label Studio: next, submit, import, export and more, with one generator.

Both serve from SQLite on this machine, over a new connection for each request; reviewers answer as
fast as they are served, as each system's page does: signoff's leases items ahead, Label Studio's
asks for one task at a time. "next" is the request for items. Label Studio is installed in an
environment of its own, under ``benchmarks/out``.

    python benchmarks/server.py [--quick] [--again] [--items N] [--reviewers 1,8,32] [--seconds S]
                                [--only signoff|label-studio|rows] [--json FILE]

Finished parts are kept in ``benchmarks/out/server.json``: a run that was stopped goes on, parts can
be measured one by one, and what was not measured yet has no row. All of it takes a quarter of an
hour, most of it Label Studio's import and export.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from _label_studio import Annotator, LabelStudio, environment
from _load import Seat, Times, answer_all, quantile
from _measure import OUT, SOURCE, Kept, Row, finish, parser, row, tell
from _painting import DELAY_MS, PRESSES, key_to_painted, program
from _signoff_server import Reviewer, SignoffServer

WORK = OUT / "server"
CROWDS, QUICK_CROWDS = "1,8,32", "1,8"
SIZE, QUICK_SIZE = 100_000, 1_000
SMALL, LARGE = 1_000, 1_000_000
FEW, CROWD = 50_000, 8
"""Items and reviewers where a worker works beside them."""
TAUGHT, DECISIONS = 1_500, 200
STATIC = SOURCE / "signoff" / "server" / "static"
Found = dict[str, float]


def measured(seats: Sequence[Seat], *, seconds: float, most: int, pid: int) -> Found:
    """Let a crowd answer for a while, or so many items; times in milliseconds, and the pace."""
    before = cpu_seconds(pid)
    times = answer_all(seats, seconds=seconds, most=most, meanwhile=lambda: None)
    if not times.submit:
        raise SystemExit("nobody could answer anything")
    return numbers(times, cpu_seconds(pid) - before)


def numbers(times: Times, cpu: float) -> Found:
    """A crowd's times, and what an answer took of the processors on either side."""
    answers = len(times.submit)
    return {
        "next/answer": 1000 * sum(times.next) / answers,
        "next p50": quantile(times.next, 0.5),
        "next p99": quantile(times.next, 0.99),
        "submit p50": quantile(times.submit, 0.5),
        "submit p99": quantile(times.submit, 0.99),
        "answers/s": times.answers_per_second,
        "requests/answer": (len(times.next) + answers) / answers,
        "failures": float(times.failures),
        "server CPU": 1000 * cpu / answers,
        "generator CPU": 1000 * times.own_cpu / answers,
    }


def share(size: int, crowds: Sequence[int]) -> int:
    """How many items each crowd may answer, so that none of them meets the end of the queue."""
    return size // (len(crowds) + 1)


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process so far; not a number where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ------------------------------------------------------------------------- Label Studio


def label_studio(kept: Kept, size: int, crowds: Sequence[int], seconds: float) -> None:
    """Everything about Label Studio at one size, part by part on one database."""
    name = f"label studio {size}"
    parts = [f"{name}: import", *(f"{name}: {crowd}" for crowd in crowds), f"{name}: export"]
    if all(part in kept.found for part in parts):
        return
    data = WORK / f"label-studio-{size}"
    fresh = parts[0] not in kept.found or not data.exists()
    python = environment(OUT / "label-studio")
    with LabelStudio.running(python, data, port=free_port(), fresh=fresh) as server:
        people = server.people(max(crowds))
        brought = kept.get(parts[0], lambda: bring_in(server, size))
        project = int(brought["project"])
        limits = {"seconds": seconds, "most": share(size, crowds), "pid": server.pid}
        for crowd, part in zip(crowds, parts[1:-1], strict=True):
            seats = [Annotator(address=each, project=project) for each in people[:crowd]]
            kept.get(part, lambda seats=seats: measured(seats, **limits))
        kept.get(parts[-1], lambda: take_out(server, project, size))


def bring_in(server: LabelStudio, size: int) -> Found:
    """A project with so many tasks, each with a prediction."""
    project = server.project()
    texts = [f"a short review of thing number {n}" for n in range(size)]
    start = time.perf_counter()
    for at in range(0, size, 10_000):
        server.add(project, texts[at : at + 10_000], predicted="Positive")
    return {"project": project, "import/s": size / (time.perf_counter() - start)}


def take_out(server: LabelStudio, project: int, size: int) -> Found:
    """What people and models said of all tasks, as a file; and how many were answered twice."""
    doubled, given = server.doubled(project)
    start = time.perf_counter()
    path = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
    status, said = server.admin.call("GET", path)
    if status != 200:
        raise SystemExit(f"export: {status} {said[:200]!r}")
    seconds = time.perf_counter() - start
    return {"export/s": size / seconds, "doubled": 100 * doubled / max(1, given - doubled)}


# ------------------------------------------------------------------------------ signoff


def signoff(size: int, crowds: Sequence[int], seconds: float, *, files: bool = True) -> Found:
    """Everything about signoff at one size; ``files``: export and import, too."""
    found: Found = {}
    folder = WORK / f"signoff-{size}"
    with SignoffServer.running(folder, items=size, reviewers=max(crowds)) as server:
        found["idle MB"] = server.memory_mb()
        for crowd in crowds:
            times = answered(server, crowd, seconds, share(size, crowds))
            found |= {f"{crowd}: {name}": value for name, value in times.items()}
        doubled, given = server.doubled()
        found["doubled"] = 100 * doubled / max(1, given)
        if files:
            found["export/s"] = size / exported(server)
            found["import/s"] = size / imported(server, size)
            found["MB after"] = server.memory_mb()
    return found


def answered(server: SignoffServer, crowd: int, seconds: float, most: int) -> Found:
    """A crowd answers for a while, then closes its pages."""
    seats = [Reviewer(address=each, project=server.project) for each in server.people[:crowd]]
    found = measured(seats, seconds=seconds, most=most, pid=server.pid)
    for seat in seats:
        seat.leave()
    return found


def beside_a_worker(seconds: float) -> Found:
    """A crowd's p99 while nothing else happens, and while another process fits and writes."""
    with SignoffServer.running(WORK / "signoff-worker", items=FEW, reviewers=CROWD) as server:
        quiet = answered(server, CROWD, seconds, FEW)
        with server.beside("_server_work.py"):
            busy = answered(server, CROWD, seconds, FEW)
    return {"quiet": quiet["submit p99"], "busy": busy["submit p99"]}


def decisions() -> Found:
    """How long a stream takes to decide one item, with the built-in model."""
    folder = WORK / "signoff-stream"
    times: list[float] = []
    automatic = 0
    with SignoffServer.running(folder, items=TAUGHT, reviewers=1, stream=True) as server:
        path = f"/api/v1/projects/{server.project}/items"
        for number in range(DECISIONS):
            text = f"great superb kettle number {number}"
            start = time.perf_counter()
            said = server.admin.json(
                "POST", path, {"items": [{"key": f"live{number}", "text": text}]}
            )
            times.append(time.perf_counter() - start)
            automatic += said["items"][0]["route"] == "AUTO"
    return {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99), "automatic": automatic}


def painted() -> Found:
    """From a key to the picture of the next item, in a browser."""
    times = key_to_painted(WORK / "signoff-page")
    return {"p50": sorted(times)[len(times) // 2], "most": max(times)}


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
    options.add_argument("--items", type=int, help="items of the comparison")
    options.add_argument("--reviewers", metavar="N,N", help="crowds that answer")
    options.add_argument("--seconds", type=float, help="how long each crowd answers")
    options.add_argument("--only", choices=("signoff", "label-studio", "rows"), help="this half")
    given = options.parse_args()
    size = given.items or (QUICK_SIZE if given.quick else SIZE)
    wanted = given.reviewers or (QUICK_CROWDS if given.quick else CROWDS)
    crowds = [int(crowd) for crowd in wanted.split(",")]
    seconds = given.seconds or (4.0 if given.quick else 20.0)
    kept_file = OUT / ("server.quick.json" if given.quick else "server.json")
    if given.again:
        kept_file.unlink(missing_ok=True)
    kept = Kept(kept_file)
    if given.only in (None, "signoff"):
        measure_signoff(kept, size, crowds, seconds, all_sizes=not given.quick)
    if given.only in (None, "label-studio"):
        label_studio(kept, size, crowds, seconds)
    rows = all_rows(kept, size, crowds)
    for line in rows:
        tell(line)
    return finish(rows, given.json)


def measure_signoff(
    kept: Kept, size: int, crowds: Sequence[int], seconds: float, *, all_sizes: bool
) -> None:
    """Every part of ours that was not measured yet."""
    kept.get(f"signoff {size}", lambda: signoff(size, crowds, seconds))
    for other in (SMALL, LARGE) if all_sizes else ():
        few = lambda other=other: signoff(other, [CROWD], seconds / 2, files=False)  # noqa: E731
        kept.get(f"signoff {other}, {CROWD}", few)
    kept.get("worker", lambda: beside_a_worker(seconds))
    kept.get("stream", decisions)
    if program() is not None:
        kept.get("page", painted)


def all_rows(kept: Kept, size: int, crowds: Sequence[int]) -> list[Row]:
    """What can be said of what was measured."""
    ours = kept.found.get(f"signoff {size}")
    theirs = merged(kept, size, crowds)
    rows: list[Row] = []
    if ours and theirs:
        rows += compared(ours, theirs, size, crowds)
    if ours:
        rows += alone(ours)
    few, many = (kept.found.get(f"signoff {each}, {CROWD}") for each in (SMALL, LARGE))
    if few and many:
        rows += flat(few, many)
    rows += beside(kept)
    for side, name in ((ours, "signoff"), (theirs, "Label Studio")):
        if side:
            rows += behind(side, name, size, crowds)
    return rows


def merged(kept: Kept, size: int, crowds: Sequence[int]) -> Found | None:
    """Label Studio's parts as one; None before all of them are there."""
    name = f"label studio {size}"
    found: Found = {}
    for part in ("import", "export", *map(str, crowds)):
        measured = kept.found.get(f"{name}: {part}")
        if measured is None:
            return None
        prefix = f"{part}: " if part.isdigit() else ""
        found |= {prefix + key: value for key, value in measured.items()}
    return found


def compared(ours: Found, theirs: Found, size: int, crowds: Sequence[int]) -> list[Row]:
    """Ratios against Label Studio."""
    most = max(crowds)
    what = f"{size:,} items"
    return [
        row(
            f"next p50, Label Studio's over signoff's ({what}, 1 reviewer)",
            theirs["1: next p50"] / ours["1: next p50"],
            "x",
            least=30,
        ),
        row(
            f"waiting for items an answer, Label Studio's over signoff's ({what}, 1 reviewer)",
            theirs["1: next/answer"] / ours["1: next/answer"],
            "x",
        ),
        row(
            f"answers a second, signoff's over Label Studio's ({what}, {most} reviewers)",
            ours[f"{most}: answers/s"] / theirs[f"{most}: answers/s"],
            "x",
            least=100,
        ),
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
    ]


def alone(ours: Found) -> list[Row]:
    """What signoff promises without a comparison."""
    more = ours["MB after"] - ours["idle MB"]
    return [
        row("second answers to one item, signoff", ours["doubled"], "%", most=0),
        row("idle server process, signoff", ours["idle MB"], "MB", most=200),
        row("more memory after an export, signoff", more, "MB", most=200),
    ]


def flat(few: Found, many: Found) -> list[Row]:
    """How much slower a thousand times as many items are."""
    return [
        row(
            f"{one}, {LARGE:,} items over {SMALL:,} ({CROWD} reviewers), signoff",
            many[f"{CROWD}: {one}"] / few[f"{CROWD}: {one}"],
            "x",
            most=1.5,
        )
        for one in ("next p50", "submit p50")
    ]


def beside(kept: Kept) -> list[Row]:
    """The worker, the stream, the page."""
    rows: list[Row] = []
    if worker := kept.found.get("worker"):
        what = f"submit p99 while another process fits and writes, over quiet ({CROWD} reviewers)"
        rows.append(row(what, worker["busy"] / worker["quiet"], "x", most=3))
        rows.append(row("submit p99 while another process fits and writes", worker["busy"], "ms"))
    if stream := kept.found.get("stream"):
        rows.append(row("a stream's decision, built-in model, p50", stream["p50"], "ms", most=20))
        rows.append(row("a stream's decision, built-in model, p99", stream["p99"], "ms"))
    if page := kept.found.get("page"):
        what = f"key to next item painted, network +{DELAY_MS} ms, {PRESSES} keys, median"
        rows.append(row(what, page["p50"], "ms", most=16))
    rows.append(row("page for a choice, script and style (gzip)", page_kb(), "KB", most=40))
    return rows


def behind(side: Found, name: str, size: int, crowds: Sequence[int]) -> list[Row]:
    """The numbers behind the ratios."""
    what = f"{size:,} items"
    rows: list[Row] = []
    units: dict[str, str] = {
        "next/answer": "ms", "next p50": "ms", "next p99": "ms",
        "submit p50": "ms", "submit p99": "ms",
        "answers/s": "answers/s", "requests/answer": "requests", "server CPU": "ms an answer",
        "generator CPU": "ms an answer",
    }  # fmt: skip
    for crowd in crowds:
        for one, unit in units.items():
            if f"{crowd}: {one}" in side:
                rows.append(row(f"{name}, {what}, {crowd}: {one}", side[f"{crowd}: {one}"], unit))
    for one in ("import/s", "export/s"):
        rows.append(row(f"{name}, {what}: {one[:-2]}", side[one], "items/s"))
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
