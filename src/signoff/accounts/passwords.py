"""Passwords: what is asked of one, and hashing that takes its time (Argon2id)."""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from signoff.core.people import name_key
from signoff.errors import InputError

SHORTEST = 12
LONGEST = 1024
AT_ONCE = 2
"""Hashings at the same time: each takes 64 MiB, and many sign-ins at once must not take more."""


def check_password(password: str, *, name: str) -> None:
    """Raise :class:`InputError` where a password is too easy."""
    typed = _normal(password)
    if not SHORTEST <= len(typed) <= LONGEST:
        raise InputError(
            f"The password has {len(typed)} characters.",
            hint=f"Take {SHORTEST} to {LONGEST}; a few unrelated words do well.",
            code="weak_password",
        )
    if len(set(typed)) < 5 or name_key(name) == name_key(typed):
        raise InputError(
            "The password is too easy to guess.",
            hint="Take a few unrelated words.",
            code="weak_password",
        )


class Passwords:
    """Hashes and checks passwords, with the parameters of argon2-cffi's defaults (RFC 9106)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self._hasher.hash("nobody's")

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._free:
            return self._hasher.hash(_normal(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept.

        None is for a name nobody has: it takes as long, and is never right.
        """
        with self._free:
            try:
                self._hasher.verify(self._nobody if kept is None else kept, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """One form for what different keyboards send (RFC 8265 recommends NFC)."""
    return unicodedata.normalize("NFC", password)
