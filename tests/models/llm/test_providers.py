"""Providers' own libraries against servers that speak their wire formats."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import pytest

from signoff.errors import UsageError
from signoff.models.llm.calls import Call, CallFailed, Reply
from signoff.models.llm.providers import is_local, is_model_name, model_name
from signoff.testing.llm_servers import Fault, FaultKind, LlmServer, Toy, llm_server

NAMES = ("gemini", "openai", "anthropic")
SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["A", "B"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["label", "confidence"],
    "additionalProperties": False,
}
SECRET = "Zanzibar"
CALL = Call(
    system="Which label fits?\nA = Positive\nB = Negative",
    prompt=f"<item 1>\nA wonderful day in {SECRET}\n</item 1>",
    schema=SCHEMA,
    alternatives=5,
)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server() as running:
        yield running


def base(server: LlmServer, provider: str) -> str:
    return server.url + "/v1" if provider == "openai" else server.url


def once(server: LlmServer, provider: str, call: Call = CALL, *, timeout: float = 5.0) -> Reply:
    name = model_name(f"{provider}:toy", base_url=base(server, provider))

    async def made() -> Reply:
        opened = name.open()
        try:
            return await opened.call(call, timeout=timeout)
        finally:
            await opened.close()

    return asyncio.run(made())


def failure(server: LlmServer, provider: str, *, timeout: float = 5.0) -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        once(server, provider, timeout=timeout)
    assert SECRET not in str(failed.value)
    assert SECRET not in repr(failed.value.__cause__)
    return failed.value


@pytest.mark.parametrize("provider", NAMES)
def test_a_reply_follows_the_schema_and_tells_who_answered(
    server: LlmServer, provider: str
) -> None:
    reply = once(server, provider)
    assert '"label": "A"' in reply.text
    assert (reply.model, reply.ended) == ("toy-1", "stop")
    assert reply.usage.input > 10
    assert reply.usage.output > 1
    (seen,) = server.seen
    assert seen.schema == SCHEMA
    assert SECRET in seen.prompt
    assert "A = Positive" in seen.prompt


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_log_probabilities_come_with_what_else_might_have_been_said(
    server: LlmServer, provider: str
) -> None:
    tokens = once(server, provider).tokens
    told = next(token for token in tokens if token.text == "A")
    assert set(told.others) == {"A", "B"}
    assert math.isclose(sum(map(math.exp, told.others.values())), 1, abs_tol=0.01)


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize(
    ("fault", "kind", "again", "for_all"),
    [
        ("429", "rate", True, False),
        ("500", "busy", True, False),
        ("503", "busy", True, False),
        ("401", "key", False, True),
        ("404", "model", False, True),
        ("drop", "dropped", True, False),
        ("garbage", "truncated", True, False),
        ("hang", "timeout", True, False),
    ],
)
def test_what_goes_wrong_is_told_apart(
    server: LlmServer, provider: str, fault: FaultKind, kind: str, again: bool, for_all: bool
) -> None:
    server.toy = Toy(faults=[Fault(kind=fault, first=10, after=3.5)])
    failed = failure(server, provider, timeout=0.3 if fault == "hang" else 5.0)
    assert (failed.kind, failed.again, failed.for_all) == (kind, again, for_all)
    assert failed.after == (3.5 if fault == "429" else None)
    assert server.calls == 1, "the library repeats calls on its own"


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize(
    ("fault", "ended"), [("half", "length"), ("refused", "refused"), ("blocked", "blocked")]
)
def test_a_reply_that_did_not_end_as_it_should_says_so(
    server: LlmServer, provider: str, fault: FaultKind, ended: str
) -> None:
    server.toy = Toy(faults=[Fault(kind=fault, first=10)])
    told = once(server, provider).ended
    assert told == ended or {told, ended} == {"refused", "blocked"}


def test_nobody_listening_is_a_broken_connection(server: LlmServer) -> None:
    name = "http://127.0.0.1:9"
    server.url = name
    for provider in NAMES:
        assert failure(server, provider).kind == "dropped"


def test_names_tell_who_is_sent_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    far = model_name("openai:gpt-4o-mini")
    assert (far.host, far.local, far.model) == ("api.openai.com", False, "gpt-4o-mini")
    near = model_name("openai:qwen3:8b", base_url="http://localhost:11434/v1")
    assert (near.host, near.local, near.model) == ("localhost", True, "qwen3:8b")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
    assert model_name("gemini:x").local
    assert is_model_name("gemini:x")
    assert not is_model_name("models.py:NAME")


@pytest.mark.parametrize(
    ("name", "base_url", "said"),
    [
        ("gemini:", None, "not known"),
        ("mistral:x", None, "not known"),
        ("openai:x", "ftp://a", "no address"),
        ("openai:x", "http://[1", "no address"),
        ("openai:x", "http://models.example/v1", "unencrypted"),
    ],
)
def test_names_and_addresses_that_cannot_be_are_refused(
    name: str, base_url: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        model_name(name, base_url=base_url)


def test_offline_nothing_but_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="--offline"):
        model_name("gemini:gemini-2.5-flash", offline=True)
    assert model_name("gemini:x", base_url="http://[::1]:8000", offline=True).local
    assert not is_local("127.0.0.1.example.com")


def test_without_a_key_the_variable_to_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match="no key") as refused:
        model_name("openai:gpt").check()
    assert "OPENAI_API_KEY" in refused.value.hint
