"""The pages the server writes itself: their frame, their words, and the files beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from signoff.server.templates import words

FOLDER = Path(__file__).parent
STYLES = ("page.css", "site.css")
FILES = ("site.css", "site.js", "live.js", "upload.js", "browse.js")
"""What the project pages load: style, and scripts without which they work too."""


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(words.FILTERS)
    cast("dict[str, object]", pages.globals)["asset"] = asset
    return pages


def page(name: str, status: int = 200, /, **values: object) -> HTMLResponse:
    """One of the pages beside this file, its values escaped."""
    return HTMLResponse(_pages().get_template(name).render(**values), status)


@cache
def file_bytes(name: str) -> bytes:
    """A file that pages load; the style begins with the colours and measures of all pages."""
    if name in STYLES:
        return (FOLDER / "tokens.css").read_bytes() + (FOLDER / name).read_bytes()
    return (FOLDER / name).read_bytes()


@cache
def addresses() -> Mapping[str, str]:
    """The address of each file, which changes with its content."""
    return {
        name: f"/site/{hashlib.sha256(file_bytes(name)).hexdigest()[:12]}/{name}" for name in FILES
    }


def asset(name: str) -> str:
    """The address of a file that a page loads."""
    return addresses()[name]
