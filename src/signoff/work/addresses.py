"""Which addresses a webhook may reach: public ones, and networks that the settings name.

A name is resolved once and the connection goes to what was checked, so that a name cannot say one
thing to the check and another to the connection.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from signoff.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_URL = 2000
NAT64 = ipaddress.ip_network("64:ff9b::/96")
NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata, a public address
        # Special ranges that not every version of Python knows as such.
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b:1::/48",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
    )
)
_UNFIT = re.compile(r"[\s\x00-\x20\x7f\\]")


class Refused(UsageError):
    """A webhook may not go there."""

    code = "webhook_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a URL leads before its name is resolved."""

    scheme: str
    host: str
    port: int
    path: str


def networks(typed: Sequence[str]) -> tuple[Network, ...]:
    """The networks a setting names; raises :class:`UsageError`."""
    try:
        return tuple(ipaddress.ip_network(each) for each in typed)
    except ValueError as error:
        raise UsageError(
            f"SIGNOFF_WEBHOOK_NETWORKS: {error}.",
            hint='Write a JSON array of networks, such as ["127.0.0.0/8"].',
        ) from None


def parse_target(url: str) -> Target:
    """What a webhook's URL names; raises :class:`Refused` where it is none that may be used."""
    if len(url) > MOST_URL or _UNFIT.search(url):
        raise _unfit(url, "it is too long, or holds spaces or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _ascii(parts.hostname or "")
    except ValueError as error:
        raise _unfit(url, str(error)) from None
    _check_form(url, parts, host)
    standard = 443 if parts.scheme == "https" else 80
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        scheme=parts.scheme, host=host, port=standard if port is None else port, path=path
    )


def _check_form(url: str, parts: SplitResult, host: str) -> None:
    if parts.scheme not in ("https", "http"):
        raise _unfit(url, "it begins with neither https:// nor http://")
    if not host:
        raise _unfit(url, "it names no host")
    if "@" in parts.netloc:
        raise _unfit(url, "it holds a name or a password")
    if parts.fragment:
        raise _unfit(url, "it ends in a fragment (#…)")


def _ascii(host: str) -> str:
    return host if ":" in host else host.encode("idna").decode("ascii")


def _unfit(url: str, why: str) -> Refused:
    return Refused(f"{url[:80]!r} cannot be a webhook: {why}.", hint="Write https://HOST/PATH.")


def check(target: Target, found: Sequence[str], allowed: Sequence[Network]) -> str:
    """The address to connect to, of those a name resolved to.

    Raises :class:`Refused` where any of them is not public and in no allowed network, and for
    http:// to anything but this computer.
    """
    addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
    if not addresses:
        raise Refused(f"{target.host[:80]!r} has no address.", hint="Check the URL.")
    for address in addresses:
        named = any(address in network for network in allowed)
        if not named and not is_public(address):
            raise Refused(
                f"{target.host[:80]!r} is no public address.",
                hint="Whoever runs the server can allow its network: SIGNOFF_WEBHOOK_NETWORKS.",
            )
        if target.scheme == "http" and not (named and address.is_loopback):
            raise Refused("Webhooks go over https.", hint="Write https://HOST/PATH.")
    return str(addresses[0])


def is_public(address: Address) -> bool:
    """Whether an address, and every address hidden in it, belongs to the public internet.

    >>> is_public(ipaddress.ip_address("8.8.8.8"))
    True
    >>> is_public(ipaddress.ip_address("::ffff:169.254.169.254"))
    False
    """
    if address.is_multicast or not address.is_global:
        return False
    if any(address in network for network in NEVER):
        return False
    return all(is_public(inner) for inner in _inside(address))


def _inside(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    inner += address.teredo or ()
    if address in NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in inner if each is not None]
