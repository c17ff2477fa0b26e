"""One JSON line per thing worth knowing: never an item's text, an answer, a name or a token."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime

logger = logging.getLogger("signoff.server")


def to_stderr(level: int) -> None:
    """Write this server's lines, from this level on, to standard error, and nobody else's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)


def note(event: str, *, level: int = logging.INFO, **facts: str | float | None) -> None:
    """Write one line."""
    if logger.isEnabledFor(level):
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        logger.log(level, json.dumps({"at": at, "event": event, **facts}))


def note_failure(error: BaseException, *, route: str) -> None:
    """Write where an unforeseen error came from, without its words: they may quote an item."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"  # noqa: PTH119
    note("failure", level=logging.ERROR, route=route, error=type(error).__name__, place=place)
    if os.environ.get("SIGNOFF_DEBUG") == "1":
        logger.error("".join(traceback.format_exception(error)))
