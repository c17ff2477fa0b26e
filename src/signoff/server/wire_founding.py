"""What a new project or stream is asked to be: the same that the command line takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from signoff.core.certification import parse_share
from signoff.core.joining import MOST_OVERLAP
from signoff.core.questions import Choice, Form
from signoff.core.questions.asked import form_asked
from signoff.core.questions.form import MAX_QUESTIONS
from signoff.core.questions.reading import shown
from signoff.core.queueing import Assign, read_duration, read_outcome
from signoff.core.records import Json, TextDirection
from signoff.core.routing import Certified, People, Policy, Threshold
from signoff.core.showing import ItemKind
from signoff.core.streams import StreamSpec
from signoff.core.windows import Effects
from signoff.errors import InputError, UsageError
from signoff.server.wire import PLAIN, Asking, Id, plain_text, whole
from signoff.server.wire_queue import Tag

MOST_GUIDELINE = 50_000
MOST_WORD = 200
LONGEST: Mapping[str, int] = {"text": 10_000, "guideline": MOST_GUIDELINE, "description": 2_000}
"""Characters of a question's texts by field; names, labels and columns have ``MOST_WORD``."""

MOST_RULES = 100
MOST_WINDOW = 10_000_000
MOST_UNDO = 86_400
MOST_SEED = 2**53 - 1

Word = Annotated[
    str,
    Field(min_length=1, max_length=MOST_WORD, json_schema_extra=PLAIN),
    AfterValidator(plain_text),
]
Value = Annotated[str, Field(max_length=1000, json_schema_extra=PLAIN), AfterValidator(plain_text)]
Share = Annotated[str, Field(min_length=1, max_length=20, examples=["5%", "0.05"])]
Guideline = Annotated[
    str,
    Field(max_length=MOST_GUIDELINE, json_schema_extra=PLAIN, description="In Markdown."),
    AfterValidator(plain_text),
]
Labels = Annotated[list[Word], Field(min_length=1, max_length=1000)]
QuestionAsked = Annotated[
    dict[str, JsonValue],
    Field(
        max_length=20,
        description="A question's definition, as in the file of `signoff run --form`.",
        examples=[
            {"kind": "choice", "name": "mood", "text": "Which mood?", "labels": ["Good", "Bad"]},
            {"kind": "rating", "name": "detail", "text": "How much detail?", "high": 3},
        ],
    ),
]


class CertifiedWanted(Asking):
    """Automatic only under a certificate."""

    kind: Literal["certified"]
    max_error: Share = "5%"
    certainty: Share = "95%"
    slice: Word | None = None

    def policy(self) -> Policy:
        """The policy; raises :class:`UsageError` where a share is none."""
        return Certified(
            max_error=share(self.max_error, "max_error"),
            certainty=share(self.certainty, "certainty"),
            slice=self.slice,
        )


class ThresholdWanted(Asking):
    """Automatic from a calibrated confidence on; promises nothing."""

    kind: Literal["threshold"]
    confidence: float = Field(gt=0, le=1, allow_inf_nan=False)

    def policy(self) -> Policy:
        """The policy."""
        return Threshold(confidence=self.confidence)


class PeopleWanted(Asking):
    """People answer everything."""

    kind: Literal["people"]

    def policy(self) -> Policy:
        """The policy."""
        return People()


PolicyWanted = Annotated[
    CertifiedWanted | ThresholdWanted | PeopleWanted, Field(discriminator="kind")
]


class RuleWanted(Asking):
    """Rows with this value in this column always go to a person."""

    column: Word
    value: Value


class AssignWanted(Asking):
    """Rows with this value in this column are asked of people with this tag alone."""

    column: Word
    value: Value
    tag: Tag


class DueWanted(Asking):
    """How long after it was opened a request is due, and what happens then."""

    after: Annotated[str, Field(min_length=2, max_length=10, examples=["2h", "30m", "1d"])]
    then: Annotated[
        str, Field(min_length=1, max_length=40, description="`stay`, `everybody`, or a tag.")
    ] = "stay"

    def read(self) -> tuple[int, str]:
        """Seconds and what then; raises :class:`UsageError`."""
        read_outcome(self.then)
        return read_duration(self.after, name="due"), self.then


class ProjectWanted(Asking):
    """A project to make of an uploaded file: what ``signoff run`` is asked.

    It asks one choice of ``labels``, or the questions of a ``form``.
    """

    name: Word
    upload: Id
    labels: Labels | None = None
    question: Word | None = Field(default=None, description="What is asked beside `labels`.")
    form: list[QuestionAsked] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_QUESTIONS,
        description="Questions of any kind, in place of `labels` and `question`.",
    )
    text: Word | None = Field(default=None, description="The column people read; else guessed.")
    key: Word | None = Field(default=None, description="The column that names each row.")
    policy: PolicyWanted | None = Field(
        default=None,
        description="Certified at 5 % and 95 % where a model answers every question; else people.",
    )
    ask_always: list[RuleWanted] = Field(default_factory=list[RuleWanted], max_length=MOST_RULES)
    overlap: Annotated[int, Field(ge=1, le=MOST_OVERLAP), BeforeValidator(whole)] | None = Field(
        default=None, description="How many people answer each item."
    )
    assign: list[AssignWanted] = Field(default_factory=list[AssignWanted], max_length=MOST_RULES)
    due: DueWanted | None = None
    model: Literal["text", "predictions"] = Field(
        default="text",
        description="`predictions`: the columns `prediction` and `confidence` of the file.",
    )
    group: bool = Field(default=True, description="Rows with equal texts are one item.")
    item_kind: ItemKind | None = Field(
        default=None, description="What the text of an item is; else guessed."
    )
    guideline: Guideline | None = None
    blur: bool = Field(default=False, description="Cover items until somebody looks.")
    text_direction: TextDirection = "auto"

    def options(self) -> Json:
        """What the worker is told; raises :class:`UsageError` or :class:`InputError`."""
        asked = form_wanted(self.labels, self.form, self.question)
        return {
            "project": self.name,
            "text": self.text,
            "key": self.key,
            "labels": self.labels,
            "question": self.question,
            "form": None if asked is None else asked.to_json(),
            "policy": None if self.policy is None else self.policy.policy().to_json(),
            "ask_always": [[rule.column, rule.value] for rule in self.ask_always],
            "overlap": self.overlap,
            "assign": [[rule.column, rule.value, _tag(rule)] for rule in self.assign],
            "due": None if self.due is None else list(self.due.read()),
            "model": self.model,
            "group": self.group,
            "item_kind": self.item_kind,
            "guideline": self.guideline,
            "blur": self.blur or None,
            "text_direction": self.text_direction,
        }


class StreamWanted(Asking):
    """A stream to make: what ``signoff stream create`` is asked."""

    name: Word
    labels: Labels
    question: Word = "Which label fits?"
    max_error: Share = "5%"
    certainty: Share = "95%"
    window: Annotated[int, BeforeValidator(whole)] = Field(
        default=7600, ge=1, le=MOST_WINDOW, description="N: labels in a window."
    )
    audit_rate: Share = Field(default="10%", description="Share of the model's labels audited.")
    all_windows: bool = Field(
        default=False, description="Be so sure of all windows together, not of each."
    )
    effects: Effects = "reversible"
    undo_seconds: Annotated[int, BeforeValidator(whole)] = Field(
        default=10, ge=0, le=MOST_UNDO, description="How long an answer can be taken back."
    )
    seed: Annotated[int, Field(ge=0, le=MOST_SEED), BeforeValidator(whole)] | None = Field(
        default=None, description="Fixes which labels are audited; null: nobody knows."
    )

    def promise(self) -> Certified:
        """What each window promises; raises :class:`UsageError` where a share is none."""
        return Certified(
            max_error=share(self.max_error, "max_error"),
            certainty=share(self.certainty, "certainty"),
        )

    def windows(self) -> StreamSpec:
        """What is fixed of its windows."""
        return StreamSpec(
            items=self.window,
            audit_rate=share(self.audit_rate, "audit_rate"),
            effects=self.effects,
            together=self.all_windows,
            undo_seconds=self.undo_seconds,
        )


def form_wanted(
    labels: Sequence[str] | None, form: Sequence[object] | None, question: str | None
) -> Form | None:
    """The form that is wanted; None where labels make a choice.

    Raises :class:`UsageError` or :class:`InputError` for what cannot be asked.
    """
    if form is not None:
        if labels is not None or question is not None:
            raise UsageError(
                "A form and labels or a question both say what is asked.", hint="Send one of them."
            )
        asked = form_asked(form)
        refuse_long(asked)
        return asked
    if labels is None:
        raise UsageError("Nothing is asked.", hint="Send labels for one choice, or a form.")
    Choice.of(list(labels))
    return None


def refuse_long(form: Form) -> None:
    """Raise :class:`InputError` where a text of a question is longer than people read, or names
    hold: each comes with every item, on every page."""
    for question in form.questions:
        for name, text in _texts(question.to_json()):
            most = LONGEST.get(name, MOST_WORD)
            if len(text) > most:
                raise InputError(
                    f"The {name} of question {shown(question.name, 40)} has {len(text):,}"
                    f" characters; {most:,} are the most.",
                    hint="Shorten it.",
                )


def _texts(definition: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The texts in a question's definition, with the names of their fields."""
    for name, value in definition.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            for each in cast("list[object]", value):
                if isinstance(each, Mapping):
                    yield from _texts(cast("Mapping[str, object]", each))


def share(typed: str, name: str) -> Decimal:
    """A share from "5%" or "0.05"; raises :class:`UsageError`."""
    return parse_share(typed, name=name)


def _tag(rule: AssignWanted) -> str:
    return Assign(column=rule.column, value=rule.value, tag=rule.tag).tag
