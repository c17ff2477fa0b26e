"""Canonical JSON (RFC 8785): the one sequence of bytes that a value is hashed as."""

from __future__ import annotations

import json
from typing import TypeGuard, cast

import rfc8785

from signoff.errors import InputError, VerificationFailed

Json = dict[str, object]


def canonical_json(value: object) -> bytes:
    """RFC 8785 canonical bytes; raises :class:`InputError` where a value has none (NaN, 2**53)."""
    try:
        if _is_plain(value):
            return _PLAIN.encode(value).encode()
        return rfc8785.dumps(value)  # pyright: ignore[reportArgumentType]
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError) as error:
        raise InputError(f"A value has no canonical JSON form: {_one_line(error)}.") from error


_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _is_plain(value: object) -> bool:
    """Whether Python's own encoder, ten times as fast, writes a value as RFC 8785 does: no
    floats, no large numbers, and only names that every encoding sorts alike."""
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return True
    if kind is int:
        return -(2**53) < cast("int", value) < 2**53
    if kind is dict:
        fields = cast("dict[object, object]", value)
        return all(type(k) is str and k.isascii() and _is_plain(v) for k, v in fields.items())
    return kind is list and all(map(_is_plain, cast("list[object]", value)))


def parse_canonical(text: str) -> object:
    """The value of canonical JSON; raises :class:`VerificationFailed` for any other form of it."""
    try:
        value = cast("object", json.loads(text, parse_int=_whole))
        same = canonical_json(value) == text.encode()
    except (ValueError, RecursionError, InputError) as error:
        raise VerificationFailed(f"An event is not JSON: {_one_line(error)}.") from None
    if not same:
        raise VerificationFailed("An event is malformed: it is not in canonical form (RFC 8785).")
    return value


def _whole(digits: str) -> int | float:
    """RFC 8785 writes large floats as whole numbers: read those back as floats."""
    small = len(digits) <= 17 and abs(int(digits)) < 2**53
    return int(digits) if small else float(digits)


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_int(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a whole number: true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _one_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120].rstrip(".") if str(error) else type(error).__name__
