"""``gemini:gemini-2.5-flash``: from how a user names a model to whoever provides it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from urllib.parse import urlsplit

from signoff.errors import UsageError
from signoff.models.llm.calls import Provider
from signoff.models.llm.keys import NAMES, key_for

HOSTS = {
    "gemini": "generativelanguage.googleapis.com",
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
}
BASES = {
    "gemini": "GOOGLE_GEMINI_BASE_URL",
    "openai": "OPENAI_BASE_URL",
    "anthropic": "ANTHROPIC_BASE_URL",
}
"""Variables that the providers' own libraries read another address from."""
_CLASSES = {"gemini": "Gemini", "openai": "OpenAI", "anthropic": "Anthropic"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A model of a provider, and where it is asked.

    ``host``: who is sent the text of items; ``local``: that is this machine.
    """

    provider: str
    model: str
    base_url: str | None
    host: str
    local: bool

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"

    def open(self) -> Provider:
        """The provider, for use inside one event loop.

        Raises :class:`UsageError` without a key or the provider's library.
        """
        key = key_for(self.provider, local=self.local)
        return self._class()(
            self.model, key=key, host=self.host, local=self.local, base_url=self.base_url
        )

    def check(self) -> None:
        """Raise what :meth:`open` would, before anything is begun."""
        key_for(self.provider, local=self.local)
        self._class()

    def _class(self) -> Callable[..., Provider]:
        try:
            module = import_module(f"signoff.models.llm.{self.provider}")
        except ImportError as error:
            raise UsageError(
                f"{self} needs the package {error.name or self.provider}.",
                hint=f"Run: pip install 'signoff[{self.provider}]'",
                code="missing_extra",
            ) from error
        return getattr(module, _CLASSES[self.provider])


def is_model_name(text: str) -> bool:
    """Whether a user names a provider's model with this."""
    return text.partition(":")[0] in NAMES and ":" in text


def model_name(text: str, *, base_url: str | None = None, offline: bool = False) -> ModelName:
    """A model as ``PROVIDER:MODEL``.

    ``base_url``: of another server that speaks the provider's API; without it the variable counts
    that the provider's own library reads. ``offline``: refuse whatever is not on this machine.
    Raises :class:`UsageError`.
    """
    provider, _, model = text.partition(":")
    if provider not in NAMES or not model.strip():
        known = ", ".join(f"{name}:MODEL" for name in NAMES)
        raise UsageError(f"--model {text!r} is not known.", hint=f"Write one of {known}.")
    base = base_url or elsewhere(provider)
    host = HOSTS[provider] if base is None else _host_of(base)
    local = is_local(host)
    if offline and not local:
        raise UsageError(
            f"{text} would send the text of items to {host}, and --offline forbids that.",
            hint="Pass --base-url of a server on this machine.",
        )
    return ModelName(provider=provider, model=model.strip(), base_url=base, host=host, local=local)


def elsewhere(provider: str) -> str | None:
    """The address that the environment gives in place of the provider's own."""
    return os.environ.get(BASES[provider], "").strip() or None


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"--base-url {url!r} is no address of a server.",
            hint="Write it like http://127.0.0.1:8000/v1.",
        )
    if parts.username or parts.password or parts.query:
        # It is written to the log of the project; what may be secret in it is not shown here.
        raise UsageError(
            "--base-url holds a name, a password or a query.",
            hint="Pass the address alone; the key comes from the environment or the keyring.",
        )
    if parts.scheme == "http" and not is_local(host):
        raise UsageError(
            f"--base-url {url!r} would send the key and the text of items unencrypted.",
            hint="Use https, or a server on this machine.",
        )
    return host


def is_local(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
