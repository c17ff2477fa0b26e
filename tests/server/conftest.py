"""Servers over made-up projects, and browsers that are signed in to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "accounts"))

from account_houses import AccountHouse
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


@pytest.fixture
def accounts(store_url: str, tmp_path: Path, static: Path) -> Iterator[AccountHouse]:
    """A server with accounts over a real store, in SQLite and in PostgreSQL."""
    house = AccountHouse.build(store_url, tmp_path, static=static)
    yield house
    house.desk.store.close()


@pytest.fixture
def team(tmp_path: Path, static: Path) -> Iterator[AccountHouse]:
    """A server with accounts over a store in SQLite."""
    where = f"sqlite:///{tmp_path / 'team.signoff.db'}"
    house = AccountHouse.build(where, tmp_path, static=static)
    yield house
    house.desk.store.close()
