"""Sphinx: `make docs`."""

from __future__ import annotations

project = "signoff"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "signoff"
myst_heading_anchors = 4
exclude_patterns = ["_build", "*.py"]
# Links to files of the repository outside docs/ are checked by tests/docs, not by Sphinx.
suppress_warnings = ["myst.xref_missing"]
