"""How often a provider is asked: token buckets for requests and for tokens, and pauses it asks for.

Times are seconds of the event loop's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from signoff.errors import UsageError

BURST_SECONDS = 1.0
"""How much a bucket holds: what flows in during this time."""

FIRST_SECONDS, EASE, SLOWER = 0.25, 0.9, 1.002
"""How long a call is taken to take before one is back; the share of it that calls are spread over;
how fast the quickest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the user allows: calls at once, requests and tokens per minute (None: no limit),
    seconds one attempt may take, attempts at one call, and seconds spent waiting between them."""

    at_once: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    attempts: int = 6
    patience: float = 180.0

    def __post_init__(self) -> None:
        for name in ("at_once", "requests_per_minute", "tokens_per_minute", "timeout", "attempts"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value!r}.", hint="Give a number above 0.")


@dataclass(slots=True, eq=False)
class Bucket:
    """Fills with ``rate`` a second, up to what a second brings, and at least one call's worth.

    Who takes more than there is goes into debt and waits until it is paid: so calls go in the order
    they came, and large ones pass, too.
    """

    rate: float
    clock: Callable[[], float]
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level, self._at = self._most, self.clock()

    @property
    def _most(self) -> float:
        return max(1.0, self.rate * BURST_SECONDS)

    def take(self, amount: float) -> float:
        """Take so much; how many seconds to wait for it."""
        now = self.clock()
        self._level = min(self._most, self._level + (now - self._at) * self.rate) - amount
        self._at = now
        return max(0.0, -self._level / self.rate)

    def give_back(self, amount: float) -> None:
        """What was taken and not used; a negative amount is taken besides."""
        self._level = min(self._most, self._level + amount)


class Gate:
    """Lets calls through as the limits allow; closes while the provider asks for a pause.

    It also spreads calls over the time that one takes. Calls that are made at once come back at
    once, are worked on step by step together, and so leave together again: the network idles while
    the processor works, and the other way round.
    """

    def __init__(self, limits: Limits) -> None:
        self._clock = asyncio.get_running_loop().time
        self._requests = self._bucket(limits.requests_per_minute)
        self._tokens = self._bucket(limits.tokens_per_minute)
        self._closed_until = 0.0
        self._at_once = limits.at_once
        self._quickest = FIRST_SECONDS
        self._next = 0.0

    def _bucket(self, per_minute: float | None) -> Bucket | None:
        return None if per_minute is None else Bucket(rate=per_minute / 60, clock=self._clock)

    async def enter(self, tokens: float) -> None:
        """Wait until a call of so many tokens may be made."""
        wait = 0.0
        if self._requests is not None:
            wait = self._requests.take(1)
        if self._tokens is not None:
            wait = max(wait, self._tokens.take(tokens))
        if wait:
            await asyncio.sleep(wait)
        await asyncio.sleep(self._turn())
        while (left := self._closed_until - self._clock()) > 0:
            await asyncio.sleep(left)

    def _turn(self) -> float:
        """Seconds until this call's turn: as many calls as may be made at once are spread over what
        the quickest takes, so that waiting for a turn costs none of them."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + EASE * self._quickest / self._at_once
        return turn - now

    def took(self, seconds: float) -> None:
        """A call took so long; what was quick once need not stay so."""
        self._quickest = min(seconds, self._quickest * SLOWER)

    def used(self, expected: float, tokens: float) -> None:
        """A call took another number of tokens than was expected."""
        if self._tokens is not None:
            self._tokens.give_back(expected - tokens)

    def close_for(self, seconds: float) -> None:
        """Nobody passes for so long."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)
