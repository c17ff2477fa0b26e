"""Labels: the values that several kinds of questions allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signoff.core.questions.definition import Definition
from signoff.core.questions.reading import UNKNOWN_LABEL, shown, some
from signoff.errors import InputError, UsageError

MAX_LABELS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A value a question allows: a stable id and the name people see."""

    id: str
    name: str
    description: str = ""


def labels_of(names: Sequence[str]) -> tuple[Label, ...]:
    """Labels whose ids are their names, white space at the ends removed."""
    return tuple(Label(id=name.strip(), name=name.strip()) for name in names)


def label_ids(labels: Sequence[Label]) -> tuple[str, ...]:
    """Label ids, in the order people see them."""
    return tuple(label.id for label in labels)


def check_labels(labels: Sequence[Label], *, of: str, least: int) -> None:
    """Refuse labels that are too few, too many, empty or not to be told apart.

    ``of``: the kind of question in words, such as "A choice".
    """
    ids = label_ids(labels)
    if len(ids) < least:
        raise UsageError(
            f"{of} needs at least {least} label{'s' * (least > 1)}, "
            f"got {len(ids)}: {', '.join(ids) or 'none'}.",
            hint="Pass --labels A,B or --labels @FILE with one label a line.",
        )
    if len(ids) > MAX_LABELS:
        raise UsageError(
            f"{len(ids)} labels are more than the {MAX_LABELS} {of.lower()} can have.",
            hint="Is the label column really free text?",
        )
    if any(not label.strip() for label in ids):
        raise UsageError("A label is empty.", hint="Remove the stray comma or blank line.")
    seen: set[str] = set()
    for label in labels:
        typed = {_folded(label.id), _folded(label.name)}
        if typed & seen:
            raise UsageError(
                f"Label {label.name!r} is given twice (capitals do not count).",
                hint="Give each label once.",
            )
        seen |= typed


def find_label(labels: Sequence[Label], typed: str, hint: str = "") -> str:
    """The id of the label that was typed, whatever its capitals; refuses with the list.

    ``hint``: what else to say to somebody who typed no label.
    """
    wanted = _folded(typed)
    for label in labels:
        if wanted in (_folded(label.id), _folded(label.name)):
            return label.id
    raise InputError(
        f"{shown(typed.strip(), 40)} is not one of the labels.",
        hint=f"Allowed: {', '.join(some(label_ids(labels)))}.{hint}",
        code=UNKNOWN_LABEL,
    )


def labels_json(labels: Sequence[Label]) -> list[dict[str, object]]:
    """Labels as a definition keeps them."""
    return [
        {"id": label.id, "name": label.name, "description": label.description} for label in labels
    ]


def read_labels(definition: Definition) -> tuple[Label, ...]:
    """The inverse of :func:`labels_json`."""
    return tuple(_label(entry) for entry in definition.objects("labels"))


def _label(entry: Mapping[str, object]) -> Label:
    fields = Definition(entry, ("id", "name", "description"))
    return Label(
        id=fields.text("id"), name=fields.text("name"), description=fields.text("description", "")
    )


def _folded(text: str) -> str:
    return text.strip().casefold()
