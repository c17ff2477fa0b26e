"""A language model as a fixed model of one question: it is asked about every item once.

What goes to people unasked: empty items, and those that speak to the model. What goes to people
after it was asked: every reply that is no answer to the letter, and calls that failed for good. The
score is the model's own weight for its label where the provider reports one for every answer, else
the number the model states of itself: either orders items, and is calibrated on people's answers
before it counts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from signoff.core.coding import Codes
from signoff.core.items import Items, Predictions
from signoff.errors import UsageError
from signoff.models.llm.calls import Call, Ended, Provider, Reply, Usage
from signoff.models.llm.dispatch import Finished, ask
from signoff.models.llm.injection import suspicion
from signoff.models.llm.limits import Limits
from signoff.models.llm.prompts import ALTERNATIVES, Prompt
from signoff.models.llm.reading import INSTRUCTS, Unclear, read, worth_another_try
from signoff.models.llm.signals import answered_probability

EMPTY = "empty"


class Named(Protocol):
    """How a model is named and reached; see :class:`signoff.models.llm.providers.ModelName`."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def host(self) -> str: ...
    def open(self) -> Provider: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a reply: its text, who gave it, how it ended, and the model's weight for the
    label it gave (NaN for none)."""

    text: str
    model: str
    ended: Ended
    weight: float


class Replies(Protocol):
    """Where replies are kept, so that nothing is paid for twice."""

    def known(self, keys: Sequence[str]) -> Mapping[str, Kept]: ...
    def keep(self, key: str, reply: Kept) -> None: ...


@dataclass(slots=True, eq=False)
class InMemory:
    """Replies for as long as the process lives."""

    _replies: dict[str, Kept] = field(default_factory=dict[str, Kept])

    def known(self, keys: Sequence[str]) -> Mapping[str, Kept]:
        """Those replies that are here."""
        return {key: self._replies[key] for key in keys if key in self._replies}

    def keep(self, key: str, reply: Kept) -> None:
        """Remember a reply."""
        self._replies[key] = reply


@dataclass(slots=True, eq=False)
class _One:
    """What became of an item."""

    code: int = -1
    weight: float = math.nan
    stated: float = math.nan
    why: str = ""


class LanguageModel:
    """A model behind the port :class:`signoff.ports.Model`.

    ``usage`` and ``calls`` count what was spent since it was made; ``versions`` are the versions
    that answered, as the provider tells them.
    """

    def __init__(
        self,
        name: Named,
        prompt: Prompt,
        *,
        limits: Limits | None = None,
        replies: Replies | None = None,
        on_finished: Callable[[int, int], None] = lambda done, all: None,
    ) -> None:
        self._name = name
        self._prompt = prompt
        self._limits = limits or Limits()
        self._replies = InMemory() if replies is None else replies
        self._on_finished = on_finished
        self._codes = Codes(prompt.question)
        self._weighs: bool | None = None if prompt.form.codes else False
        self.usage = Usage()
        self.calls = 0
        self.versions: set[str] = set()

    @property
    def version(self) -> str:
        """Hash of the model as it was named and as it named itself, and of all that is sent."""
        content = "\x00".join(
            [self._name.provider, self._name.model, *sorted(self.versions), self._prompt.version]
        )
        return f"{self._name.provider}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    @property
    def codes(self) -> Codes:
        """What the codes of its predictions mean."""
        return self._codes

    def predict(self, items: Items) -> Predictions:
        """Ask about every item that was not asked about before.

        Raises :class:`UsageError` for items without a text, :class:`ModelUnavailable` when nothing
        comes from the provider; what came before is kept.
        """
        if items.text_column is None:
            raise UsageError(
                "Language models read a text column, and these items have none.",
                hint="Pass --text COL.",
            )
        texts = items.texts
        found = [_One(why=self._unasked(text)) for text in texts]
        waiting = [at for at, one in enumerate(found) if not one.why]
        self._take_known(texts, waiting, found)
        left = [at for at in waiting if found[at].code < 0 and not found[at].why]
        if left:
            self._ask(texts, left, found)
        weighed = all(not math.isnan(one.weight) for one in found if one.code >= 0)
        return Predictions(
            answer=np.array([one.code for one in found], dtype=np.int64),
            raw_score=np.array(
                [one.weight if weighed else one.stated for one in found], dtype=np.float64
            ),
            why=[one.why for one in found] if any(one.why for one in found) else None,
        )

    def _unasked(self, text: str) -> str:
        if not text.strip():
            return EMPTY
        return INSTRUCTS if suspicion(text) else ""

    def _key(self, text: str) -> str:
        content = "\x00".join([self._name.provider, self._name.model, self._name.host])
        told = f"{content}\x00{self._prompt.version}\x00{text}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def _take_known(self, texts: Sequence[str], waiting: Sequence[int], found: list[_One]) -> None:
        keys = {at: self._key(texts[at]) for at in waiting}
        known = self._replies.known(list(keys.values()))
        for at, key in keys.items():
            if key in known:
                found[at] = self._one(known[key], texts[at])

    def _ask(self, texts: Sequence[str], left: Sequence[int], found: list[_One]) -> None:
        done = 0

        def take(finished: Finished[int]) -> None:
            nonlocal done
            done += 1
            at, reply = finished.key, finished.reply
            if reply is not None:
                kept = self._kept(reply)
                self._replies.keep(self._key(texts[at]), kept)
                found[at] = self._one(kept, texts[at])
            elif finished.failure is not None:
                found[at] = _One(why=f"the model failed: {finished.failure.why}"[:160])
            self._on_finished(done, len(left))

        if self._weighs is None:
            first = self._probe(left[0], texts[left[0]])
            self._weighs = not _refused(first)
            if self._weighs:
                take(first)
                left = left[1:]
        self._send(self._calls(texts, left), take)

    def _calls(self, texts: Sequence[str], left: Sequence[int]) -> Iterator[tuple[int, Call]]:
        alternatives = ALTERNATIVES if self._weighs else 0
        return ((at, self._prompt.call(texts[at], alternatives=alternatives)) for at in left)

    def _probe(self, at: int, text: str) -> Finished[int]:
        """Ask about one item with log-probabilities, which some models refuse."""
        finished: list[Finished[int]] = []
        self._send([(at, self._prompt.call(text))], finished.append)
        return finished[0]

    def _send(
        self, calls: Iterable[tuple[int, Call]], take: Callable[[Finished[int]], None]
    ) -> None:
        def count(finished: Finished[int]) -> None:
            self.calls += finished.attempts
            self.usage += finished.usage
            take(finished)

        ask(
            self._name.open,
            calls,
            limits=self._limits,
            on_finished=count,
            check=worth_another_try,
        )

    def _kept(self, reply: Reply) -> Kept:
        codes = self._prompt.form.codes
        weight = answered_probability(reply.tokens, codes) if codes else math.nan
        return Kept(text=reply.text, model=reply.model, ended=reply.ended, weight=weight)

    def _one(self, kept: Kept, text: str) -> _One:
        self.versions.add(kept.model)
        reply = Reply(text=kept.text, model=kept.model, ended=kept.ended)
        said = read(self._prompt, reply, text)
        if isinstance(said, Unclear):
            return _One(why=said.why)
        weight = kept.weight if said.code is not None else math.nan
        return _One(code=self._codes.code(said.answer), weight=weight, stated=said.stated)


def _refused(finished: Finished[int]) -> bool:
    return finished.failure is not None and finished.failure.kind == "request"
