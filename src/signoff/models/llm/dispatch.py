"""Sends calls to a provider: many at once, patiently, and each row for itself.

A call that fails is repeated while that may help: after what the provider asks for, or after a
back-off drawn from [0, 2^n) seconds ("full jitter"; Brooker 2015). A row whose call fails for good
is given back with the reason and stops no other. When nothing comes through any more, calls end
with one clear error instead of thousands.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from signoff.errors import ModelUnavailable
from signoff.models.llm.calls import Call, CallFailed, Provider, Reply, Usage
from signoff.models.llm.limits import Gate, Limits

K = TypeVar("K")

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
IN_A_ROW = 25
"""Calls that fail for good one after the other, for reasons that are no fault of their items."""
TOKENS_PER_LETTER = 0.3
FIRST_OUTPUT, NEWS = 32.0, 0.1
"""For the limit of tokens, before the provider says how many there were; replies are expected to
be as long as the last ones were."""

Check = Callable[[Reply], str | None]
"""Why a reply is of no use and worth another try; None where it is fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Generic[K]):
    """What became of a call: a reply, or the failure after ``attempts`` tries.

    ``usage``: of all attempts that the provider told of, those in vain among them.
    """

    key: K
    call: Call
    reply: Reply | None
    failure: CallFailed | None
    attempts: int
    usage: Usage


def ask(
    open_provider: Callable[[], Provider],
    calls: Iterable[tuple[K, Call]],
    *,
    limits: Limits,
    on_finished: Callable[[Finished[K]], None],
    check: Check | None = None,
) -> None:
    """Make calls, and hand over each as it ends.

    That happens in this thread, unless an event loop runs in it already, as in a notebook: then it
    waits for another one. Calls are taken from the iterable as there is room for them. An interrupt
    ends the calls in flight; what was handed over stays. Raises :class:`ModelUnavailable` when
    nothing comes through, after handing over what failed; and whatever ``on_finished`` raises, at
    once.
    """

    async def work() -> None:
        provider = open_provider()
        try:
            await _Dispatch(provider, limits, on_finished, check).run(iter(calls))
        finally:
            await provider.close()

    def run() -> None:
        with asyncio.Runner() as runner:
            runner.run(work())

    if not _in_a_loop():
        run()
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(run).result()


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@dataclass(slots=True, eq=False)
class _Dispatch(Generic[K]):
    """The calls of one :func:`ask`."""

    provider: Provider
    limits: Limits
    on_finished: Callable[[Finished[K]], None]
    check: Check | None
    luck: random.Random = field(default_factory=random.Random)
    failed_in_a_row: int = 0
    output: float = FIRST_OUTPUT
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.limits)

    async def run(self, calls: Iterator[tuple[K, Call]]) -> None:
        """Make all calls; raise the first error of a worker as it is."""
        tasks = [asyncio.ensure_future(self._work(calls)) for _ in range(self.limits.at_once)]
        try:
            await _first_error(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, calls: Iterator[tuple[K, Call]]) -> None:
        for key, call in calls:
            finished = await self._finish(key, call)
            self.on_finished(finished)
            self._note(finished.failure)

    async def _finish(self, key: K, call: Call) -> Finished[K]:
        spent, waited = Usage(), 0.0
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = await self._once(call)
            except CallFailed as error:
                failure, reply = error, None
            else:
                spent += reply.usage
                why = None if self.check is None else self.check(reply)
                failure = None if why is None else CallFailed("truncated", why, again=True)
            if failure is None or not failure.again or attempt >= self.limits.attempts:
                break
            pause = self._pause(failure, attempt)
            if waited + pause > self.limits.patience:
                break
            waited += pause
            await asyncio.sleep(pause)
        return Finished(
            key=key, call=call, reply=reply, failure=failure, attempts=attempt, usage=spent
        )

    async def _once(self, call: Call) -> Reply:
        expected = TOKENS_PER_LETTER * (len(call.system) + len(call.prompt)) + self.output
        await self.gate.enter(expected)
        clock = asyncio.get_running_loop().time
        began = clock()
        reply = await self.provider.call(call, timeout=self.limits.timeout)
        self.gate.took(clock() - began)
        self.gate.used(expected, reply.usage.input + reply.usage.output)
        self.output += NEWS * (reply.usage.output - self.output)
        return reply

    def _pause(self, failure: CallFailed, attempt: int) -> float:
        """Seconds until the next attempt; a provider that is asked too often is left alone."""
        most = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0**attempt)
        if failure.after is None:
            return self.luck.uniform(0, most)
        if failure.kind == "rate":
            self.gate.close_for(failure.after)
        return failure.after + self.luck.uniform(0, FIRST_BACKOFF)

    def _note(self, failure: CallFailed | None) -> None:
        if failure is None or not (failure.again or failure.for_all):
            self.failed_in_a_row = 0
            return
        self.failed_in_a_row += 1
        if failure.for_all or self.failed_in_a_row >= IN_A_ROW:
            raise ModelUnavailable(
                f"{self.provider.name}:{self.provider.model} cannot be reached: {failure.why}.",
                hint=_HINTS.get(failure.kind, "Run the same command again later: it goes on."),
            )


_HINTS = {
    "key": "Check the key in the environment, and that it may use this model.",
    "model": "Check the name after the colon of --model.",
    "money": "Settle the account with the provider, then run the same command again.",
}


async def _first_error(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait until all are done or one failed; raise what it failed with."""
    waiting: Awaitable[object] = asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    await waiting
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
