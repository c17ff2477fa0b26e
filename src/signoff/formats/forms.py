"""A file that defines the questions of a form: JSON or TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from signoff.core.questions import Form
from signoff.core.questions.asked import FORM_HINT, form_asked
from signoff.errors import InputError


def read_form(path: Path) -> Form:
    """The form a ``.toml`` file (a ``[[question]]`` each) or a ``.json`` file (a list) defines.

    What is plain may be left out: see :func:`form_asked`. Raises :class:`InputError`.
    """
    entries = _entries(path)
    try:
        return form_asked(entries)
    except InputError as refused:
        raise InputError(
            f"{path}: {refused.message}", hint=refused.hint, code=refused.code
        ) from None


def _entries(path: Path) -> list[object]:
    value = _parsed(path)
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("question")
    if not isinstance(value, list) or not value:
        raise InputError(f"{path} defines no questions.", hint=FORM_HINT)
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
            f"The form {str(path)!r} is not {kind}: {str(error)[:120]}.", hint=FORM_HINT
        ) from None
