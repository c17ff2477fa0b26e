"""Real stores with a stream in them, once in SQLite and once in PostgreSQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from brook import Brook


@pytest.fixture
def brook(store_url: str, tmp_path: Path) -> Iterator[Brook]:
    """A small stream whose model is a fixed function that is right for most texts."""
    opened = Brook.open(store_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_brook(tmp_path: Path) -> Iterator[Brook]:
    """The same, in SQLite only."""
    opened = Brook.open(f"sqlite:///{tmp_path / 'brook.signoff.db'}", tmp_path)
    yield opened
    opened.close()
