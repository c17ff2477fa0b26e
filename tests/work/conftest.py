"""Stores to work on, and lets the tests of this folder import :mod:`workshop`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workshop import Workshop


@pytest.fixture
def shop(store_url: str, tmp_path: Path) -> Iterator[Workshop]:
    """An empty store with a worker, once in SQLite and once in PostgreSQL."""
    made = Workshop.open(store_url, tmp_path / "artifacts")
    yield made
    made.store.close()


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty SQLite store with a worker."""
    made = Workshop.open(str(tmp_path / "a.signoff.db"), tmp_path / "artifacts")
    yield made
    made.store.close()
