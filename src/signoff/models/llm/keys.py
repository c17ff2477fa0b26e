"""Keys of providers: from the environment or the system's keyring, never from an argument or a
file, and shown to nobody."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from signoff.errors import UsageError

SERVICE = "signoff"
"""Under which name keys lie in the keyring."""

NAMES: Mapping[str, Sequence[str]] = {
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
}
"""Variables that hold a provider's key, the first that is set counts."""

NO_KEY = "none"
"""What a server on this machine is sent where there is no key: the libraries insist on one."""


def key_for(provider: str, *, local: bool) -> str:
    """The key of a provider; a server on this machine needs none.

    Raises :class:`UsageError` naming the variable to set.
    """
    for name in NAMES[provider]:
        if value := os.environ.get(name, "").strip():
            return value
    if found := _from_keyring(provider):
        return found
    if local:
        return NO_KEY
    raise UsageError(
        f"There is no key for {provider}.",
        hint=f"Set {NAMES[provider][0]} in the environment, or: keyring set {SERVICE} {provider}",
    )


def _from_keyring(provider: str) -> str | None:
    """The key in the system's keyring, where the package ``keyring`` is installed."""
    try:
        keyring: Any = import_module("keyring")
        found = keyring.get_password(SERVICE, provider)
    except Exception:  # no keyring, no backend for it, or a locked one
        return None
    return found.strip() if isinstance(found, str) and found.strip() else None
