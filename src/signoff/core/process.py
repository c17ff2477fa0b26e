"""Who answers: the human process that a certificate speaks of, of one part or of several.

People are one part, whoever they are: their names stay out of what is kept for ever. A column of
the data or a callable is a part of its own, by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from signoff.core.fields import FieldReader

PERSON, MODEL = "person", "model"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Source:
    """Where answers come from: people (no name), a column, a callable, a model."""

    kind: str
    name: str = ""

    @classmethod
    def of(cls, kind: str, name: str) -> Source:
        """The source behind a reviewer of this kind and name."""
        return cls(kind=kind, name="" if kind == PERSON else name)

    def to_json(self) -> dict[str, object]:
        """As part of a process."""
        return {"kind": self.kind, "name": self.name} if self.name else {"kind": self.kind}

    def same(self, other: Source) -> bool:
        """Whether they are one part of a process; a callable is the user's own by any name."""
        return self == other or self.kind == other.kind == "callable"

    def __str__(self) -> str:
        return "people" if self.kind == PERSON else self.name or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredBy:
    """How many of a pool's answers one source gave, through how many reviewers; ``name`` is
    "people" where people did."""

    kind: str
    name: str
    reviewers: int
    answers: int

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> AnsweredBy:
        """The inverse of ``as_json``; raises VerificationFailed on anything malformed."""
        read = FieldReader(value, "a part of answered_by")
        return cls(
            kind=read.text("kind"),
            name=read.text("name"),
            reviewers=read.integer("reviewers"),
            answers=read.integer("answers"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.answers:,})"


def process_of_answers(
    answerers: Iterable[str], sources: Mapping[str, Source], begun: Mapping[str, object]
) -> dict[str, object]:
    """The process behind answers by these reviewers; as ``begun`` where nobody answered yet."""
    parts = sorted({sources[reviewer] for reviewer in answerers})
    return _process(parts) if parts else dict(begun)


def process_that_answered(
    parts: Sequence[AnsweredBy], committed: Mapping[str, object]
) -> dict[str, object]:
    """The process that gave all answers, of which some may have come after the commitment."""
    if not parts:
        return dict(committed)
    begun = {name: value for name, value in committed.items() if name not in ("kind", "name", "of")}
    return _process([Source.of(part.kind, part.name) for part in parts]) | begun


def _process(parts: Sequence[Source]) -> dict[str, object]:
    if len(parts) == 1:
        return parts[0].to_json()
    return {"kind": "mixed", "of": [part.to_json() for part in parts]}


def sources_of(process: Mapping[str, object]) -> list[Source]:
    """The parts of a process; what cannot be read as one is left out."""
    parts = process.get("of", [process])
    found = cast("list[object]", parts) if isinstance(parts, list) else []
    return [
        Source.of(str(part.get("kind", "")), str(part.get("name", "")))
        for each in found
        if isinstance(each, Mapping) and (part := cast("Mapping[str, object]", each))
    ]


def answered_by(answerers: Sequence[str], sources: Mapping[str, Source]) -> tuple[AnsweredBy, ...]:
    """Answers by source; ``answerers`` names the reviewer of each answer."""
    answers = Counter(sources[reviewer] for reviewer in answerers)
    reviewers = Counter(sources[reviewer] for reviewer in set(answerers))
    return tuple(
        AnsweredBy(
            kind=source.kind,
            name=str(source),
            reviewers=reviewers[source],
            answers=answers[source],
        )
        for source in sorted(answers)
    )
