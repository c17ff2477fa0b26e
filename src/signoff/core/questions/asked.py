"""A form as somebody writes it: what is plain may be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from signoff.core.questions.form import Form, form_from_json
from signoff.core.questions.reading import shown
from signoff.errors import InputError

FORM_HINT = "See docs/how-to/ask-several-questions.md for a form to start from."


def form_asked(entries: Sequence[object]) -> Form:
    """The form that definitions of its questions make.

    They may leave out ``version`` 1, the ``name`` of an only question, and the id of a label,
    written as its name alone. Raises :class:`InputError`.

    >>> form = form_asked([{"kind": "choice", "text": "Useful?", "labels": ["Yes", "No"]}])
    >>> form.only.name, form.only.version
    ('answer', 1)
    """
    return form_from_json([_filled(entry, only=len(entries) == 1) for entry in entries])


def _filled(entry: object, *, only: bool) -> dict[str, object]:
    """A question's definition with what may be left out."""
    if not isinstance(entry, Mapping):
        raise InputError(f"A question is {shown(str(entry), 40)}, no table.", hint=FORM_HINT)
    given = dict(cast("Mapping[str, object]", entry))
    if "name" not in given and not only:
        raise InputError("A question has no name.", hint="Give each a short one: results go by it.")
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
