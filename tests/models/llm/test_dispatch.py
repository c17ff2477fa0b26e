"""Calls are made many at once, patiently, and each row for itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from signoff.errors import ModelUnavailable, UsageError
from signoff.models.llm.calls import Call, CallFailed, Reply, Usage
from signoff.models.llm.dispatch import Finished, ask
from signoff.models.llm.failures import of_status, retry_after, retry_info
from signoff.models.llm.limits import EASE, Bucket, Gate, Limits
from signoff.models.llm.providers import model_name
from signoff.testing.llm_servers import Fault, Toy, llm_server

QUICK = Limits(at_once=8, timeout=5)


@dataclass
class Script:
    """A provider that does what a function of the call's number and prompt says."""

    act: Callable[[int, str], Reply]
    name: str = "gemini"
    model: str = "toy"
    host: str = "127.0.0.1"
    local: bool = True
    constrains: bool = True
    weighs: bool = True
    made: list[float] = field(default_factory=list[float])
    at_once: int = 0
    most_at_once: int = 0
    closed: bool = False
    takes: float = 0.0

    async def call(self, call: Call, *, timeout: float) -> Reply:
        number = len(self.made)
        self.made.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.takes)
            return self.act(number, call.prompt)
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        self.closed = True


def well(number: int, prompt: str) -> Reply:
    return Reply(text=f"of {prompt}", model="toy-1", usage=Usage(input=10, output=2))


def calls(count: int) -> Iterator[tuple[int, Call]]:
    return ((n, Call(system="", prompt=str(n))) for n in range(count))


def asked(provider: Script, count: int, limits: Limits = QUICK) -> dict[int, Finished[int]]:
    found: dict[int, Finished[int]] = {}
    ask(
        lambda: provider,
        calls(count),
        limits=limits,
        on_finished=lambda each: found.update({each.key: each}),
    )
    return found


def test_each_row_gets_its_own_reply_and_so_many_are_asked_at_once() -> None:
    provider = Script(well, takes=0.005)
    found = asked(provider, 100)
    assert {n: each.reply.text for n, each in found.items() if each.reply} == {
        n: f"of {n}" for n in range(100)
    }
    assert provider.most_at_once == 8
    assert provider.closed


def test_calls_are_taken_from_the_source_only_as_there_is_room() -> None:
    taken: list[int] = []

    def source() -> Iterator[tuple[int, Call]]:
        for n in range(50):
            taken.append(n)
            yield n, Call(system="", prompt=str(n))

    ahead: list[int] = []
    ask(
        lambda: Script(well),
        source(),
        limits=QUICK,
        on_finished=lambda each: ahead.append(len(taken) - each.key),
    )
    assert max(ahead) <= 16, "no more than are under way, and those that wait their turn"


def test_what_fails_for_a_moment_is_asked_again_and_its_tokens_are_counted() -> None:
    def act(number: int, prompt: str) -> Reply:
        if number == 0:
            raise CallFailed("busy", "busy", again=True)
        return well(number, prompt)

    (found,) = asked(Script(act), 1).values()
    assert (found.attempts, found.failure) == (2, None)


def test_one_row_that_fails_for_good_stops_no_other() -> None:
    def act(number: int, prompt: str) -> Reply:
        if prompt == "3":
            raise CallFailed("request", "refused")
        return well(number, prompt)

    found = asked(Script(act), 40)
    assert len(found) == 40
    assert [n for n, each in found.items() if each.reply is None] == [3]
    assert found[3].attempts == 1


def test_a_reply_of_no_use_is_asked_for_again_and_paid_for() -> None:
    found: list[Finished[int]] = []
    ask(
        lambda: Script(lambda n, _: Reply(text="{" * (n < 2), model="t", usage=Usage(output=5))),
        calls(1),
        limits=QUICK,
        on_finished=found.append,
        check=lambda reply: "cut off" if reply.text == "{" else None,
    )
    assert (found[0].attempts, found[0].usage.output, found[0].failure) == (3, 15, None)


def test_nobody_is_asked_before_the_provider_allows_it() -> None:
    def act(number: int, prompt: str) -> Reply:
        if number == 0:
            raise CallFailed("rate", "too often", again=True, after=0.4)
        return well(number, prompt)

    provider = Script(act)
    asked(provider, 6, Limits(at_once=1))
    assert min(b - provider.made[0] for b in provider.made[1:]) >= 0.39


def test_a_provider_that_is_down_ends_the_run_with_one_line() -> None:
    def act(number: int, prompt: str) -> Reply:
        raise CallFailed("busy", "127.0.0.1 fails (HTTP 503)", again=True)

    provider = Script(act)
    with pytest.raises(ModelUnavailable, match=r"gemini:toy cannot be reached: .* \(HTTP 503\)"):
        asked(provider, 1000, Limits(at_once=8, attempts=1))
    assert len(provider.made) < 60
    assert provider.closed


def test_a_refused_key_ends_the_run_at_once() -> None:
    def act(number: int, prompt: str) -> Reply:
        raise of_status("api.example", "toy", 401)

    provider = Script(act)
    with pytest.raises(ModelUnavailable, match="refuses the key") as failed:
        asked(provider, 1000, Limits(at_once=4))
    assert len(provider.made) <= 4
    assert "key" in failed.value.hint


def test_refusals_of_single_rows_are_no_outage() -> None:
    def act(number: int, prompt: str) -> Reply:
        raise CallFailed("request", "refused")

    assert len(asked(Script(act), 100)) == 100


def test_what_was_handed_over_stays_when_the_caller_stops() -> None:
    found: list[int] = []

    def store(each: Finished[int]) -> None:
        if len(found) == 10:
            raise KeyboardInterrupt
        found.append(each.key)

    provider = Script(well, takes=0.001)
    with pytest.raises(KeyboardInterrupt):
        ask(lambda: provider, calls(1000), limits=QUICK, on_finished=store)
    assert len(found) == 10
    assert len(provider.made) < 40


def test_requests_and_tokens_a_minute_are_kept_to() -> None:
    provider = Script(well)
    asked(provider, 30, Limits(at_once=8, requests_per_minute=1200))
    took = provider.made[-1] - provider.made[0]
    assert took >= (30 - 20 - 1) / 20 * 0.9
    provider = Script(well)
    asked(provider, 40, Limits(at_once=8, tokens_per_minute=60 * 120))
    assert provider.made[-1] - provider.made[0] >= 2.0  # 12 tokens each, 120 a second


def test_calls_made_at_once_are_spread_over_what_the_quickest_takes() -> None:
    async def entered() -> list[float]:
        clock = asyncio.get_running_loop().time
        gate, began = Gate(Limits(at_once=10)), clock()
        gate.took(0.2)

        async def enter() -> float:
            await gate.enter(1)
            return clock() - began

        return sorted(await asyncio.gather(*(enter() for _ in range(10))))

    times = asyncio.run(entered())
    for at, time_in in enumerate(times):
        assert time_in >= at * EASE * 0.2 / 10 - 0.002


def test_a_bucket_gives_no_more_than_flowed_in() -> None:
    for seed in range(50):
        luck, now = random.Random(seed), [0.0]
        bucket = Bucket(rate=luck.uniform(0.5, 20), clock=lambda at=now: at[0])
        let_in: list[float] = []
        for _ in range(200):
            now[0] += luck.expovariate(10)
            let_in.append(now[0] + bucket.take(1))
        let_in.sort()
        for i, start in enumerate(let_in):
            inside = sum(start <= each <= start + 5 for each in let_in[i:])
            assert inside <= 5 * bucket.rate + max(1.0, bucket.rate) + 1


def test_limits_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="at_once"):
        Limits(at_once=0)
    with pytest.raises(UsageError, match="timeout"):
        Limits(timeout=float("nan"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "1e9"}, 600.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_headers_ask_to_wait(headers: dict[str, str] | None, seconds: float | None) -> None:
    assert retry_after(headers, now=60.0) == seconds


@pytest.mark.parametrize("details", [None, {}, {"error": 3}, {"error": {"details": [{}, 3]}}])
def test_details_without_a_delay_ask_nothing(details: object) -> None:
    assert retry_info(details) is None


@pytest.mark.parametrize("provider", ["gemini", "openai", "anthropic"])
def test_against_a_server_with_every_fault_no_row_is_lost(provider: str) -> None:
    kinds = ("429", "500", "503", "drop", "garbage", "half")
    faults = [Fault(kind=kind, share=0.05, after=0.05) for kind in kinds]  # pyright: ignore[reportArgumentType]
    with llm_server(Toy(faults=faults, latency=0.01)) as server:
        base = server.url + "/v1" if provider == "openai" else server.url
        name = model_name(f"{provider}:toy", base_url=base)
        found: dict[int, Finished[int]] = {}
        began = time.monotonic()
        ask(
            name.open,
            calls(150),
            limits=Limits(at_once=32, timeout=5),
            on_finished=lambda each: found.update({each.key: each}),
            check=lambda reply: "cut off" if reply.ended == "length" else None,
        )
        assert time.monotonic() - began < 60
    assert sorted(found) == list(range(150))
    assert sum(each.reply is None for each in found.values()) <= 2
    assert sum(each.attempts for each in found.values()) == server.calls
