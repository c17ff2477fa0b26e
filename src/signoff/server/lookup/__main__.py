"""``python -m signoff.server.lookup``: answers a server's questions about columnar files.

One line of JSON in, one out, until standard input ends.
"""

from __future__ import annotations

import json
import sys

from signoff.errors import InputError, SignoffError
from signoff.server.lookup.reading import Reader


def main() -> int:
    """Answer until nobody asks; the exit code."""
    reader = Reader()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        try:
            answer = reader.answer(question)
        except SignoffError as error:
            kind = "input" if isinstance(error, InputError) else "store"
            answer = {"trouble": {"kind": kind, "message": error.message, "hint": error.hint}}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
