"""What a worker does, over and over: brings rows in, fits, freezes, audits, decides, and writes all
of it to the store that ``server.py`` serves. A column of the rows gives the answers.

    python benchmarks/_server_work.py STORE

Prints a line once it has begun, and goes on until it is killed.
"""

from __future__ import annotations

import sys
from itertools import count

import signoff
from signoff.testing.fakes import LABELS, two_topics
from signoff.worker import give_way

ROWS = 20_000


def main(where: str) -> None:
    """Work."""
    begun = False
    give_way()

    def say(_: object) -> None:
        nonlocal begun
        if not begun:
            print("begun", flush=True)
        begun = True

    for number in count():
        signoff.run(
            two_topics(ROWS, seed=number),
            labels=LABELS,
            text="text",
            key="id",
            policy=signoff.Certified(),
            reviewer="column:label",
            store=where,
            project=f"work {number}",
            on_progress=say,
        )


if __name__ == "__main__":
    main(sys.argv[1])
