"""Questions: what is asked, which answers are allowed, and when two answers are the same.

Each kind of question is one frozen class. ``same(a, b)`` gives "wrong" one meaning for every
certificate; it is transitive, as the two-budget theorem needs. Kinds are versioned: renaming or
merging labels is a new version with a mapping from old label ids, never an update of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

from signoff.errors import InputError, UsageError

MAX_LABELS = 1000


@dataclass(frozen=True, slots=True)
class CannotSay:
    """The answer "this cannot be decided from what is shown"; differs from every label."""

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"cannot_say": True}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One label of a :class:`Choice`, by id."""

    label: str

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"label": self.label}


CANNOT_SAY = CannotSay()
Answer = Chosen | CannotSay


def answer_text(answer: Answer) -> str:
    """An answer as results and reports write it.

    >>> answer_text(Chosen("Positive")), answer_text(CANNOT_SAY)
    ('Positive', '(cannot say)')
    """
    return answer.label if isinstance(answer, Chosen) else "(cannot say)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A value a question allows: a stable id and the name people see."""

    id: str
    name: str
    description: str = ""


class Question(Protocol):
    """What every kind of question offers the engine, the store and the reviewers."""

    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    def parse(self, typed: str) -> Answer:
        """The answer a person or a column wrote; raises :class:`InputError` on anything else."""
        ...

    def same(self, a: Answer, b: Answer) -> bool: ...
    def from_json(self, value: Mapping[str, object]) -> Answer: ...
    def to_json(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Exactly one of the labels.

    >>> question = Choice.of(["Positive", "Negative"])
    >>> question.parse("negative")
    Chosen(label='Negative')
    """

    labels: tuple[Label, ...]
    text: str = "Which label fits?"
    name: str = "answer"
    version: int = 1
    kind: Literal["choice"] = field(default="choice", init=False)

    def __post_init__(self) -> None:
        ids = [label.id for label in self.labels]
        if len(ids) < 2:
            raise UsageError(
                f"A choice needs at least 2 labels, got {len(ids)}: {', '.join(ids) or 'none'}.",
                hint="Pass --labels A,B or --labels @FILE with one label a line.",
            )
        if len(ids) > MAX_LABELS:
            raise UsageError(
                f"{len(ids)} labels are more than the {MAX_LABELS} a choice can have.",
                hint="Is the label column really free text?",
            )
        if any(not label.strip() for label in ids):
            raise UsageError("A label is empty.", hint="Remove the stray comma or blank line.")
        seen: set[str] = set()
        for label in self.labels:
            typed = {label.id.casefold(), label.name.casefold()}
            if typed & seen:
                raise UsageError(
                    f"Label {label.name!r} is given twice (capitals do not count).",
                    hint="Give each label once.",
                )
            seen |= typed

    @classmethod
    def of(cls, names: list[str] | tuple[str, ...], *, text: str = "Which label fits?") -> Choice:
        """A choice whose label ids are their names, white space at the ends removed."""
        return cls(
            labels=tuple(Label(id=name.strip(), name=name.strip()) for name in names), text=text
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Label ids, in the order people see them."""
        return tuple(label.id for label in self.labels)

    def code(self, answer: Answer) -> int:
        """Index of the answer's label, -1 for "cannot say"."""
        return -1 if isinstance(answer, CannotSay) else self.ids.index(answer.label)

    def parse(self, typed: str) -> Answer:
        """A label by name, whatever its capitals; refuses everything else with the list."""
        wanted = typed.strip().casefold()
        for label in self.labels:
            if wanted in (label.id.casefold(), label.name.casefold()):
                return Chosen(label.id)
        shown = typed.strip()[:40]
        raise InputError(
            f"{shown!r} is not one of the labels.",
            hint=f"Allowed: {', '.join(_some(self.ids))}.",
            code="unknown_label",
        )

    def same(self, a: Answer, b: Answer) -> bool:
        """Plain equality of labels; "cannot say" equals only itself."""
        return a == b

    def from_json(self, value: Mapping[str, object]) -> Answer:
        """The inverse of an answer's ``to_json``."""
        if value.get("cannot_say") is True and len(value) == 1:
            return CANNOT_SAY
        label = value.get("label")
        if isinstance(label, str) and label in self.ids and len(value) == 1:
            return Chosen(label)
        raise InputError(
            f"{dict(value)!r} is no answer to a choice.",
            hint=f'Write {{"label": L}} with L one of {", ".join(_some(self.ids))}.',
            code="unknown_label",
        )

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "text": self.text,
            "labels": [
                {"id": label.id, "name": label.name, "description": label.description}
                for label in self.labels
            ],
        }


def _some(names: tuple[str, ...], most: int = 12) -> list[str]:
    """The first names, and how many more there are."""
    if len(names) <= most:
        return list(names)
    return [*names[:most], f"… ({len(names) - most} more)"]


def question_from_json(value: Mapping[str, object]) -> Choice:
    """The question a stored definition describes; the kinds known today are: choice."""
    if value.get("kind") != "choice":
        raise InputError(
            f"Question kind {value.get('kind')!r} is not known to this version.",
            hint="Update signoff.",
        )
    labels = value.get("labels")
    if not isinstance(labels, list):
        raise _malformed("it has no labels")
    try:
        return Choice(
            labels=tuple(_label(entry) for entry in cast("list[object]", labels)),
            text=str(value["text"]),
            name=str(value["name"]),
            version=int(str(value["version"])),
        )
    except (KeyError, ValueError) as error:
        raise _malformed(f"{type(error).__name__}: {error}") from None


def _label(entry: object) -> Label:
    if not isinstance(entry, dict):
        raise _malformed("a label is no object")
    fields = cast("dict[str, object]", entry)
    return Label(
        id=str(fields["id"]),
        name=str(fields["name"]),
        description=str(fields.get("description", "")),
    )


def _malformed(why: str) -> InputError:
    return InputError(
        f"A stored question is malformed: {why}.", hint="Restore the store from a backup."
    )
