"""Rows of a table: which column is the text, their keys, their canonical bytes, their groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.errors import InputError
from signoff.formats.lazy import Lazy
from signoff.formats.values import as_text, holds_text
from signoff.formats.wording import column_list, shown

_TEXT_NAMES = frozenset(
    (
        *("text", "texts", "review", "reviews", "comment", "comments", "body", "sentence"),
        *("sentences", "content", "message", "messages", "tweet", "post", "utterance"),
        *("document", "review_text", "reviewtext", "comment_text", "description"),
    )
)
_SAMPLE = 10_000
_CLEARLY_LONGER = 2.0
_KEY_BYTES = 12
_AT_ONCE = 16_384  # rows that are hashed at a time: their memory is used again


class Groups(NamedTuple):
    """Which item each row belongs to (n,), and the first row of each item (items,)."""

    item_of_row: NDArray[np.int64]
    first_row: NDArray[np.int64]


# ---------------------------------------------------------------------------- text


def guess_text_column(
    frame: pl.DataFrame, exclude: Collection[str] = (), *, name: str = "the data"
) -> str:
    """The column people read, where there is one candidate; else an error that lists them.

    Candidates hold text that is not all numbers. One with a usual name ("text", "review", …)
    wins, else one whose texts are on average twice as long as any other's.
    """
    candidates = _text_candidates(frame, exclude)
    if len(candidates) == 1:
        return next(iter(candidates))
    named = [column for column in candidates if column.strip().casefold() in _TEXT_NAMES]
    if len(named) == 1:
        return named[0]
    longest = sorted(candidates, key=lambda column: -candidates[column])
    if longest and candidates[longest[0]] >= _CLEARLY_LONGER * candidates[longest[1]]:
        return longest[0]
    others = [column for column in frame.columns if column not in exclude]
    raise InputError(
        f"Which column of {name} holds the text is not clear (has: {column_list(others)}).",
        hint="Pass --text COLUMN.",
        code="no_text_column",
    )


def _text_candidates(frame: pl.DataFrame, exclude: Collection[str]) -> dict[str, float]:
    """Columns of text with the mean length of their first texts."""
    sample = frame.head(_SAMPLE)
    found: dict[str, float] = {}
    for column in frame.columns:
        values = sample.get_column(column)
        if column in exclude or not holds_text(values):
            continue
        texts = values.cast(pl.String).drop_nulls()
        texts = texts.filter(texts.str.strip_chars() != "")
        if len(texts) and texts.cast(pl.Float64, strict=False).null_count():
            found[column] = float(np.mean(texts.str.len_chars().to_numpy()))
    return found


# ---------------------------------------------------------------------------- keys


def row_keys(
    frame: pl.DataFrame,
    key_column: str | None = None,
    *,
    name: str = "the data",
    contents: pl.Series | None = None,
) -> pl.Series:
    """A key for each row: the user's as text, or its hash plus a counter for equal rows.

    The hash depends on the row's content only, so the order of rows does not matter and rows
    added later get new keys. The same key with other content is refused; with the same content
    it occurs twice here. ``contents`` are the frame's
    :func:`row_contents` where they are known already.
    """
    if key_column is None:
        return _hashed_keys(row_contents(frame) if contents is None else contents)
    keys = as_text(frame.get_column(key_column))
    _refuse_empty_keys(keys, key_column, name)
    _refuse_changed_content(frame, keys, key_column, name)
    return keys


def row_contents(frame: pl.DataFrame) -> pl.Series:
    """Canonical JSON (RFC 8785) of each row's values: ``[value as text or null, …]``."""
    encoded = [_json_strings(as_text(column)) for column in frame.get_columns()]
    if not encoded:
        return pl.Series(["[]"] * frame.height, dtype=pl.String)
    names = [f"c{i}" for i in range(len(encoded))]
    parts = pl.DataFrame([s.alias(n) for s, n in zip(encoded, names, strict=True)])
    values = pl.concat_str(names, separator=",")
    return parts.select(pl.concat_str(pl.lit("["), values, pl.lit("]"))).to_series()


def private_rows(contents: pl.Series, keys: pl.Series) -> Lazy[bytes]:
    """Canonical JSON of each row with its key: ``[key,contents]``."""
    return _keyed(contents, _json_strings(keys))


def _keyed(contents: pl.Series, quoted: pl.Series | str) -> Lazy[bytes]:
    """``[key,contents]`` of each row, from the keys as JSON strings, or one for all."""
    key = pl.lit(quoted) if isinstance(quoted, str) else pl.col("key")
    columns = [] if isinstance(quoted, str) else [quoted.alias("key")]
    row = pl.concat_str(pl.lit("["), key, pl.lit(","), "contents", pl.lit("]"))
    frame = pl.DataFrame([contents.alias("contents"), *columns])
    return Lazy(frame.select(row.cast(pl.Binary)).to_series())


def _json_strings(texts: pl.Series) -> pl.Series:
    """Each text as a JSON string, "null" where there is none."""
    quoted = texts.to_frame("t").select(pl.concat_str(pl.lit('"'), "t", pl.lit('"'))).to_series()
    special = texts.str.contains(r'[\x00-\x1f"\\]').fill_null(value=False).arg_true()
    if len(special):
        encode = json.JSONEncoder(ensure_ascii=False).encode
        escaped = [encode(str(text)) for text in texts.gather(special).to_list()]
        quoted = quoted.scatter(special, escaped)
    return quoted.fill_null("null")


def _hashed_keys(contents: pl.Series) -> pl.Series:
    sha256, size = hashlib.sha256, 2 * _KEY_BYTES
    keyless = _keyed(contents, '""')
    parts = [
        pl.Series("key", [sha256(row).hexdigest()[:size] for row in keyless[at : at + _AT_ONCE]])
        for at in range(0, max(1, len(keyless)), _AT_ONCE)
    ]
    keys = pl.concat(parts).cast(pl.String)
    if keys.n_unique() == len(keys):
        return keys
    again = pl.int_range(pl.len()).over("key")
    counted = pl.concat_str("key", pl.lit("-"), again + 1)
    return keys.to_frame().select(pl.when(again == 0).then("key").otherwise(counted)).to_series()


def _refuse_empty_keys(keys: pl.Series, key_column: str, name: str) -> None:
    empty = (keys.is_null() | (keys.str.strip_chars() == "")).arg_true()
    if len(empty):
        raise InputError(
            f"Row {empty[0] + 1} of {name} has no key in column {key_column!r}.",
            hint="Give each row a key, or leave --key out.",
            code="empty_key",
        )


def _refuse_changed_content(
    frame: pl.DataFrame, keys: pl.Series, key_column: str, name: str
) -> None:
    if keys.n_unique() == len(keys):
        return
    repeated = keys.is_duplicated().arg_true().to_list()
    rows = row_contents(frame[repeated]).to_list()
    first: dict[str, int] = {}
    for at, content in enumerate(rows):
        row, key = repeated[at], str(keys[repeated[at]])
        earlier = first.setdefault(key, at)
        if rows[earlier] != content:
            raise InputError(
                f"Key {shown(key)!r} is given to different rows of {name}:"
                f" rows {repeated[earlier] + 1} and {row + 1}.",
                hint=f"Make column {key_column!r} unique, or leave --key out.",
                code="duplicate_key",
            )


# -------------------------------------------------------------------------- groups


def group_rows(texts: pl.Series | Sequence[str | None], *extra: pl.Series) -> Groups:
    """Rows with equal texts (and equal ``extra`` columns) are one item; items in first-seen order.

    Equal means equal after Unicode NFC and without white space at the ends; capitals count. A
    missing text is an empty one.
    """
    column = texts if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
    columns = folded(column, *extra)
    grouped = (
        columns.with_row_index("row")
        .group_by(columns.columns, maintain_order=True)
        .agg("row")
        .get_column("row")
    )
    sizes = grouped.list.len().to_numpy()
    rows = grouped.explode().to_numpy().astype(np.int64)
    item_of_row = np.empty(len(column), dtype=np.int64)
    item_of_row[rows] = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    first = grouped.list.first().to_numpy().astype(np.int64)
    return Groups(item_of_row, first)


def folded(texts: pl.Series, *extra: pl.Series) -> pl.DataFrame:
    """What is equal in rows that are one item: text and ``extra`` columns, named "0", "1", …"""
    text = _composed(as_text(texts)).str.strip_chars().fill_null("")
    others = [as_text(each).alias(str(i)) for i, each in enumerate(extra, 1)]
    return pl.DataFrame([text.alias("0"), *others])


def _composed(texts: pl.Series) -> pl.Series:
    """Unicode NFC; texts in ASCII are so already, and most are."""
    beyond = (texts.str.len_bytes() != texts.str.len_chars()).fill_null(value=False).arg_true()
    if not len(beyond):
        return texts
    return texts.clone().scatter(beyond, texts.gather(beyond).str.normalize("NFC"))
