"""Servers over made-up projects, and browsers that are signed in to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from servers import House, LocalHouse, running


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A built page: an index, an asset with a hash in its name, and a secret beside the folder."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>the page</title>")
    (folder / "assets" / "index-4f5a1b2c.js").write_text("export {}\n")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "secret.txt").write_text("beside the folder")
    return folder


@pytest.fixture
def house(static: Path) -> LocalHouse:
    """A local server's application, not listening anywhere."""
    return LocalHouse.build(static=static)


@pytest.fixture
def served(static: Path) -> Iterator[House]:
    """A local server that listens."""
    with running(lambda port: LocalHouse.build(port=port, static=static)) as house:
        yield house
