"""What a page's form sends back, and that it was this session's own page.

Besides the check of origins that every change passes, a form carries a token that is made from
the session: a page of another site cannot know it, and none is kept anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from signoff.server.api.context import services
from signoff.server.problems import Refusal
from signoff.server.wire import plain_text

FIELD = "form_token"
MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; each may come several times."""

    fields: Mapping[str, Sequence[str]]

    def text(self, name: str, default: str = "") -> str:
        """One field, white space at its ends removed."""
        values = self.fields.get(name)
        return values[0].strip() if values else default

    def many(self, name: str) -> Sequence[str]:
        """Every value of a field."""
        return self.fields.get(name, ())

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return name in self.fields


def form_token(request: Request) -> str | None:
    """The token of this browser's session; None for callers without one, who have no forms."""
    session = request.cookies.get(services(request).access.cookie)
    return None if session is None else hashlib.sha256(f"form|{session}".encode()).hexdigest()


def check_token(request: Request, given: str) -> None:
    """Refuse a form that is not of this session."""
    wanted = form_token(request)
    if wanted is None or not secrets.compare_digest(wanted.encode(), given.encode()):
        raise Refusal(
            403,
            "form_expired",
            "This form belongs to another session.",
            hint="Go back, load the page again and send it once more.",
        )


def parse_form(body: bytes) -> Form:
    """The fields of an urlencoded body; refuses what no form of ours sends."""
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
        for values in fields.values():
            for value in values:
                plain_text(value)
    except ValueError:
        raise Refusal(400, "invalid", "The form cannot be read.", hint="Send it again.") from None
    return Form(fields)


async def _posted(request: Request) -> Form:
    form = parse_form(await request.body())
    check_token(request, form.text(FIELD))
    return form


Posted = Annotated[Form, Depends(_posted)]
