"""Questions: what is asked, which answers are allowed, and when two answers are the same.

Each kind of question is one frozen class. ``same(a, b)`` gives "wrong" one meaning for every
certificate; it is transitive, as the two-budget theorem needs. Kinds are versioned: renaming or
merging labels is a new version with a mapping from old label ids, never an update of answers.

::

    Choice        one of the labels          Text       free text, or a column corrected
    MultiChoice   any of the labels          Spans      parts of a text under labels
    Rating        a number on a scale        Pairwise   which of two is better
    Form          several of these on one item
"""

from __future__ import annotations

from signoff.core.questions.answers import (
    CANNOT_SAY,
    Answer,
    CannotSay,
    Chosen,
    ChosenMany,
    Marked,
    Preferred,
    Question,
    Rated,
    Side,
    Span,
    Written,
    answer_text,
    canonical,
)
from signoff.core.questions.choice import Choice
from signoff.core.questions.form import Form, Given, answers_to_json, form_from_json
from signoff.core.questions.kinds import KINDS, AnyQuestion, question_from_json
from signoff.core.questions.labels import MAX_LABELS, Label
from signoff.core.questions.multichoice import MultiChoice
from signoff.core.questions.offsets import from_utf16, to_utf16
from signoff.core.questions.pairwise import Pairwise
from signoff.core.questions.rating import Rating
from signoff.core.questions.spans import Spans
from signoff.core.questions.text import Text

__all__ = [
    "CANNOT_SAY",
    "KINDS",
    "MAX_LABELS",
    "Answer",
    "AnyQuestion",
    "CannotSay",
    "Choice",
    "Chosen",
    "ChosenMany",
    "Form",
    "Given",
    "Label",
    "Marked",
    "MultiChoice",
    "Pairwise",
    "Preferred",
    "Question",
    "Rated",
    "Rating",
    "Side",
    "Span",
    "Spans",
    "Text",
    "Written",
    "answer_text",
    "answers_to_json",
    "canonical",
    "form_from_json",
    "from_utf16",
    "question_from_json",
    "to_utf16",
]
