"""What a failed call means: whether it is worth repeating, and whether any other call is.

Providers' own messages may repeat the prompt or the key, so none of them is passed on: what people
read is made here, of the status alone.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import cast

from signoff.models.llm.calls import CallFailed

LONGEST_WAIT = 600.0
"""Seconds: a provider that asks for more is not waited for."""


def of_status(host: str, model: str, status: int, *, after: float | None = None) -> CallFailed:
    """The failure behind an HTTP status."""
    if status in (401, 403):
        return CallFailed("key", f"{host} refuses the key (HTTP {status})", for_all=True)
    if status == 402:
        return CallFailed("money", f"{host} asks for payment (HTTP {status})", for_all=True)
    if status == 404:
        return CallFailed("model", f"{host} knows no model {model!r} (HTTP 404)", for_all=True)
    if status == 429:
        return CallFailed("rate", f"{host} is asked too often (HTTP 429)", again=True, after=after)
    if status in (408, 409, 425) or status >= 500:
        return CallFailed("busy", f"{host} fails (HTTP {status})", again=True, after=after)
    return CallFailed("request", f"{host} refuses the request (HTTP {status})")


def timed_out(host: str, seconds: float) -> CallFailed:
    """No reply in time."""
    return CallFailed("timeout", f"{host} did not answer within {seconds:g} s", again=True)


def dropped(host: str) -> CallFailed:
    """The connection broke, or was never made."""
    return CallFailed("dropped", f"the connection to {host} broke", again=True)


def truncated(host: str) -> CallFailed:
    """What came is no whole response."""
    return CallFailed("truncated", f"{host} sent something cut off", again=True)


def retry_after(headers: Mapping[str, str] | None, *, now: float | None = None) -> float | None:
    """Seconds that a response's headers ask to wait; None where they ask nothing readable."""
    if headers is None:
        return None
    told = {name.lower(): value.strip() for name, value in headers.items()}
    if (milliseconds := _seconds(told.get("retry-after-ms"))) is not None:
        return _bounded(milliseconds / 1000)
    value = told.get("retry-after")
    if value is None:
        return None
    if (seconds := _seconds(value)) is not None:
        return _bounded(seconds)
    try:
        then = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return _bounded(then - (time.time() if now is None else now))


def retry_info(details: object) -> float | None:
    """Seconds that the ``RetryInfo`` of a Google error asks to wait."""
    error = cast("Mapping[str, object]", details).get("error") if _is_map(details) else None
    listed = cast("Mapping[str, object]", error).get("details") if _is_map(error) else None
    for each in cast("Sequence[object]", listed if isinstance(listed, list) else []):
        delay = cast("Mapping[str, object]", each).get("retryDelay") if _is_map(each) else None
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return _bounded(float(delay[:-1]))
    return None


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_WAIT)
