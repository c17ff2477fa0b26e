"""Lets the tests of this folder import :mod:`synthetic_log`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
