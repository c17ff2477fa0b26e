"""A file that defines the questions of a form: JSON or TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from signoff.core.questions import Form, form_from_json
from signoff.errors import InputError

HINT = "See docs/how-to/ask-several-questions.md for a form to start from."


def read_form(path: Path) -> Form:
    """The form a ``.toml`` file (a ``[[question]]`` each) or a ``.json`` file (a list) defines.

    A file may leave out what is plain: ``version`` 1, the ``name`` of an only question, and the
    id of a label, written as its name alone. Raises :class:`InputError`.
    """
    entries = _entries(path)
    questions = [_filled(entry, path, only=len(entries) == 1) for entry in entries]
    try:
        return form_from_json(questions)
    except InputError as refused:
        raise InputError(
            f"{path}: {refused.message}", hint=refused.hint, code=refused.code
        ) from None


def _entries(path: Path) -> list[object]:
    value = _parsed(path)
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("question")
    if not isinstance(value, list) or not value:
        raise InputError(f"{path} defines no questions.", hint=HINT)
    return cast("list[object]", value)


def _parsed(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text) if path.suffix.casefold() == ".toml" else json.loads(text)
    except OSError as error:
        raise InputError(
            f"The form {str(path)!r} cannot be read: {error.strerror}.", hint="Check the path."
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"The form {str(path)!r} is not UTF-8 (byte {error.start}).", hint="Save it as UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix.casefold() == ".toml" else "JSON"
        raise InputError(
            f"The form {str(path)!r} is not {kind}: {str(error)[:120]}.", hint=HINT
        ) from None


def _filled(entry: object, path: Path, *, only: bool) -> dict[str, object]:
    """A question's definition with what a file may leave out."""
    if not isinstance(entry, Mapping):
        raise InputError(f"{path}: a question is {str(entry)[:40]!r}, no table.", hint=HINT)
    given = dict(cast("Mapping[str, object]", entry))
    if "name" not in given and not only:
        raise InputError(
            f"{path}: a question has no name.", hint="Give each a short one: results go by it."
        )
    filled: dict[str, object] = {"version": 1, "name": "answer", **given}
    labels = filled.get("labels")
    if isinstance(labels, list):
        filled["labels"] = [_label(each) for each in cast("list[object]", labels)]
    return filled


def _label(entry: object) -> object:
    if isinstance(entry, str):
        return {"id": entry.strip(), "name": entry.strip()}
    if isinstance(entry, Mapping):
        given = dict(cast("Mapping[str, object]", entry))
        return {"name": given.get("id"), "id": given.get("name"), **given}
    return entry
