"""From the bytes of a file to UTF-8 text, or to one line that says why not."""

from __future__ import annotations

import codecs
import gzip
import zlib

import numpy as np
from charset_normalizer import from_bytes

from signoff.errors import InputError
from signoff.formats.wording import first_line

_CHUNK = 1 << 24
_SAMPLE = 1 << 16
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
_OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5", "cp949", "cp1252", "cp1250"),
)
_PLAIN_CONTROLS = frozenset(b"\t\n\r\f\x1b\x85")

_KNOWN_BINARIES: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "Save the sheet as CSV (UTF-8)."),
    (b"BZh", "a bzip2 file", "Unpack it first: bunzip2."),
    (b"\xfd7zXZ\x00", "an xz file", "Unpack it first: unxz."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "Unpack it first: unzstd."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and pass the file inside."),
    (b"Rar!", "a RAR archive", "Unpack it and pass the file inside."),
    (b"%PDF-", "a PDF", "Pass a table: CSV, TSV, JSONL or Parquet."),
    (b"SQLite format 3\x00", "an SQLite database", "Export the table as CSV."),
    (b"ARROW1\x00\x00", "an Arrow file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
    (b"\x89HDF", "an HDF5 file", "Write the table as Parquet."),
    (b"\x89PNG", "a PNG image", "Pass a table: CSV, TSV, JSONL or Parquet."),
    (b"\xff\xd8\xff", "a JPEG image", "Pass a table: CSV, TSV, JSONL or Parquet."),
    (b"\x7fELF", "a program", "Pass a table: CSV, TSV, JSONL or Parquet."),
)


def unpack_gzip(data: bytes, name: str) -> bytes:
    """The content of a gzip file."""
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{name} is a damaged gzip file ({first_line(error)}).",
            hint="Copy or download it again.",
            code="damaged_file",
        ) from error


def refuse_binary(data: bytes, name: str) -> None:
    """Name the kinds of file that hold no table this program reads."""
    if data.startswith(b"PK\x03\x04"):
        _refuse_zip(data, name)
    for magic, kind, hint in _KNOWN_BINARIES:
        if data.startswith(magic) and _is_binary(data[:_SAMPLE]):
            raise InputError(f"{name} is {kind}.", hint=hint, code="wrong_format")
    start = data[:512].lstrip()[:15].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        kind = "an XML file" if start.startswith(b"<?xml") else "a web page"
        raise InputError(
            f"{name} is {kind}, not a table.",
            hint="Pass CSV, TSV, JSONL or Parquet.",
            code="wrong_format",
        )


def to_utf8(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """The text as UTF-8 without a byte order mark, and what had to be done to it.

    UTF-8 is checked; UTF-16 and UTF-32 are taken by their byte order mark (UTF-16 without one by
    its pattern of zero bytes); other encodings are detected with charset-normalizer.
    """
    marked = _marked_encoding(data)
    if marked is not None:
        label, encoding = marked
        return _decode(data, encoding, label, name), [f"decoded as {label}"]
    data = data.removeprefix(codecs.BOM_UTF8)
    zero = data.find(b"\x00")
    if zero >= 0:
        return _without_mark(data, zero, name)
    bad = invalid_utf8_at(data)
    if bad is None:
        return data, []
    return _detected(data, bad, name)


def invalid_utf8_at(data: bytes) -> int | None:
    """Position of the first byte that is not UTF-8, None when all are. Needs little memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, max(len(data), 1), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def line_of(data: bytes, position: int) -> int:
    """Line number (from 1) of a byte."""
    return data.count(b"\n", 0, position) + 1


def _marked_encoding(data: bytes) -> tuple[str, str] | None:
    """Label and codec of the byte order mark; UTF-32 first, its mark begins like UTF-16's."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32", "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16", "utf-16"
    return None


def _decode(data: bytes, encoding: str, label: str, name: str) -> bytes:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not valid {label}: byte {error.start} ({error.reason}).",
            hint="Save it as UTF-8.",
            code="wrong_encoding",
        ) from error
    encoded = text.encode().removeprefix(codecs.BOM_UTF8)
    zero = encoded.find(b"\x00")
    if zero >= 0:
        raise _zero_byte(name, line_of(encoded, zero), zero)
    return encoded


def _without_mark(data: bytes, zero: int, name: str) -> tuple[bytes, list[str]]:
    """UTF-16 that lost its byte order mark, or a file with zero bytes: refused."""
    sample = data[:_SAMPLE]
    half = len(sample) / 2
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.3 and even < 0.02 and len(data) % 2 == 0:
        encoding, label = "utf-16-le", "UTF-16 (little-endian, no byte order mark)"
    elif even > 0.3 and odd < 0.02 and len(data) % 2 == 0:
        encoding, label = "utf-16-be", "UTF-16 (big-endian, no byte order mark)"
    else:
        raise _zero_byte(name, line_of(data, zero), zero)
    return _decode(data, encoding, label, name), [f"decoded as {label}"]


def _zero_byte(name: str, line: int, position: int) -> InputError:
    return InputError(
        f"{name} holds a NUL byte at byte {position} (line {line}).",
        hint="Is it a binary file, or cut off? Save it as UTF-8 text.",
        code="nul_byte",
    )


def _detected(data: bytes, bad: int, name: str) -> tuple[bytes, list[str]]:
    """Bytes in some other encoding than UTF-8, as UTF-8, with a note that names it."""
    found = f"byte 0x{data[bad]:02X} at position {bad}, line {line_of(data, bad)}"
    start = 0 if bad < _SAMPLE else data.rfind(b"\n", 0, bad - _SAMPLE // 2) + 1
    sample = data[start : start + _SAMPLE]
    if _is_binary(sample):
        raise InputError(
            f"{name} is a binary file ({found}).",
            hint="Pass CSV, TSV, JSONL or Parquet.",
            code="wrong_format",
        )
    encoding = _guess_encoding(sample)
    if encoding is None:
        raise InputError(
            f"{name} is not UTF-8 ({found}) and no other encoding fits.",
            hint="Save it as UTF-8.",
            code="wrong_encoding",
        )
    label = _label(encoding)
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        where = error.start if isinstance(error, UnicodeDecodeError) else bad
        raise InputError(
            f"{name} is not UTF-8 ({found}); it looks like {label}, but byte {where} is not.",
            hint="Save it as UTF-8.",
            code="wrong_encoding",
        ) from error
    return text.encode(), [f"decoded as {label}: not UTF-8 ({found})"]


def _guess_encoding(sample: bytes) -> str | None:
    """The most plausible codec, with what is known of scripts before the statistics.

    Latin scripts hold accented letters one by one, other scripts in runs; Japanese shows its
    kana. Among code pages for Latin letters that read equally well windows-1252 is taken, as by
    far most such files are: short samples cannot tell them apart.
    """
    if _letters_stand_alone(sample):
        matches = from_bytes(sample, cp_isolation=list(_LATIN), threshold=0.5)
        best = matches.best()
        equal = [m for m in matches if best and m.coherence >= best.coherence]
        if best is None or any("cp1252" in m.could_be_from_charset for m in equal):
            return "cp1252"
        return best.encoding
    for encoding in ("cp932", "euc_jp"):
        if _shows_kana(sample, encoding):
            return encoding
    best = from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS)).best()
    return None if best is None else best.encoding


def _letters_stand_alone(sample: bytes) -> bool:
    """Are most bytes beyond ASCII between ASCII ones?"""
    high = np.frombuffer(b" " + sample + b" ", dtype=np.uint8) >= 0x80
    alone = high[1:-1] & ~high[:-2] & ~high[2:]
    return bool(alone.sum() > 0.6 * high.sum())


def _shows_kana(sample: bytes, encoding: str) -> bool:
    """Does it read as Japanese: a quarter or more of the wide letters are kana?"""
    text = sample.decode(encoding, errors="replace")
    wide = [c for c in text if c > "\x7f"]
    kana = sum("\u3041" <= c <= "\u30fa" for c in wide)
    return kana * 4 >= len(wide) > text.count("\ufffd") * 20


def _label(encoding: str) -> str:
    """The name people know a codec by."""
    if encoding.startswith("cp125"):
        return f"windows-{encoding[2:]}"
    return {"cp932": "Shift-JIS", "cp949": "EUC-KR"}.get(encoding, encoding.replace("_", "-"))


def _is_binary(sample: bytes) -> bool:
    """More control characters than any text has."""
    controls = sum(1 for byte in sample if byte < 32 and byte not in _PLAIN_CONTROLS)
    return controls > 0 and controls > len(sample) * 0.02


def _refuse_zip(data: bytes, name: str) -> None:
    if b"xl/" in data[:_SAMPLE] or b"xl/" in data[-_SAMPLE:]:
        raise InputError(
            f"{name} is an Excel workbook.",
            hint="Save the sheet as CSV (UTF-8).",
            code="wrong_format",
        )
    raise InputError(
        f"{name} is a zip archive.",
        hint="Unpack it and pass the file inside.",
        code="wrong_format",
    )
