"""OpenAI's chat completions, and whoever else speaks them: vLLM, Ollama, llama.cpp, OpenRouter."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice

from signoff.models.llm.calls import Call, Ended, Reply, Token, Usage
from signoff.models.llm.failures import dropped, of_status, retry_after, timed_out, truncated

MOST_ALTERNATIVES = 20


class OpenAI:
    """A model behind ``chat/completions``."""

    name = "openai"
    constrains = True
    weighs = True

    def __init__(
        self, model: str, *, key: str, host: str, local: bool, base_url: str | None = None
    ) -> None:
        self.model = model
        self.host = host
        self.local = local
        # Servers that imitate the API know this by its old name.
        self._most = "max_completion_tokens" if base_url is None else "max_tokens"
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=base_url,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(limits=limits),
        )

    async def call(self, call: Call, *, timeout: float) -> Reply:
        """One attempt."""
        try:
            found = await self._client.chat.completions.create(
                model=self.model, messages=_messages(call), timeout=timeout, **self._settings(call)
            )
        except openai.APITimeoutError:
            raise timed_out(self.host, timeout) from None
        except openai.APIConnectionError:
            raise dropped(self.host) from None
        except openai.APIStatusError as error:
            after = retry_after(error.response.headers)
            raise of_status(self.host, self.model, error.status_code, after=after) from None
        except (openai.APIError, json.JSONDecodeError, httpx2.HTTPError, ValueError):
            raise truncated(self.host) from None
        return self._reply(found)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    def _settings(self, call: Call) -> dict[str, Any]:
        settings: dict[str, Any] = {self._most: call.max_tokens}
        if call.temperature is not None:
            settings["temperature"] = call.temperature
        if call.schema is not None:
            schema = {"name": "answer", "strict": True, "schema": dict(call.schema)}
            settings["response_format"] = {"type": "json_schema", "json_schema": schema}
        if call.alternatives:
            settings["logprobs"] = True
            settings["top_logprobs"] = min(call.alternatives, MOST_ALTERNATIVES)
        return settings

    def _reply(self, found: ChatCompletion) -> Reply:
        # What comes from other servers is not checked by the library.
        choices = found.choices if isinstance(found, ChatCompletion) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        if not choices or choices[0].message is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise truncated(self.host)
        choice, usage = choices[0], found.usage
        details = None if usage is None else usage.prompt_tokens_details
        return Reply(
            text=choice.message.content or "",
            model=found.model or self.model,
            usage=Usage()
            if usage is None
            else Usage(
                input=usage.prompt_tokens or 0,
                output=usage.completion_tokens or 0,
                cached=(details.cached_tokens or 0) if details is not None else 0,
            ),
            ended=_ended(choice),
            tokens=_tokens(choice),
        )


def _messages(call: Call) -> Any:
    system = [{"role": "system", "content": call.system}] if call.system else []
    return [*system, {"role": "user", "content": call.prompt}]


def _ended(choice: Choice) -> Ended:
    if choice.message.refusal:
        return "refused"
    return {"length": "length", "content_filter": "blocked"}.get(choice.finish_reason, "stop")  # pyright: ignore[reportReturnType]


def _tokens(choice: Choice) -> tuple[Token, ...]:
    listed = None if choice.logprobs is None else choice.logprobs.content
    return tuple(
        Token(
            text=each.token,
            log_probability=each.logprob,
            others={other.token: other.logprob for other in each.top_logprobs or []},
        )
        for each in listed or []
    )
