"""What the machine says of an item, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from signoff.core.questions import Form, Given
from signoff.terminal.untrusted import one_line
from signoff.terminal.words import answer_name, answers_name

if TYPE_CHECKING:
    # That module needs numpy, and this one is imported for every command.
    from signoff.core.hints import Alike, MachineSays, ShownHint

LONGEST = 100
WORDS = 4


@runtime_checkable
class Receipt(Protocol):
    """What a desk gives back for an answer, where it can say what the machine said."""

    @property
    def hint(self) -> ShownHint | None: ...


def hint_lines(form: Form, hint: ShownHint | None) -> list[str]:
    """The machine's answers, then decided items that are like the one to answer."""
    if hint is None:
        return []
    return [
        *(f"The machine says {_said(form, name, each)}" for name, each in hint.machine.items()),
        *(_alike(form, each) for each in hint.alike),
    ]


def _said(form: Form, question: str, said: MachineSays) -> str:
    name = answer_name(form.question(question), said.answer)
    sure = "" if said.confidence is None else f", {100 * said.confidence:.0f} % sure"
    words = ", ".join(one_line(word, 30) for word, weight in said.words if weight > 0)
    told = ", ".join(words.split(", ")[:WORDS])
    asked = f" ({question})" if len(form.questions) > 1 else ""
    return f"{name}{sure}{asked}" + (f": {told}" if told else "")


def _alike(form: Form, alike: Alike) -> str:
    return f"Alike, {answers_name(form, alike.answers)}: {one_line(alike.item.text, LONGEST)}"


def differing(form: Form, given: Given, stored: object) -> str:
    """What the machine said otherwise than a person just answered; "" where it did not."""
    if not isinstance(stored, Receipt) or stored.hint is None:
        return ""
    answers = form.taken(given)
    other = [
        _said(form, name, said)
        for name, said in stored.hint.machine.items()
        if not form.question(name).same(said.answer, answers[name])
    ]
    return "".join(f" · the machine said {each}" for each in other)
