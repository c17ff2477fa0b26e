"""Secrets of links, sessions and tokens: shown once, kept as a digest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from signoff.core.people import digest

SECRET_BYTES = 32
TOKEN_MARK = "signoff_"
"""How every API token begins, so that a leaked one is recognised for what it is."""
PREFIX_LENGTH = len(TOKEN_MARK) + 6


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret nobody guesses."""

    text: str = field(repr=False)

    @classmethod
    def new(cls, mark: str = "") -> Secret:
        """A new one, from the system's entropy."""
        return cls(mark + secrets.token_urlsafe(SECRET_BYTES))

    @property
    def digest(self) -> str:
        """What is kept of it (hex)."""
        return digest(self.text)

    @property
    def prefix(self) -> str:
        """What may be shown of a token, so that its owner recognises it."""
        return self.text[:PREFIX_LENGTH]
