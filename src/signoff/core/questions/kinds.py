"""The kinds of questions this version knows: a closed set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from signoff.core.questions.choice import Choice
from signoff.core.questions.definition import HEADER, Definition, malformed
from signoff.core.questions.multichoice import MultiChoice
from signoff.core.questions.pairwise import Pairwise
from signoff.core.questions.rating import Rating
from signoff.core.questions.reading import shown
from signoff.core.questions.spans import Spans
from signoff.core.questions.text import Text
from signoff.errors import InputError, UsageError

AnyQuestion = Choice | MultiChoice | Rating | Text | Spans | Pairwise

_KINDS: dict[str, tuple[Callable[[Definition], AnyQuestion], tuple[str, ...]]] = {
    "choice": (Choice.read, ("labels",)),
    "multichoice": (MultiChoice.read, ("labels", "least", "most")),
    "rating": (Rating.read, ("low", "high", "step", "low_name", "high_name")),
    "text": (Text.read, ("field", "longest")),
    "spans": (Spans.read, ("labels", "overlap")),
    "pairwise": (Pairwise.read, ("a", "b")),
}
KINDS = tuple(_KINDS)


def question_from_json(value: object) -> AnyQuestion:
    """The question a definition describes; the inverse of a question's ``to_json``.

    Raises :class:`InputError` for everything else.

    >>> question_from_json(
    ...     {"kind": "rating", "name": "tone", "version": 1, "text": "How kind?", "high": 3}
    ... ).parse("3")
    Rated(value=3)
    """
    if not isinstance(value, Mapping):
        raise malformed(f"it is {shown(value)}, no object")
    fields = cast("Mapping[str, object]", value)
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(
            f"Question kind {shown(kind, 40)} is not known to this version.",
            hint=f"Known are: {', '.join(KINDS)}. Update signoff for others.",
        )
    read, own = _KINDS[kind]
    try:
        return read(Definition(fields, (*HEADER, *own)))
    except UsageError as refused:
        raise malformed(refused.message.rstrip("."), refused.hint) from None
