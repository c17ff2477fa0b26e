"""The kinds of jobs, and how their bodies are written and read; loads nothing that is heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from signoff.core.records import Json

Kind = Literal["import", "export", "log", "verify", "erase"]
ExportFormat = Literal["csv", "tsv", "jsonl", "parquet"]

WEBHOOK_EVENTS = (
    "item.decided",
    "item.corrected",
    "request.expired",
    "certificate.issued",
    "drift.alarm",
)
"""What a webhook can be told of."""


def import_body(
    *,
    upload: str,
    by: str,
    options: Mapping[str, object],
    founding: str | None = None,
) -> Json:
    """An upload whose rows come into the job's project, or into a new one with the id
    ``founding``.

    ``options`` may hold what a run is asked: ``project`` (the name of a new one), ``text``,
    ``key``, ``labels``, ``question``, ``form`` (as JSON), ``policy`` (as JSON), ``ask_always``
    (pairs), ``overlap``, ``assign`` (triples), ``due`` (seconds and what then), ``model`` ("text"
    or "predictions"), ``group``, ``item_kind``, ``guideline``, ``blur``, ``text_direction``.
    """
    return {"upload": upload, "by": by, "options": dict(options), "founding": founding}


def export_body(*, format: ExportFormat, by: str, as_is: bool = False) -> Json:
    """A project's results as a file; ``as_is``: also texts that a spreadsheet would run."""
    return {"format": format, "by": by, "as_is": as_is}


def log_body(*, content: bool, by: str) -> Json:
    """A project's log as a file; ``content``: with private values."""
    return {"content": content, "by": by}


def erase_body(*, pool: int, item: int, by: str) -> Json:
    """An item whose content is to go, by numbers: its key is content too."""
    return {"pool": pool, "item": item, "by": by}


def part(body: Json, name: str) -> Json:
    """An object within a body."""
    return cast("Json", body.get(name) or {})
