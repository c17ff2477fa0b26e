"""What both clients do alike: where the server is, when to send again, refusals as errors."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from signoff.client.calls import Call
from signoff.errors import InputError, RemoteError
from signoff.server.wire_work import JobShown
from signoff.version import VERSION

T = TypeVar("T")

TRIES = 5
FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
FIRST_LOOK = 0.1
LONGEST_LOOK = 2.0
"""Seconds between looks at long work."""
TRANSIENT = frozenset({429, 502, 503, 504})
"""Answers that say "not now"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server's address and a token for it. The token is shown nowhere."""

    url: str
    headers: Mapping[str, str]

    @classmethod
    def at(cls, url: str, token: str) -> Server:
        """Raises :class:`InputError` where the address is none."""
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL:
            parsed = httpx2.URL("")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise InputError(
                f"{url!r} is no address of a server.",
                hint="Pass one such as https://signoff.example.org.",
            )
        if not token:
            raise InputError(
                "There is no token.", hint="Make one: signoff user token NAME --store STORE."
            )
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"signoff/{VERSION}"}
        return cls(url=str(parsed).rstrip("/"), headers=headers)


def wait_before(attempt: int, response: httpx2.Response | None = None) -> float:
    """Seconds before try number ``attempt`` + 1: what the server says, else doubling with full
    jitter."""
    said = "" if response is None else response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return min(LONGEST_WAIT, float(said))
    return random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))


def may_repeat(call: Call[T], response: httpx2.Response | None) -> bool:
    """Whether to send again what got no answer, or this one."""
    if response is None:
        return call.again
    # A request that was refused unread may always come again.
    return response.status_code in TRANSIENT and (call.again or response.status_code != 504)


def read(call: Call[T], response: httpx2.Response) -> T:
    """What a response says; raises :class:`RemoteError` for a refusal."""
    if response.is_success:
        return call.read(response.json() if response.content else None)
    raise refusal(response)


def refusal(response: httpx2.Response) -> RemoteError:
    """A problem in the server's own words; something else between us in ours."""
    try:
        problem = response.json()
        return RemoteError(
            str(problem["detail"]),
            hint=str(problem["hint"]),
            code=str(problem["code"]),
            status=response.status_code,
            problem=problem,
        )
    except (ValueError, KeyError, TypeError):
        return RemoteError(
            f"The server answered {response.status_code} without saying why.",
            hint="Is it a signoff server, and is a proxy between?",
            status=response.status_code,
        )


def done(job: JobShown) -> JobShown:
    """A job that is over, if it went well; raises :class:`RemoteError` with the worker's words."""
    if job.state == "done":
        return job
    why = job.error
    raise RemoteError(
        "The work failed." if why is None else why.message,
        hint="" if why is None else why.hint,
        code=None if why is None else why.code,
    )


def unreachable(server: Server, error: httpx2.TransportError) -> RemoteError:
    """Nothing came back at all."""
    return RemoteError(
        f"{server.url} cannot be reached ({type(error).__name__}).",
        hint="Check the address, and that signoff serve runs there.",
        code="unreachable",
        status=None,
    )
