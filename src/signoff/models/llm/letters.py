"""Asking about texts: what was replied before is found, what was not is sent, all of it is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from signoff.core.replies import Asked, KeptReply, content_digest
from signoff.models.llm.calls import Call, Usage
from signoff.models.llm.dispatch import Finished, ask
from signoff.models.llm.limits import Limits
from signoff.models.llm.prices import Price
from signoff.models.llm.prompts import ALTERNATIVES, Prompt
from signoff.models.llm.providers import ModelName
from signoff.models.llm.reading import worth_another_try
from signoff.models.llm.signals import answered_probability
from signoff.models.llm.spending import Purse, cost, expected_cost

SAMPLE_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A text to ask about: the ``at``-th item's own, or what is ``sent`` in its place.

    ``variant``: "" for the plain question, "masked", or "sample N": replies to each are kept apart,
    all of them under the item's ``text``, with which they are erased.
    """

    at: int
    text: str
    variant: str = ""
    sent: str | None = None

    @property
    def is_sample(self) -> bool:
        """Whether it is asked to see how much the reply wavers."""
        return self.variant.startswith("sample")


class Replies(Protocol):
    """Where replies are kept, so that nothing is paid for twice."""

    def known(self, keys: Sequence[str]) -> Mapping[str, KeptReply]: ...
    def keep(self, reply: KeptReply) -> None: ...


@dataclass(slots=True, eq=False)
class InMemory:
    """Replies for as long as the process lives."""

    _replies: dict[str, KeptReply] = field(default_factory=dict[str, KeptReply])

    def known(self, keys: Sequence[str]) -> Mapping[str, KeptReply]:
        """Those replies that are here."""
        return {key: self._replies[key] for key in keys if key in self._replies}

    def keep(self, reply: KeptReply) -> None:
        """Remember a reply."""
        if reply.text is not None:
            self._replies[reply.key] = reply


@dataclass(slots=True, kw_only=True, eq=False)
class Correspondence:
    """With one model of a provider.

    ``purse``: what may be spent at this ``price``, None for no limit. ``on_asked`` is told how many
    of how many calls are done. ``calls`` and ``usage`` count what was spent since it was made;
    ``weighs``: whether the model reports log-probabilities, None before it was asked.
    """

    name: ModelName
    limits: Limits = field(default_factory=Limits)
    replies: Replies = field(default_factory=InMemory)
    purse: Purse | None = None
    price: Price | None = None
    on_asked: Callable[[int, int], None] = lambda _done, _all: None
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    weighs: bool | None = None

    def known(self, prompt: Prompt, letters: Sequence[Letter]) -> dict[Letter, KeptReply]:
        """The letters that were replied to before."""
        keys = {letter: self._asked(prompt, letter).key(_content(letter)) for letter in letters}
        found = self.replies.known(list(dict.fromkeys(keys.values())))
        return {letter: found[key] for letter, key in keys.items() if key in found}

    def send(
        self,
        prompt: Prompt,
        letters: Sequence[Letter],
        take: Callable[[Letter, KeptReply | None, str], None],
    ) -> None:
        """Send letters; ``take`` is handed each with its reply, or with why there is none.

        Raises :class:`ModelUnavailable` when nothing comes from the provider, :class:`CostReached`
        where the purse is empty; what came before is kept.
        """
        done = 0

        def on_finished(finished: Finished[Letter]) -> None:
            nonlocal done
            done += 1
            kept = self._kept(prompt, finished)
            self.replies.keep(kept)
            if finished.failure is not None:
                take(finished.key, None, finished.failure.why)
            else:
                take(finished.key, kept, "")
            self.on_asked(done, len(letters))

        rest = letters
        if not prompt.form.codes:
            self.weighs = False
        if self.weighs is None and letters:
            first = self._probe(prompt, letters[0])
            self.weighs = first.failure is None or first.failure.kind != "request"
            if self.weighs:
                on_finished(first)
                rest = letters[1:]
        self._send(((letter, self._call(prompt, letter)) for letter in rest), on_finished)

    def _call(self, prompt: Prompt, letter: Letter) -> Call:
        alternatives = ALTERNATIVES if self.weighs is not False and not letter.is_sample else 0
        sent = letter.text if letter.sent is None else letter.sent
        call = prompt.call(sent, alternatives=alternatives)
        return replace(call, temperature=SAMPLE_TEMPERATURE) if letter.is_sample else call

    def _probe(self, prompt: Prompt, letter: Letter) -> Finished[Letter]:
        """Send a letter that asks for log-probabilities, which some models refuse."""
        finished: list[Finished[Letter]] = []
        self._send([(letter, self._call(prompt, letter))], finished.append)
        return finished[0]

    def _send(
        self, calls: Iterable[tuple[Letter, Call]], take: Callable[[Finished[Letter]], None]
    ) -> None:
        left = _Left(iter(calls), self.purse, self.price)

        def count(finished: Finished[Letter]) -> None:
            self.calls += finished.attempts
            self.usage += finished.usage
            left.pay(finished)
            take(finished)

        while True:
            ask(
                self.name.open,
                left.affordable(),
                limits=self.limits,
                on_finished=count,
                check=worth_another_try,
            )
            # What was set aside for the calls under way may have been more than they did cost.
            if not left.refused():
                break

    def _asked(self, prompt: Prompt, letter: Letter) -> Asked:
        variant = f"+{letter.variant}" if letter.variant else ""
        return Asked(
            provider=self.name.provider,
            model=self.name.model,
            host=self.name.host,
            prompt=prompt.version + variant,
        )

    def _kept(self, prompt: Prompt, finished: Finished[Letter]) -> KeptReply:
        """What is kept of a call: its reply, and what was spent on it."""
        reply, codes, spent = finished.reply, prompt.form.codes, finished.usage
        weight = math.nan
        if reply is not None and codes:
            weight = answered_probability(reply.tokens, codes)
        return KeptReply(
            asked=self._asked(prompt, finished.key),
            content=_content(finished.key),
            text=None if reply is None else reply.text,
            version="" if reply is None else reply.model,
            ended="stop" if reply is None else reply.ended,
            weight=weight,
            input=spent.input,
            output=spent.output,
            cached=spent.cached,
            calls=finished.attempts,
        )


def _content(letter: Letter) -> str:
    return content_digest(letter.text)


@dataclass(slots=True, eq=False)
class _Left:
    """Calls that are still to be made, as far as the purse goes."""

    calls: Iterator[tuple[Letter, Call]]
    purse: Purse | None
    price: Price | None
    _held: tuple[Letter, Call] | None = None
    _aside: dict[Letter, Decimal] = field(default_factory=dict[Letter, Decimal])

    def affordable(self) -> Iterator[tuple[Letter, Call]]:
        """Calls, until the next one could cost too much beside those under way."""
        while (each := self._held or next(self.calls, None)) is not None:
            self._held = each
            if self.purse is not None and self.price is not None:
                expected = expected_cost(self.price, each[1])
                if not self.purse.take(expected):
                    return
                self._aside[each[0]] = expected
            self._held = None
            yield each

    def pay(self, finished: Finished[Letter]) -> None:
        """Book what a call did cost."""
        if self.purse is not None and self.price is not None:
            self.purse.pay(self._aside.pop(finished.key), cost(self.price, finished.usage))

    def refused(self) -> bool:
        """Whether a call waits that can be afforded now that none is under way; False where none
        waits. Raises :class:`CostReached` where one waits that cannot be."""
        if self._held is None or self.purse is None or self.price is None:
            return False
        if not self.purse.affords(expected_cost(self.price, self._held[1])):
            raise self.purse.refuse()
        return True
