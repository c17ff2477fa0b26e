"""Reading what was typed: shares, labels, policies, rules."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from signoff.errors import InputError, UsageError

if TYPE_CHECKING:
    from signoff.core.questions import Form
    from signoff.core.records import TextDirection
    from signoff.core.routing import Policy
    from signoff.core.showing import HintTime, ItemKind

T = TypeVar("T", bound=str)
DIRECTIONS: tuple[TextDirection, ...] = ("auto", "ltr", "rtl")
DEFAULT_MAX_ERROR = Decimal("0.05")
MOST_DIGITS = 18
DEFAULT_CERTAINTY = Decimal("0.95")


def read_labels(typed: str | None) -> tuple[str, ...] | None:
    """The labels of ``A,B,C``, or of a file with one a line written ``@FILE``."""
    if typed is None:
        return None
    if typed.startswith("@"):
        return _labels_of_file(Path(typed[1:]))
    return tuple(label.strip() for label in typed.split(","))


def _labels_of_file(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"The labels file {str(path)!r} cannot be read: {error.strerror}.",
            hint="Pass --labels @FILE with one label a line, or --labels A,B.",
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"The labels file {str(path)!r} is not UTF-8 (byte {error.start}).",
            hint="Save it as UTF-8.",
        ) from None
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    if labels in ((), ("",)):
        raise InputError(f"The labels file {str(path)!r} is empty.", hint="Write one label a line.")
    return labels


def read_questions(path: str, *, labels: str | None, question: str | None) -> Form:
    """The questions of a form's file, which takes the place of ``--labels`` and ``--question``."""
    for flag, value in {"--labels": labels, "--question": question}.items():
        if value is not None:
            raise UsageError(
                f"--form and {flag} both say what is asked.", hint=f"Leave {flag} out."
            )
    from signoff.formats.forms import read_form

    return read_form(Path(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How items are to be shown; None where a flag is not given."""

    item_kind: ItemKind | None
    guideline: str | None
    text_direction: TextDirection | None
    hints: HintTime | None


def read_showing(
    show: str | None, guideline: str | None, direction: str | None, hints: str | None
) -> Shown:
    """How items are to be shown; the guideline is read from its file."""
    from signoff.core.showing import HINT_TIMES, ITEM_KINDS

    return Shown(
        item_kind=_one_of(show, ITEM_KINDS, "--show"),
        guideline=None if guideline is None else _text_of_file(Path(guideline)),
        text_direction=_one_of(direction, DIRECTIONS, "--direction"),
        hints=_one_of(hints, HINT_TIMES, "--hints"),
    )


def _one_of(typed: str | None, allowed: tuple[T, ...], flag: str) -> T | None:
    for value in allowed:
        if typed == value:
            return value
    if typed is None:
        return None
    raise UsageError(f"{flag} {typed!r} is not known.", hint=f"Write one of {', '.join(allowed)}.")


def _text_of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"The guideline {str(path)!r} cannot be read: {error.strerror}.",
            hint="Pass --guideline FILE with a Markdown file.",
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"The guideline {str(path)!r} is not UTF-8 (byte {error.start}).",
            hint="Save it as UTF-8.",
        ) from None


def read_policy(
    typed: str | None, *, max_error: str | None, certainty: str | None, by: str | None
) -> Policy | None:
    """The policy the flags describe; None where none of them is given ("as begun")."""
    if typed is None and max_error is None and certainty is None and by is None:
        return None
    if typed in (None, "certified"):
        return _certified(max_error, certainty, by)
    flags = {"--max-error": max_error, "--certainty": certainty, "--slice": by}
    for flag, value in flags.items():
        if value is not None:
            raise UsageError(
                f"{flag} belongs to --policy certified, not to --policy {typed}.",
                hint=f"Leave {flag} out, or leave --policy out.",
            )
    from signoff.core.routing import People

    return People() if typed == "people" else _threshold(typed or "")


def _certified(max_error: str | None, certainty: str | None, by: str | None) -> Policy:
    from signoff.core.certification import parse_share
    from signoff.core.routing import Certified

    error = DEFAULT_MAX_ERROR if max_error is None else parse_share(max_error, name="--max-error")
    sure = DEFAULT_CERTAINTY if certainty is None else parse_share(certainty, name="--certainty")
    return Certified(max_error=error, certainty=sure, slice=by)


def _threshold(typed: str) -> Policy:
    kind, _, number = typed.partition(":")
    if kind != "threshold":
        raise UsageError(
            f"--policy {typed!r} is not known.",
            hint="Write certified, threshold:P (such as threshold:0.9) or people.",
        )
    from signoff.core.routing import Threshold

    return Threshold(confidence=_probability(number, typed))


def _probability(number: str, typed: str) -> float:
    percent = number.strip().endswith("%")
    try:
        value = Decimal(number.strip().removesuffix("%").rstrip())
    except InvalidOperation:
        value = Decimal("NaN")
    value = value.scaleb(-2) if percent and value.is_finite() else value
    if not value.is_finite() or not 0 < value <= 1:
        raise UsageError(
            f"--policy {typed!r} names no probability above 0 and at most 1.",
            hint="Write --policy threshold:0.9.",
        )
    return float(value)


def read_rules(typed: list[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of column and value from ``COL=VALUE``."""
    rules: list[tuple[str, str]] = []
    for rule in typed:
        column, equals, value = rule.partition("=")
        if not equals or not column:
            raise UsageError(
                f"--ask-always {rule!r} is not COL=VALUE.",
                hint="Write --ask-always country=DE, once per rule.",
            )
        rules.append((column, value))
    return tuple(rules)


def read_assign(typed: list[str]) -> tuple[tuple[str, str, str], ...]:
    """Triples of column, value and tag from ``COL=VALUE:TAG``."""
    rules: list[tuple[str, str, str]] = []
    for rule in typed:
        condition, colon, tag = rule.rpartition(":")
        column, equals, value = condition.partition("=")
        if not (colon and equals and column):
            raise UsageError(
                f"--assign {rule!r} is not COL=VALUE:TAG.",
                hint="Write --assign field=medicine:medic, once per rule.",
            )
        rules.append((column, value, tag))
    return tuple(rules)


def read_due(due: str | None, then: str | None) -> tuple[int, str] | None:
    """Seconds from ``2h``, and what happens then: ``stay``, ``everybody`` or a tag."""
    if due is None:
        if then is not None:
            raise UsageError("--on-expiry needs a due time.", hint="Pass --due 2h, too.")
        return None
    from signoff.core.queueing import read_duration

    return read_duration(due, name="--due"), then or "stay"


def read_count(typed: str | None, *, name: str) -> int | None:
    """A whole number from 0 up; ``name`` is the flag it came from."""
    if typed is None:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= MOST_DIGITS):
        raise UsageError(
            f"{name} {typed!r} is not a whole number of at most {MOST_DIGITS} digits.",
            hint=f"Write {name} 100.",
        )
    return int(typed)


def read_money(typed: str | None, *, name: str) -> Decimal | None:
    """US dollars above 0; ``name`` is the flag they came from."""
    if typed is None:
        return None
    try:
        amount = Decimal(typed.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and 0 < amount < 10**MOST_DIGITS):
        raise UsageError(
            f"{name} {typed[:40]!r} is no amount of US dollars.", hint=f"Write {name} 2.50."
        )
    return amount


def read_panel(
    model: str | None,
    *,
    samples: str | None,
    second: str | None,
    then: str | None,
    examples: str | None,
) -> str | None:
    """The model as it is stored: a provider's with what is asked beside it."""
    if samples is None and second is None and then is None and examples is None:
        return model
    from signoff.models.llm.panels import Panel

    panel = Panel.of(
        model or "text",
        samples=read_count(samples, name="--samples") or 0,
        second=second,
        then=then,
        examples=read_count(examples, name="--examples") or 0,
    )
    return str(panel)


def check_reviewer(typed: str) -> None:
    """Refuse a reviewer that is none of web, terminal, column:COL and none."""
    if typed in ("web", "terminal", "none") or (typed.startswith("column:") and typed != "column:"):
        return
    from signoff.models.llm.providers import is_model_name

    if is_model_name(typed):
        return
    raise UsageError(
        f"--reviewer {typed!r} is not known.",
        hint="Write web, terminal, column:COL (a column of the data answers), none (only queue), or"
        " a model such as gemini:MODEL.",
    )


def user_name() -> str:
    """Who answers where ``--as`` says nothing: the name this computer knows the user by."""
    try:
        return getpass.getuser() or "reviewer"
    except (OSError, KeyError, ImportError):
        return "reviewer"
