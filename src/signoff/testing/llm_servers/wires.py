"""The providers' wire formats: where a request's prompt and schema stand, and how replies look."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from signoff.testing.llm_servers.toy import Fault, Said, Toy

Wire = Literal["gemini", "openai", "anthropic"]
Json = dict[str, object]

_GEMINI = re.compile(r"^/(?:v1|v1beta)/models/([^/:]+):generateContent$")
_STATUS = {"429": 429, "500": 500, "503": 503, "401": 401, "404": 404}
_NAMES = {
    401: ("UNAUTHENTICATED", "invalid_api_key", "authentication_error"),
    404: ("NOT_FOUND", "model_not_found", "not_found_error"),
    429: ("RESOURCE_EXHAUSTED", "rate_limit_exceeded", "rate_limit_error"),
    500: ("INTERNAL", "server_error", "api_error"),
    503: ("UNAVAILABLE", "server_error", "overloaded_error"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was understood."""

    wire: Wire
    model: str
    prompt: str
    schema: Mapping[str, object] | None
    alternatives: int
    warm: bool
    body: Json
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A response to send."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def asked(path: str, body: Json, headers: Mapping[str, str]) -> Asked | None:
    """What a request asks for; None where no provider has such a path."""
    if found := _GEMINI.match(path):
        return _from_gemini(found.group(1), body, headers)
    if path.endswith("/chat/completions"):
        return _from_openai(body, headers)
    if path.endswith("/messages"):
        return _from_anthropic(body, headers)
    return None


def respond(toy: Toy, request: Asked, fault: Fault | None) -> Answered:
    """What is sent back for a request, as its provider would."""
    kind = None if fault is None else fault.kind
    if kind in _STATUS and fault is not None:
        return refusal(request.wire, _STATUS[kind], fault.after)
    said = toy.reply(request.prompt, request.schema, warm=request.warm)
    if kind == "half":
        said = Said(text=said.text[: max(1, len(said.text) // 2)], code=said.code, p=said.p)
    write = {"gemini": _as_gemini, "openai": _as_openai, "anthropic": _as_anthropic}[request.wire]
    return Answered(status=200, body=write(toy, request, said, kind))


def refusal(wire: Wire, status: int, after: float = 1.0) -> Answered:
    """An error as the provider words it; a 429 says when to come back."""
    google, openai, anthropic = _NAMES[status]
    message = f"toy {google.lower()}"
    headers = {"retry-after": f"{after:g}"} if status == 429 and wire != "gemini" else {}
    if wire == "gemini":
        details: list[object] = []
        if status == 429:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            details = [{"@type": kind, "retryDelay": f"{after:g}s"}]
        error: Json = {"code": status, "message": message, "status": google, "details": details}
        return Answered(status=status, body={"error": error}, headers=headers)
    if wire == "openai":
        error = {"message": message, "type": openai, "code": openai, "param": None}
        return Answered(status=status, body={"error": error}, headers=headers)
    error = {"type": anthropic, "message": message}
    return Answered(status=status, body={"type": "error", "error": error}, headers=headers)


# ------------------------------------------------------------------------------------ Gemini


def _from_gemini(model: str, body: Json, headers: Mapping[str, str]) -> Asked:
    config = _mapping(body.get("generationConfig"))
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    system = _parts(_mapping(body.get("systemInstruction")))
    contents = cast("list[Json]", body.get("contents", []))
    prompt = "\n".join([system, *(_parts(each) for each in contents)])
    weighed = int(cast("int", config.get("logprobs", 0))) if config.get("responseLogprobs") else 0
    return Asked(
        wire="gemini", model=model, prompt=prompt, headers=headers, body=body,
        schema=None if schema is None else _mapping(schema), alternatives=weighed,
        warm=_is_warm(config),
    )  # fmt: skip


def _as_gemini(toy: Toy, request: Asked, said: Said, kind: str | None) -> Json:
    usage = {
        "promptTokenCount": _tokens(request.prompt),
        "candidatesTokenCount": _tokens(said.text),
        "totalTokenCount": _tokens(request.prompt) + _tokens(said.text),
    }
    common: Json = {"usageMetadata": usage, "modelVersion": toy.version, "responseId": "toy"}
    if kind == "blocked":
        return {"promptFeedback": {"blockReason": "SAFETY"}, **common}
    if kind == "refused":
        return {"candidates": [{"finishReason": "SAFETY", "index": 0}], **common}
    candidate: Json = {
        "content": {"role": "model", "parts": [{"text": said.text}]},
        "finishReason": "MAX_TOKENS" if kind == "half" else "STOP",
        "index": 0,
    }
    if request.alternatives and toy.weighs:
        candidate["logprobsResult"] = {
            "chosenCandidates": [
                {"token": text, "tokenId": at, "logProbability": weight}
                for at, (text, weight, _) in enumerate(said.tokens)
            ],
            "topCandidates": [
                {
                    "candidates": [
                        {"token": each, "tokenId": at, "logProbability": weight}
                        for at, (each, weight) in enumerate(_top(token, request.alternatives))
                    ]
                }
                for token in said.tokens
            ],
        }
    return {"candidates": [candidate], **common}


# ------------------------------------------------------------------------------------ OpenAI


def _from_openai(body: Json, headers: Mapping[str, str]) -> Asked:
    messages = cast("list[Json]", body.get("messages", []))
    form = _mapping(body.get("response_format"))
    schema = _mapping(form.get("json_schema")).get("schema")
    weighed = int(cast("int", body.get("top_logprobs", 0))) if body.get("logprobs") else 0
    return Asked(
        wire="openai", model=str(body.get("model")), headers=headers, body=body,
        prompt="\n".join(_text(each.get("content")) for each in messages),
        schema=None if schema is None else _mapping(schema), alternatives=weighed,
        warm=_is_warm(body),
    )  # fmt: skip


def _as_openai(toy: Toy, request: Asked, said: Said, kind: str | None) -> Json:
    refused = kind == "refused"
    ended = {"half": "length", "blocked": "content_filter"}.get(kind or "", "stop")
    weights = None
    if request.alternatives and toy.weighs:
        weights = {
            "content": [
                {
                    "token": token[0],
                    "logprob": token[1],
                    "bytes": list(token[0].encode()),
                    "top_logprobs": [
                        {"token": each, "logprob": weight, "bytes": list(each.encode())}
                        for each, weight in _top(token, request.alternatives)
                    ],
                }
                for token in said.tokens
            ],
            "refusal": None,
        }
    message: Json = {
        "role": "assistant",
        "content": None if refused or kind == "blocked" else said.text,
        "refusal": "I can't help with that." if refused else None,
    }
    return {
        "id": "toy",
        "object": "chat.completion",
        "created": 0,
        "model": toy.version,
        "choices": [{"index": 0, "message": message, "finish_reason": ended, "logprobs": weights}],
        "usage": {
            "prompt_tokens": _tokens(request.prompt),
            "completion_tokens": _tokens(said.text),
            "total_tokens": _tokens(request.prompt) + _tokens(said.text),
        },
    }


# --------------------------------------------------------------------------------- Anthropic


def _from_anthropic(body: Json, headers: Mapping[str, str]) -> Asked:
    messages = cast("list[Json]", body.get("messages", []))
    form = _mapping(_mapping(body.get("output_config")).get("format"))
    schema = form.get("schema")
    prompt = "\n".join([_text(body.get("system")), *(_text(m.get("content")) for m in messages)])
    return Asked(
        wire="anthropic", model=str(body.get("model")), prompt=prompt, headers=headers, body=body,
        schema=None if schema is None else _mapping(schema), alternatives=0, warm=_is_warm(body),
    )  # fmt: skip


def _as_anthropic(toy: Toy, request: Asked, said: Said, kind: str | None) -> Json:
    stopped = {"half": "max_tokens", "refused": "refusal", "blocked": "refusal"}
    ended = stopped.get(kind or "", "end_turn")
    return {
        "id": "msg_toy",
        "type": "message",
        "role": "assistant",
        "model": toy.version,
        "content": [] if ended == "refusal" else [{"type": "text", "text": said.text}],
        "stop_reason": ended,
        "stop_sequence": None,
        "usage": {
            "input_tokens": _tokens(request.prompt),
            "output_tokens": _tokens(said.text),
        },
    }


# ----------------------------------------------------------------------------------- common


def _top(token: tuple[str, float, dict[str, float]], count: int) -> list[tuple[str, float]]:
    text, weight, others = token
    return sorted([(text, weight), *others.items()], key=lambda each: -each[1])[:count]


def _is_warm(settings: Json) -> bool:
    temperature = settings.get("temperature", 0)
    return isinstance(temperature, int | float) and temperature > 0


def _mapping(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _parts(content: Json) -> str:
    return "\n".join(
        str(part.get("text", "")) for part in cast("list[Json]", content.get("parts", []))
    )


def _text(content: object) -> str:
    """The text of a message: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    parts = cast("Sequence[Json]", content if isinstance(content, list) else [])
    return "\n".join(str(part.get("text", "")) for part in parts)


def _tokens(text: str) -> int:
    return len(text) // 4 + 1


def read(raw: bytes) -> Json:
    """A request's body; empty where it is no JSON object."""
    try:
        return _mapping(json.loads(raw))
    except ValueError:
        return {}
