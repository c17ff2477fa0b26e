"""What the lookup's child does: searches pools and looks at the beginning of uploaded tables."""

from __future__ import annotations

import csv
import io
import json
import mmap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from signoff.core.coding import labels_of, read_value
from signoff.core.decisions import read_model_rows
from signoff.core.items import IMAGE
from signoff.core.questions import answer_text, question_from_json
from signoff.core.records import Json
from signoff.errors import InputError
from signoff.formats.delimited import sniff_separator
from signoff.formats.encoding import refuse_binary, to_utf8
from signoff.formats.parquet_sizes import refuse_large_parquet
from signoff.formats.pictures import FILE, guess_picture_column
from signoff.formats.rows import guess_text_column
from signoff.formats.zipped import (
    MOST_UNPACKED,
    is_zip,
    open_zip,
    pictures_in,
    table_in,
    text_start,
)
from signoff.project.views import ITEM, KEY
from signoff.server.lookup import Found, Preview, Whole, as_json
from signoff.store.artifacts import PREFIX, ArtifactFolder

SHOWN_OF_TEXT = 400
CHUNK = 50_000
"""How many items are searched at a time: whoever looks at the first page pays for no more."""

POOLS_KEPT = 2
DECIDED_KEPT = 64
SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~")

PREVIEW_BYTES = 1 << 19
PREVIEW_ROWS = 8
MOST_OF_A_CELL = 300


@dataclass(frozen=True, slots=True)
class PoolColumns:
    """A pool's items, columnar: the first row of each; ``fields`` without our own columns."""

    keys: pl.Series
    texts: pl.Series
    fields: pl.DataFrame
    all_keys: pl.Series
    item_of_row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Decided:
    """The model's decisions on one question: code per item (n,), -1 where it made none;
    confidence (n,); what each code stands for, as text; ``doubtful``: the decided items, the least
    sure first."""

    question: str
    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    texts: Sequence[str]
    doubtful: NDArray[np.int64]

    @classmethod
    def nothing(cls, question: str, size: int) -> Decided:
        """Before the model decided anything."""
        return cls(
            question,
            np.full(size, -1, dtype=np.int64),
            np.full(size, np.nan),
            (),
            np.empty(0, dtype=np.int64),
        )


class Reader:
    """Answers one question at a time; keeps the pools it read last."""

    def __init__(self) -> None:
        self._pools: dict[str, PoolColumns] = {}
        self._decided: dict[str, Decided] = {}

    def answer(self, question: Json) -> Json:
        """The answer to a question; raises a :class:`SignoffError` that tells what is wrong."""
        match question["what"]:
            case "items":
                return self._items(question)
            case "item":
                return self._item(question)
            case "find":
                return self._find(question)
            case "preview":
                path, name = Path(str(question["path"])), str(question["name"])
                most = cast("int", question["most_bytes"])
                return as_json(preview(path, name, most_bytes=most))
            case what:
                raise InputError(f"Nobody can answer {str(what)[:40]!r}.")

    # ---------------------------------------------------------------------- items

    def _items(self, question: Json) -> Json:
        pool, decided = self._pool(question), self._decisions(question)
        limit = cast("int", question["limit"])
        places = self._order(question, pool, decided)
        after = cast("int | None", question["after"])
        start = 0 if after is None else after + 1
        found: list[Json] = []
        for at in range(start, len(places), CHUNK):
            part = places[at : at + CHUNK]
            for place in np.flatnonzero(_fits(question, pool, decided, part)).tolist():
                if len(found) == limit:
                    return {"items": found, "more": True}
                found.append(as_json(_found(pool, decided, int(part[place]), at + place)))
        return {"items": found, "more": False}

    @staticmethod
    def _order(question: Json, pool: PoolColumns, decided: Sequence[Decided]) -> NDArray[np.int64]:
        if question["order"] == "doubt":
            return decided[0].doubtful
        return np.arange(len(pool), dtype=np.int64)

    def _item(self, question: Json) -> Json:
        pool, decided = self._pool(question), self._decisions(question)
        number = cast("int", question["number"])
        if not 0 <= number < len(pool) or pool.keys[number] is None:
            return {"item": None}
        said = _found(pool, decided, number, number)
        shown = (
            pool.fields
            if question["fields"]
            else pool.fields.select(cs.by_name(IMAGE, require_all=False))
        )
        fields = shown.row(number, named=True) if shown.width else {}
        whole = Whole(
            item=number,
            key=said.key,
            text=pool.texts[number] or "",
            fields={name: _plain(value) for name, value in fields.items()},
            said=said.said,
            confidence=said.confidence,
        )
        return {"item": as_json(whole)}

    def _find(self, question: Json) -> Json:
        pool = self._pool(question)
        rows = np.flatnonzero((pool.all_keys == str(question["key"])).fill_null(False).to_numpy())
        return {"number": int(pool.item_of_row[rows[0]]) if len(rows) else None}

    # ---------------------------------------------------------------------- files

    def _pool(self, question: Json) -> PoolColumns:
        file = cast("dict[str, str]", question["rows"])
        if file["sha256"] not in self._pools:
            frame = _folder(question).read(
                str(question["project"]), "rows", file["root"], sha256=file["sha256"]
            )
            _make_room(self._pools, POOLS_KEPT)
            self._pools[file["sha256"]] = _columns(frame, question)
        return self._pools[file["sha256"]]

    def _decisions(self, question: Json) -> list[Decided]:
        """What the model decided, question by question; items are decided for all of them."""
        asked = cast("list[Json]", question["questions"])
        return [self._decided_on(question, each) for each in asked]

    def _decided_on(self, question: Json, asked: Json) -> Decided:
        size = len(self._pool(question))
        definition = question_from_json(asked["definition"])
        file = cast("dict[str, str] | None", asked["decisions"])
        if file is None:
            return Decided.nothing(definition.name, size)
        known = f"{definition.name}/{file['sha256']}"
        if known not in self._decided:
            batch = _folder(question).load(
                str(question["project"]), "decisions", file["root"], sha256=file["sha256"]
            )
            said = read_model_rows(batch.private, labels_of(definition))
            codes, confidence = np.full(size, -1, dtype=np.int64), np.full(size, np.nan)
            items = batch.ints[:, 0]
            codes[items], confidence[items] = said.codes, said.confidence
            kept = items[said.codes >= 0]
            doubtful = kept[np.argsort(confidence[kept], kind="stable")]
            texts = [answer_text(read_value(definition, value)) for value in said.values]
            _make_room(self._decided, DECIDED_KEPT)
            self._decided[known] = Decided(definition.name, codes, confidence, texts, doubtful)
        return self._decided[known]


def _make_room(kept: dict[str, PoolColumns] | dict[str, Decided], most: int) -> None:
    most = (
        POOLS_KEPT if kept and isinstance(next(iter(kept.values())), PoolColumns) else DECIDED_KEPT
    )
    while len(kept) >= most:
        del kept[next(iter(kept))]


def _folder(question: Json) -> ArtifactFolder:
    return ArtifactFolder(Path(str(question["folder"])))


def _columns(frame: pl.DataFrame, question: Json) -> PoolColumns:
    first = frame.unique(ITEM, keep="first", maintain_order=True).sort(ITEM)
    hidden = cast("list[str]", question["hidden"])
    user = [name for name in first.columns if not name.startswith(PREFIX) and name not in hidden]
    text = cast("str | None", question["text_column"])
    texts = pl.Series([""] * first.height) if text is None else first[text].cast(pl.String)
    return PoolColumns(
        keys=first[KEY],
        texts=texts,
        fields=first.select([name for name in user if name != text]),
        all_keys=frame[KEY],
        item_of_row=frame[ITEM].to_numpy(),
    )


def _fits(
    question: Json, pool: PoolColumns, decided: Sequence[Decided], places: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of these items a question asks for; erased ones never."""
    keys = pool.keys.gather(places)
    fits = keys.is_not_null()
    if search := str(question["search"]):
        pattern = _pattern(search)
        held = pool.texts.gather(places).str.contains(pattern).fill_null(False)
        fits &= held | keys.str.contains(pattern).fill_null(False)
    chosen = fits.to_numpy().copy()
    codes = decided[0].codes[places]
    if question["by"] == "model":
        chosen &= codes >= 0
    elif question["by"] == "others":
        chosen &= codes < 0
    if question["label"] is not None:
        name, label = cast("list[str]", question["label"])
        about = next(each for each in decided if each.question == name)
        wanted = about.texts.index(label) if label in about.texts else -2
        chosen &= about.codes[places] == wanted
    return chosen


def _pattern(search: str) -> str:
    """Finds these characters whatever their capitals."""
    return "(?i)" + "".join(f"\\{c}" if c in SPECIAL else c for c in search)


def _found(pool: PoolColumns, decided: Sequence[Decided], number: int, cursor: int) -> Found:
    made = [each for each in decided if each.codes[number] >= 0]
    return Found(
        item=number,
        key=pool.keys[number] or "",
        text=(pool.texts[number] or "")[:SHOWN_OF_TEXT],
        said={each.question: each.texts[int(each.codes[number])] for each in made},
        confidence=min(float(each.confidence[number]) for each in made) if made else None,
        cursor=cursor,
    )


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | bool | int) else str(value)


# ----------------------------------------------------------------------------- previews


def preview(path: Path, name: str, *, most_bytes: int = MOST_UNPACKED) -> Preview:
    """The first rows of a table, read no further than a page needs; the import reads it whole.

    ``most_bytes``: how large a Parquet file may become, whose parts are unpacked whole.
    """
    if is_zip(path):
        return _preview_of_zip(path, name)
    with path.open("rb") as file:
        head = file.read(PREVIEW_BYTES)
    if head.startswith(b"PAR1"):
        frame = _head_of_parquet(path, name, most_bytes)
        rows = [[_cell(value) for value in row] for row in frame.rows()]
        return _previewed(list(frame.columns), rows, name)
    whole = len(head) < PREVIEW_BYTES
    if head.startswith(b"\x1f\x8b"):
        head, whole = _unpacked(head, name)
    return _preview_of_text(head, name, whole=whole)


def _preview_of_zip(path: Path, name: str) -> Preview:
    """The first rows of the table in a ZIP of pictures, or the first pictures."""
    archive, files = open_zip(path, name, most_bytes=MOST_UNPACKED)
    with archive:
        table = table_in(files, name)
        if table is None:
            frame = pictures_in(files, name).head(PREVIEW_ROWS)
            found = _previewed(list(frame.columns), [list(row) for row in frame.rows()], name)
            return replace(found, text=FILE, pictures=True)
        head = text_start(archive, table, name, PREVIEW_BYTES)
    inner = f"{table.filename} in {name}"
    found = _preview_of_text(head, inner, whole=len(head) < PREVIEW_BYTES, suffix=table.filename)
    frame = pl.DataFrame(list(found.rows), schema=list(found.columns), orient="row")
    try:
        column = guess_picture_column(frame, name=inner)
    except InputError:
        column = found.text
    return replace(found, text=column, pictures=True)


def _preview_of_text(head: bytes, name: str, *, whole: bool, suffix: str | None = None) -> Preview:
    refuse_binary(head, name)
    text = _whole_lines(to_utf8(_cut_character(head), name)[0].decode(), whole)
    if not text.strip():
        raise InputError(f"{name} is empty.", hint="Choose a file with a header and rows.")
    suffix = Path((suffix or name).removesuffix(".gz")).suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json") or text.lstrip()[:1] == "{":
        return _previewed(*_json_rows(text, name), name)
    separator = sniff_separator(text.encode(), suffix)
    header, *rows = list(csv.reader(io.StringIO(text), delimiter=separator))[: PREVIEW_ROWS + 1]
    return _previewed(header, rows, name)


def _previewed(columns: list[str], rows: Sequence[Sequence[str]], name: str) -> Preview:
    if not columns or not rows:
        raise InputError(
            f"{name} holds no rows below its header.", hint="Choose a file with a header and rows."
        )
    width = len(columns)
    cells = [[_cell(value) for value in [*row, *[""] * width][:width]] for row in rows]
    return Preview(columns=columns, rows=cells[:PREVIEW_ROWS], text=_likely_text(columns, cells))


def _likely_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    if len(set(columns)) < len(columns):
        return None  # the import says what is wrong
    frame = pl.DataFrame(list(rows), schema=list(columns), orient="row")
    try:
        return guess_text_column(frame, [], name="")
    except InputError:
        return None


def _cell(value: object) -> str:
    return "" if value is None else str(value)[:MOST_OF_A_CELL]


def _head_of_parquet(path: Path, name: str, most_bytes: int) -> pl.DataFrame:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        refuse_large_parquet(data, name, most_bytes)
    try:
        return pl.scan_parquet(path, hive_partitioning=False).head(PREVIEW_ROWS).collect()
    except pl.exceptions.PolarsError:
        raise InputError(
            f"{name} begins like Parquet and is not.", hint="Export it again."
        ) from None


def _unpacked(head: bytes, name: str) -> tuple[bytes, bool]:
    """The beginning of what gzip packed, and whether that is all; a bomb stays packed."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        return unpacking.decompress(head, PREVIEW_BYTES), unpacking.eof
    except zlib.error:
        raise InputError(f"{name} is a damaged gzip file.", hint="Pack it again.") from None


def _cut_character(head: bytes) -> bytes:
    """Without the beginning of a UTF-8 character that the cut went through."""
    for back in range(1, min(4, len(head) + 1)):
        if head[-back] >= 0xC0:
            try:
                head[-back:].decode()
            except UnicodeDecodeError:
                return head[:-back]
            return head
        if head[-back] < 0x80:
            return head
    return head


def _whole_lines(text: str, whole: bool) -> str:
    """Without the line that the cut went through."""
    return text if whole else text[: text.rfind("\n") + 1] or text


def _json_rows(text: str, name: str) -> tuple[list[str], list[list[str]]]:
    columns: dict[str, None] = {}
    rows: list[dict[str, object]] = []
    for line in filter(str.strip, text.splitlines()):
        if len(rows) == PREVIEW_ROWS:
            break
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise InputError(
                f"{name} is not JSON Lines.", hint="Write one JSON object a line, or a CSV."
            )
        rows.append(cast("dict[str, object]", row))
        columns.update(dict.fromkeys(rows[-1]))
    return list(columns), [[_cell(row.get(name)) for name in columns] for row in rows]
