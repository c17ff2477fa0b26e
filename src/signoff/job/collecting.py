"""How often Python looks for cyclic garbage while a run holds millions of rows."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

_OBJECTS = 100_000


@contextmanager
def rarely_collecting() -> Generator[None]:
    """Look for cycles after every 100,000 new objects instead of every 700, in this block.

    A run makes millions of small objects that all live until its end and form no cycles: at the
    usual pace the search for cycles takes a tenth of its processor time. What a user's own code
    leaves in cycles is still found, only later.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _OBJECTS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
