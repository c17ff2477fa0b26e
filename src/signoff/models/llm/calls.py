"""One question to a language model and its reply, whoever provides it.

Everything between a prompt and what is made of the reply speaks in these types: providers turn a
:class:`Call` into their own wire format and what comes back into a :class:`Reply` or a
:class:`CallFailed`; nothing else knows a provider's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from signoff.core.replies import Ended as Ended

JsonSchema = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is sent for one item.

    - ``system``: what holds for all items; ``prompt``: the rest, the item among it.
    - ``schema``: the JSON schema the reply must follow, where the provider can hold the model to
      it; None for free text.
    - ``temperature`` (None: as the provider has it), ``max_tokens``: as every provider knows them.
    - ``alternatives``: how many other tokens to report beside each token chosen; 0 for no
      log-probabilities.
    """

    system: str
    prompt: str
    schema: JsonSchema | None = None
    temperature: float | None = 0.0
    max_tokens: int = 256
    alternatives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of a reply: its text, its natural log-probability, and those it might have been
    (itself among them, where the provider lists it)."""

    text: str
    log_probability: float
    others: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that a provider bills, as it reports them; ``cached`` of the input cost less."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one call.

    ``model``: the version that the provider says answered, which an alias hides. ``tokens``: empty
    where the provider reports none.
    """

    text: str
    model: str
    usage: Usage = Usage()
    ended: Ended = "stop"
    tokens: tuple[Token, ...] = ()


Failure = Literal[
    "timeout", "dropped", "busy", "rate", "truncated", "request", "key", "model", "money", "offline"
]


class CallFailed(Exception):
    """A call that brought no reply.

    - ``kind``: what happened; ``why``: one line for people: no key, no prompt, no item text.
    - ``again``: the same call may go well later; ``after``: not before so many seconds.
    - ``for_all``: no call would go well: the key is refused, the model does not exist.
    """

    def __init__(
        self,
        kind: Failure,
        why: str,
        *,
        again: bool = False,
        after: float | None = None,
        for_all: bool = False,
    ) -> None:
        super().__init__(why)
        self.kind: Failure = kind
        self.why = why
        self.again = again
        self.after = after
        self.for_all = for_all


class Provider(Protocol):
    """Whoever runs the model. Made and closed inside the event loop that calls it.

    - ``name``: ``gemini``, ``openai`` or ``anthropic``; ``model``: as the user named it.
    - ``host``: where item text goes, for the user to agree to; ``local``: that is this machine.
    - ``constrains``: can hold a model to a schema; ``weighs``: can report log-probabilities. Both
      say what the API has; what the model behind it does is probed.
    """

    @property
    def name(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def local(self) -> bool: ...
    @property
    def constrains(self) -> bool: ...
    @property
    def weighs(self) -> bool: ...
    async def call(self, call: Call, *, timeout: float) -> Reply:
        """One attempt, without retries; raises :class:`CallFailed` and nothing else."""
        ...

    async def close(self) -> None: ...
