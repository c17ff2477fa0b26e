"""Opens real stores for the tests of this folder, and lets them import :mod:`storeroom`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from storeroom import Room


@pytest.fixture
def room(store_url: str, tmp_path: Path) -> Iterator[Room]:
    """An open store with an empty project, once in SQLite and once in PostgreSQL."""
    opened = Room.open(store_url, tmp_path / "artifacts")
    yield opened
    opened.close()


@pytest.fixture
def sqlite_room(tmp_path: Path) -> Iterator[Room]:
    """An open SQLite store with an empty project."""
    opened = Room.open(str(tmp_path / "reviews.signoff.db"), tmp_path / "artifacts")
    yield opened
    opened.close()
