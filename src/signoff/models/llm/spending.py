"""A limit on what calls may cost: no call is begun that could go over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from signoff.errors import CostReached
from signoff.models.llm.calls import Call, Usage
from signoff.models.llm.prices import Price, in_words

TOKENS_PER_LETTER = 0.3
"""Of English text, with some to spare; other scripts take up to one token a letter."""
OUTPUT_TOKENS = 24
"""Of a reply that gives a code and a confidence."""
ANSWER_COST = Decimal("0.10")
"""Of a person's answer, in US dollars, where nobody says otherwise: ten seconds at 36 an hour."""


@dataclass(slots=True, kw_only=True, eq=False)
class Purse:
    """What may be spent in US dollars, and what was: ``before`` this process, and since.

    Calls under way count at what they are expected to cost.
    """

    most: Decimal
    before: Decimal = Decimal(0)
    _spent: Decimal = field(default=Decimal(0), init=False)
    _under_way: Decimal = field(default=Decimal(0), init=False)

    def take(self, expected: Decimal) -> bool:
        """Set aside what a call may cost; False where there is not so much left."""
        if not self.affords(expected):
            return False
        self._under_way += expected
        return True

    def affords(self, expected: Decimal) -> bool:
        """Whether there is enough for a call beside those under way."""
        return self.before + self._spent + self._under_way + expected <= self.most

    def pay(self, expected: Decimal, cost: Decimal) -> None:
        """Book what a call did cost in place of what was set aside for it."""
        self._under_way -= expected
        self._spent += cost

    def refuse(self) -> CostReached:
        """What to raise where a call cannot be afforded."""
        return CostReached(
            f"Calls cost {in_words(self.before + self._spent)} so far, and --max-cost is"
            f" {in_words(self.most)}.",
            hint="Raise --max-cost and run the same command: what was replied is kept.",
        )


def expected_cost(price: Price, call: Call) -> Decimal:
    """What one attempt at a call is expected to cost."""
    return price.of(input=tokens_of(call.system + call.prompt), output=OUTPUT_TOKENS)


def cost(price: Price, usage: Usage) -> Decimal:
    """What calls did cost."""
    return price.of(input=usage.input, output=usage.output, cached=usage.cached)


def tokens_of(text: str) -> int:
    """About how many tokens a text is: a third of its letters, more where they are not ASCII."""
    ascii_letters = sum(letter.isascii() for letter in text)
    return round(TOKENS_PER_LETTER * ascii_letters + (len(text) - ascii_letters))
