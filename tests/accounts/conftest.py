"""An directory over a real store with two projects, on both databases."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from directories import Desk, open_desk


@pytest.fixture
def desk(store_url: str, tmp_path: Path) -> Iterator[Desk]:
    """An directory in SQLite and in PostgreSQL."""
    opened = open_desk(store_url, tmp_path)
    yield opened
    opened.store.close()


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[Desk]:
    """An directory in SQLite."""
    opened = open_desk(f"sqlite:///{tmp_path / 'a.signoff.db'}", tmp_path)
    yield opened
    opened.store.close()
