"""A page over a queue in memory as a child process; and a parent that starts it and waits."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from queues import Memory, make_project

from signoff.server.__main__ import serve_child
from signoff.server.local import LocalPage


def page() -> None:
    memory = Memory.of(make_project())
    serve_child(memory, memory, reviewer="ann", port=0)


def parent() -> None:
    started = LocalPage.run([sys.executable, __file__, "page"])
    print(started._process.pid, started.url, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    {"page": page, "parent": parent}[sys.argv[1]]()
