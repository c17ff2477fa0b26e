"""Text: free text, such as a correction of a column or a reason."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from signoff.core.questions.answers import CANNOT_SAY, Answer, Written, canonical
from signoff.core.questions.definition import Definition, check_header, header_json
from signoff.core.questions.reading import (
    NOT_AN_ANSWER,
    no_answer,
    nominal,
    only_field,
    says_cannot,
    shown,
    storable,
)
from signoff.errors import InputError, UsageError

MAX_TEXT = 50_000
"""Longest text, in code points: at most 200 KB, so that it can lie in a row of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of at most ``longest`` code points; ``field``: the column it corrects, if any.

    A text is kept as it was written. Two are the same if nothing but white space at their ends and
    the way Unicode composes their characters tells them apart. A blank one is refused: it cannot
    be told from a missing one. Where there is nothing to write, the answer is "cannot say".

    >>> question = Text(text="What does the sign say?")
    >>> question.same(question.parse("Cafe\\u0301 "), question.parse("Caf\\u00e9"))
    True
    """

    field: str | None = None
    longest: int = 10_000
    text: str = "What should it say?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["text"] = dataclasses.field(default="text", init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.longest <= MAX_TEXT:
            raise UsageError(
                f"A text cannot be as long as {self.longest} characters.",
                hint=f"Set longest to a number from 1 to {MAX_TEXT:,}.",
            )
        if self.field is not None and not self.field.strip():
            raise UsageError(
                "The column to correct has no name.", hint="Name it in field, or leave field out."
            )
        check_header(self)

    @classmethod
    def read(cls, definition: Definition) -> Text:
        """The inverse of :meth:`to_json`."""
        return cls(
            field=definition.text_or_none("field"),
            longest=definition.whole("longest", 10_000),
            **definition.header,
        )

    def parse(self, typed: str) -> Answer:
        """The text itself."""
        if not typed.strip():
            raise InputError(
                "The text is blank.",
                hint='Write a text, or answer "cannot say".',
                code=NOT_AN_ANSWER,
            )
        if len(typed) > self.longest:
            raise InputError(
                f"The text has {len(typed):,} characters, {self.longest:,} are allowed.",
                hint="Shorten it.",
                code=NOT_AN_ANSWER,
            )
        if "\0" in typed or not storable(typed):  # PostgreSQL keeps no U+0000 in JSON
            raise InputError(
                f"The text {shown(typed, 40)} holds half a character or U+0000.",
                hint="Write it again without.",
                code=NOT_AN_ANSWER,
            )
        return Written(typed)

    def same(self, a: Answer, b: Answer) -> bool:
        """Equal in Unicode's form NFC without white space at the ends."""
        return canonical(a) == canonical(b)

    def distance(self, a: Answer, b: Answer) -> float:
        """Edits that turn one into the other, as a share of the longer one's length.

        >>> question = Text()
        >>> question.distance(Written("kitten"), Written("mitten"))
        0.16666666666666666
        """
        a, b = canonical(a), canonical(b)
        if isinstance(a, Written) and isinstance(b, Written):
            return edits(a.text, b.text) / max(1, len(a.text), len(b.text))
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``."""
        if says_cannot(value):
            return CANNOT_SAY
        written = only_field(value, "text")
        if not isinstance(written, str):
            raise no_answer(value, "a question for a text", 'Write {"text": "..."}.')
        return self.parse(written)

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {**header_json(self), "field": self.field, "longest": self.longest}


def edits(a: str, b: str) -> int:
    """Levenshtein's distance: characters to insert, delete or replace; O(len(a) len(b)) time.

    >>> edits("kitten", "sitting"), edits("", "abc")
    (3, 3)
    """
    import numpy as np  # here, so that the command line, which reads questions, starts fast

    a, b = _without_shared_ends(a, b)
    if len(a) > len(b):
        a, b = b, a
    codes = np.frombuffer(b.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    steps = np.arange(len(b) + 1)
    row = steps
    for at, char in enumerate(a, 1):
        replaced = row[:-1] + (codes != ord(char))
        best = np.concatenate(([at], np.minimum(replaced, row[1:] + 1)))
        # An insertion adds 1 a place, so the best place to insert from is a running minimum.
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _without_shared_ends(a: str, b: str) -> tuple[str, str]:
    """Two texts without the start and end they share: most corrections are small."""
    shorter = min(len(a), len(b))
    start = next((at for at in range(shorter) if a[at] != b[at]), shorter)
    left = shorter - start
    end = next((at for at in range(left) if a[-1 - at] != b[-1 - at]), left)
    return a[start : len(a) - end], b[start : len(b) - end]
