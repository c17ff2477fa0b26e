"""Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from signoff.models.llm.calls import Call, Ended, Reply, Usage
from signoff.models.llm.failures import dropped, of_status, retry_after, timed_out, truncated


class Anthropic:
    """A model behind ``messages``; it reports no log-probabilities and takes no temperature."""

    name = "anthropic"
    constrains = True
    weighs = False

    def __init__(
        self, model: str, *, key: str, host: str, local: bool, base_url: str | None = None
    ) -> None:
        self.model = model
        self.host = host
        self.local = local
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=base_url,
            max_retries=0,
            http_client=anthropic.DefaultAsyncHttpxClient(limits=limits),
        )

    async def call(self, call: Call, *, timeout: float) -> Reply:
        """One attempt."""
        try:
            found = await self._client.messages.create(
                model=self.model,
                max_tokens=call.max_tokens,
                messages=[{"role": "user", "content": call.prompt}],
                timeout=timeout,
                **_settings(call),
            )
        except anthropic.APITimeoutError:
            raise timed_out(self.host, timeout) from None
        except anthropic.APIConnectionError:
            raise dropped(self.host) from None
        except anthropic.APIStatusError as error:
            after = retry_after(error.response.headers)
            raise of_status(self.host, self.model, error.status_code, after=after) from None
        except (anthropic.APIError, json.JSONDecodeError, httpx2.HTTPError, ValueError):
            raise truncated(self.host) from None
        return self._reply(found)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    def _reply(self, found: Message) -> Reply:
        # A cut off body comes as a string.
        if not isinstance(found, Message) or found.content is None:  # pyright: ignore[reportUnnecessaryComparison, reportUnnecessaryIsInstance]
            raise truncated(self.host)
        usage = found.usage
        cached = usage.cache_read_input_tokens or 0
        return Reply(
            text="".join(block.text for block in found.content if block.type == "text"),
            model=found.model,
            usage=Usage(
                input=usage.input_tokens + cached, output=usage.output_tokens, cached=cached
            ),
            ended=_ended(found),
        )


def _settings(call: Call) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if call.system:
        settings["system"] = call.system
    if call.schema is not None:
        form = {"type": "json_schema", "schema": dict(call.schema)}
        settings["output_config"] = {"format": form}
    return settings


def _ended(found: Message) -> Ended:
    return {"max_tokens": "length", "refusal": "refused"}.get(found.stop_reason or "", "stop")  # pyright: ignore[reportReturnType]
