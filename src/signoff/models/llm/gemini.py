"""Gemini through google-genai, with aiohttp underneath."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from google import genai
from google.genai import errors, types

from signoff.models.llm.calls import Call, Ended, Reply, Token, Usage
from signoff.models.llm.failures import (
    dropped,
    of_status,
    retry_after,
    retry_info,
    timed_out,
    truncated,
)

BLOCKED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"})
CONNECTIONS = 1_000
"""More than anybody asks at once: what bounds the calls is the dispatcher."""


class Gemini:
    """A model behind ``generateContent``."""

    name = "gemini"
    constrains = True
    weighs = True

    def __init__(
        self, model: str, *, key: str, host: str, local: bool, base_url: str | None = None
    ) -> None:
        self.model = model
        self.host = host
        self.local = local
        self._client = genai.Client(
            api_key=key,
            http_options=types.HttpOptions(
                base_url=base_url,
                retry_options=types.HttpRetryOptions(attempts=1),
                async_client_args={"connector": aiohttp.TCPConnector(limit=CONNECTIONS)},
            ),
        )

    async def call(self, call: Call, *, timeout: float) -> Reply:
        """One attempt."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._client.aio.models.generate_content(
                    model=self.model, contents=call.prompt, config=_config(call, self.model)
                )
        except TimeoutError:
            raise timed_out(self.host, timeout) from None
        except errors.APIError as error:
            after = retry_info(error.details)
            if after is None:
                after = retry_after(getattr(error.response, "headers", None))
            raise of_status(self.host, self.model, error.code, after=after) from None
        except (aiohttp.ClientPayloadError, errors.UnknownApiResponseError):
            raise truncated(self.host) from None
        except (aiohttp.ClientError, OSError):
            raise dropped(self.host) from None
        except ValueError:  # a body that is no JSON, or not of the form
            raise truncated(self.host) from None
        return self._reply(found)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aio.aclose()

    def _reply(self, found: types.GenerateContentResponse) -> Reply:
        feedback = found.prompt_feedback
        candidate = found.candidates[0] if found.candidates else None
        blocked = feedback is not None and feedback.block_reason is not None
        if candidate is None and not blocked:
            raise truncated(self.host)
        text = ""
        if candidate is not None and candidate.content is not None:
            parts = candidate.content.parts or []
            text = "".join(part.text or "" for part in parts if not part.thought)
        return Reply(
            text=text,
            model=found.model_version or self.model,
            usage=_usage(found.usage_metadata),
            ended="blocked" if blocked else _ended(candidate),
            tokens=_tokens(candidate),
        )


def _config(call: Call, model: str) -> types.GenerateContentConfig:
    # Thinking would use up the tokens of a reply this short, where it can be switched off.
    quick = "2.5-flash" in model
    settings: dict[str, Any] = {
        "system_instruction": call.system or None,
        "temperature": call.temperature,
        "max_output_tokens": call.max_tokens if quick else None,
        "thinking_config": types.ThinkingConfig(thinking_budget=0) if quick else None,
    }
    if call.schema is not None:
        settings["response_mime_type"] = "application/json"
        settings["response_json_schema"] = dict(call.schema)
    if call.alternatives:
        settings["response_logprobs"] = True
        settings["logprobs"] = call.alternatives
    return types.GenerateContentConfig(**settings)


def _ended(candidate: types.Candidate | None) -> Ended:
    reason = None if candidate is None else candidate.finish_reason
    name = "" if reason is None else str(reason.value)
    if name == "MAX_TOKENS":
        return "length"
    return "blocked" if name in BLOCKED else "stop"


def _usage(told: types.GenerateContentResponseUsageMetadata | None) -> Usage:
    if told is None:
        return Usage()
    return Usage(
        input=told.prompt_token_count or 0,
        output=(told.candidates_token_count or 0) + (told.thoughts_token_count or 0),
        cached=told.cached_content_token_count or 0,
    )


def _tokens(candidate: types.Candidate | None) -> tuple[Token, ...]:
    result = None if candidate is None else candidate.logprobs_result
    if result is None or not result.chosen_candidates:
        return ()
    tops = result.top_candidates or []
    found: list[Token] = []
    for at, chosen in enumerate(result.chosen_candidates):
        listed = tops[at].candidates if at < len(tops) else None
        others = {
            each.token: each.log_probability
            for each in listed or []
            if each.token is not None and each.log_probability is not None
        }
        if chosen.token is None or chosen.log_probability is None:
            return ()
        weight = chosen.log_probability
        found.append(Token(text=chosen.token, log_probability=weight, others=others))
    return tuple(found)
