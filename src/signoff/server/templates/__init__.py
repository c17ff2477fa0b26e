"""The few pages the server writes itself: getting in, and why not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

FOLDER = Path(__file__).parent


@cache
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(name: str, status: int = 200, /, **values: object) -> HTMLResponse:
    """One of the pages beside this file, its values escaped."""
    return HTMLResponse(_pages().get_template(name).render(**values), status)
