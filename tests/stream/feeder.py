"""A process that sends items to a stream for ever and says what it was told, until it is killed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from signoff.live import Stream


def main(store: str, first: int) -> None:
    """Send items with keys from ``first`` on, three at a time."""
    with Stream.open(store) as stream:
        number = first
        while True:
            items = [(f"f{n}", f"{('yes', 'no')[n % 2]} {n}") for n in range(number, number + 3)]
            for reply in stream.decide(items):
                print(json.dumps(asdict(reply)), flush=True)
            number += 3


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
