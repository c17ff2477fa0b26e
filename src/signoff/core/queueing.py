"""What a project fixes about its queue: who is asked what, and what happens when time runs out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from signoff.errors import UsageError

Outcome = Literal["stay", "next"]
EVERYBODY = ""
MOST_TAG = 40
MOST_TAGS = 50
_TAG_CHARACTERS = frozenset("-_.")


def check_tag(tag: str) -> str:
    """The tag itself; refuses what is none. Tags name skills and stand in the log for ever: names
    of people do not belong there."""
    plain = all(each.isalnum() or each in _TAG_CHARACTERS for each in tag)
    if not tag or len(tag) > MOST_TAG or not plain:
        raise UsageError(
            f"{tag[:60]!r} is no tag.",
            hint=f"A tag names a skill: 1 to {MOST_TAG} letters, digits, '-', '_' or '.'.",
        )
    return tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Rule: items whose ``column`` holds ``value`` are asked of people with this tag alone."""

    column: str
    value: str
    tag: str

    def __post_init__(self) -> None:
        check_tag(self.tag)

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {"kind": "assign", "column": self.column, "value": self.value, "tag": self.tag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Rule: a request is due so many seconds after it was opened.

    When time runs out it may ``stay`` where it is, or goes to whom is ``next``: the people with
    the tag ``to``, or everybody.
    """

    seconds: int
    outcome: Outcome = "stay"
    to: str = EVERYBODY

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise UsageError(
                f"A due time of {self.seconds} seconds is over before it began.",
                hint="Write --due 2h, 30m or 1d.",
            )
        if self.to != EVERYBODY:
            check_tag(self.to)

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {"kind": "due", "seconds": self.seconds, "outcome": self.outcome, "to": self.to}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """All of that together."""

    assign: tuple[Assign, ...] = ()
    due: Due | None = None

    def to_json(self) -> list[dict[str, object]]:
        """As further rules of a project."""
        due = [] if self.due is None else [self.due.to_json()]
        return [*(rule.to_json() for rule in self.assign), *due]


def queue_rules(rules: Iterable[Mapping[str, object]]) -> QueueRules:
    """Those among a project's rules that are about its queue."""
    assign: list[Assign] = []
    due: Due | None = None
    for rule in rules:
        if rule["kind"] == "assign":
            texts = [str(rule[name]) for name in ("column", "value", "tag")]
            assign.append(Assign(column=texts[0], value=texts[1], tag=texts[2]))
        elif rule["kind"] == "due":
            due = Due(
                seconds=int(str(rule["seconds"])),
                outcome=cast("Outcome", rule["outcome"]),
                to=str(rule["to"]),
            )
    return QueueRules(assign=tuple(assign), due=due)


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read_duration(typed: str, *, name: str) -> int:
    """Seconds from "90s", "30m", "2h" or "1d".

    >>> read_duration("2h", name="--due")
    7200
    """
    number, unit = typed[:-1], typed[-1:]
    if not (number.isascii() and number.isdigit() and len(number) <= 9 and unit in UNITS):
        raise UsageError(
            f"{name} {typed!r} is no length of time.", hint=f"Write {name} 2h, 30m or 1d."
        )
    return int(number) * UNITS[unit]


def read_outcome(typed: str) -> tuple[Outcome, str]:
    """What happens when time runs out: "stay", "everybody" or a tag."""
    if typed == "stay":
        return "stay", EVERYBODY
    return "next", EVERYBODY if typed == "everybody" else check_tag(typed)


def columns_of(rules: QueueRules) -> Sequence[str]:
    """The columns that decide who is asked."""
    return [rule.column for rule in rules.assign]
