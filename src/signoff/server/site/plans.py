"""What somebody filled in to begin a project, as the options of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from signoff.core.joining import MOST_OVERLAP
from signoff.core.questions import Choice
from signoff.core.questions import Form as Asked
from signoff.core.questions.asked import form_asked
from signoff.core.records import Json
from signoff.core.routing import Certified, People, Policy
from signoff.errors import InputError
from signoff.server.lookup import Preview
from signoff.server.site.forms import Form
from signoff.server.wire_founding import MOST_WORD, refuse_long

CERTAINTIES = ("0.9", "0.95", "0.99")
DEFAULT_QUESTION = "Which label fits?"
KINDS: Mapping[str, str] = {
    "choice": "One of several answers",
    "multichoice": "Any of several answers",
    "rating": "A number on a scale",
    "text": "A text: written, or corrected",
    "spans": "Parts of the text, marked",
    "pairwise": "Which of two is better",
}
"""The kinds of questions, in words."""

LABELLED = ("choice", "multichoice", "spans")
MOST_DIGITS = 9
LEAST_LABELS, MOST_LABELS = 2, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody filled in, as they wrote it.

    ``corrected``: the column a text corrects; ``a`` and ``b``: the columns of a pair.
    """

    name: str
    text: str
    key: str = ""
    kind: str = "choice"
    labels: str = ""
    low: str = "1"
    high: str = "5"
    corrected: str = ""
    a: str = ""
    b: str = ""
    question: str = DEFAULT_QUESTION
    overlap: str = "1"
    promise: str = "certificate"
    max_error: str = "5"
    certainty: str = "0.95"

    @classmethod
    def of(cls, form: Form) -> Plan:
        """From the form."""
        return cls(
            name=form.text("name"),
            text=form.text("text"),
            key=form.text("key"),
            kind=form.text("kind", "choice"),
            labels=form.text("labels"),
            low=form.text("low", "1"),
            high=form.text("high", "5"),
            corrected=form.text("corrected"),
            a=form.text("a"),
            b=form.text("b"),
            question=form.text("question"),
            overlap=form.text("overlap", "1"),
            promise=form.text("promise"),
            max_error=form.text("max_error"),
            certainty=form.text("certainty"),
        )

    def options(self, preview: Preview) -> Json:
        """As a run's options; raises :class:`InputError` or :class:`UsageError` for what cannot
        be."""
        self._check_name()
        self._check_columns(preview)
        overlap = _whole(self.overlap, "number of people")
        if not 1 <= overlap <= MOST_OVERLAP:
            raise InputError(
                f"{overlap} people cannot answer an item.", hint=f"Write 1 to {MOST_OVERLAP}."
            )
        return {
            "project": self.name,
            "text": None if self.text in self._pair() else self.text,
            "key": self.key or None,
            **self._asked(),
            "overlap": overlap,
            "policy": self._policy().to_json(),
        }

    def _check_name(self) -> None:
        if not self.name:
            raise InputError("The project has no name.", hint="Give it a short one.")
        if len(self.name) > MOST_WORD:
            raise InputError(
                f"The name has {len(self.name)} characters; {MOST_WORD} are the most.",
                hint="Give it a short one.",
            )

    def _check_columns(self, preview: Preview) -> None:
        for column in filter(None, (self.text, self.key, self.corrected, *self._pair())):
            if column not in preview.columns:
                raise InputError(f"There is no column {column[:40]!r}.", hint="Choose one of them.")
        if not self.text:
            raise InputError("No text column was chosen.", hint="Choose what people are to read.")

    def _pair(self) -> tuple[str, ...]:
        """The columns of a pair, where two are compared."""
        return (self.a, self.b) if self.kind == "pairwise" else ()

    def _asked(self) -> Json:
        """What is asked: one question."""
        text = self.question or DEFAULT_QUESTION
        labels = [line.strip() for line in self.labels.splitlines() if line.strip()]
        if self.kind == "choice":
            _check_choice(labels, text)
            return {"labels": labels, "question": text}
        if self.kind not in KINDS:
            raise InputError(
                f"{self.kind[:40]!r} is no kind of question.", hint="Choose one of the list."
            )
        form = form_asked([{"kind": self.kind, "text": text, **self._own(labels)}])
        refuse_long(form)
        return {"form": form.to_json()}

    def _own(self, labels: list[str]) -> Json:
        """The fields that questions of this kind alone have."""
        if self.kind in LABELLED:
            return {"labels": labels}
        if self.kind == "rating":
            return {
                "low": _whole(self.low, "lowest number"),
                "high": _whole(self.high, "highest number"),
            }
        if self.kind == "text":
            return {"field": self.corrected or None}
        return {"a": self.a, "b": self.b}

    def _policy(self) -> Policy:
        # No built-in model answers another kind: nothing could be automatic.
        if self.promise == "people" or self.kind != "choice":
            return People()
        if self.certainty not in CERTAINTIES:
            raise InputError("The certainty is none of the list.", hint="Choose one of the list.")
        return Certified(max_error=share_of(self.max_error), certainty=Decimal(self.certainty))


def _check_choice(labels: list[str], text: str) -> None:
    if not LEAST_LABELS <= len(labels) <= MOST_LABELS:
        raise InputError(
            f"A choice needs {LEAST_LABELS} to {MOST_LABELS} possible answers; got {len(labels)}.",
            hint="Write each on a line of its own.",
        )
    refuse_long(Asked((Choice.of(labels, text=text),)))


def _whole(typed: str, what: str) -> int:
    plain = typed.removeprefix("-")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= MOST_DIGITS):
        raise InputError(f"The {what} is {typed[:20]!r}.", hint="Write a whole number.")
    return int(typed)


def share_of(percent: str) -> Decimal:
    """A share from what somebody wrote as per cent.

    >>> share_of("5"), share_of("2,5 %")
    (Decimal('0.05'), Decimal('0.025'))
    """
    try:
        share = Decimal(percent.replace("%", "").replace(",", ".").strip()) / 100
    except ArithmeticError:
        share = Decimal(0)
    if not (share.is_finite() and 0 < share < 1):
        raise InputError(
            f"{percent[:20]!r} is no share of errors.", hint="Write a number above 0, below 100."
        )
    return share.normalize()
