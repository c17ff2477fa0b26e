"""Bytes to tables and back: CSV, TSV, JSON Lines, Parquet, frames and rows of dicts."""

from __future__ import annotations

from signoff.formats.results import RESULT_COLUMNS, Decisions, results_frame
from signoff.formats.rows import (
    Groups,
    group_rows,
    guess_text_column,
    private_rows,
    row_contents,
    row_keys,
)
from signoff.formats.table import Table, read_table, require_column
from signoff.formats.values import as_text
from signoff.formats.write import format_of, replace_file, write_table

__all__ = [
    "RESULT_COLUMNS",
    "Decisions",
    "Groups",
    "Table",
    "as_text",
    "format_of",
    "group_rows",
    "guess_text_column",
    "private_rows",
    "read_table",
    "replace_file",
    "require_column",
    "results_frame",
    "row_contents",
    "row_keys",
    "write_table",
]
