"""Patterns that mean some origins, such as `all://*.example.com:8080`: what a proxy rule is for."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""A host's name, as `plain_host` returns it."""

_TARGET = re.compile(r"(?P<star>\*?)(?P<host>\[[^\]]*\](/\d+)?|[^*:\[\]]*)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Some origins: those that match all that is given.

    Attributes:
        scheme: `http` or `https`, or empty for both.
        name: A host's name, or empty for every host.
        itself: Whether the name itself is meant.
        below: Whether the names below it are.
        network: The addresses meant instead of a name, or None.
        port: A port, or None for all.
    """

    scheme: str = ""
    name: str = ""
    itself: bool = True
    below: bool = False
    network: Network | None = None
    port: int | None = None

    def matches(self, scheme: str, host: str, port: int) -> bool:
        """Tell whether an origin is one of them. *host* is as `plain_host` returns it."""
        if self.scheme not in {"", scheme} or self.port not in {None, port}:
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        if not self.name:
            return True
        if self.itself and host == self.name:
            return True
        # Nothing is below an address: `0.0.1` does not mean 127.0.0.1.
        return self.below and host.endswith(f".{self.name}") and _address(host) is None

    @property
    def breadth(self) -> tuple[bool, int, bool]:
        """The sort key of httpx's mounts: with a port first, then long hosts, then a scheme."""
        return (self.port is None, -len(str(self.network or self.name)), not self.scheme)


def pattern_of(text: str) -> Pattern | None:
    """Return what `scheme://[*][.][host][:port]` means, as httpx reads it, or None for nothing."""
    scheme, _, rest = text.strip().lower().partition("://")
    bare = rest.rstrip("/").removeprefix("*")
    if bare.count(":") > 1 and not bare.startswith("["):
        rest = f"[{bare}]"
    match = _TARGET.fullmatch(rest.rstrip("/"))
    if match is None or scheme not in {"http", "https", "all"}:
        return None
    scheme = "" if scheme == "all" else scheme
    port = None if match["port"] is None else int(match["port"])
    host = match["host"]
    network = _network(host)
    if network is not None:
        return Pattern(scheme, network=network, port=port)
    name = plain_host(host.removeprefix("."))
    if host and not NAME.fullmatch(name):  # `*.` names nothing, and not everything
        return None
    dotted = host.startswith(".")
    return Pattern(scheme, name, not dotted, below=dotted or bool(match["star"]), port=port)


def _network(host: str) -> Network | None:
    try:
        network = ipaddress.ip_network(re.sub(r"[\[\]]", "", host), strict=False)
    except ValueError:
        return None
    address = _unmapped(network.network_address)
    if address.version == network.version:
        return network
    return ipaddress.ip_network((address, max(network.prefixlen - 96, 0)))


def _address(host: str) -> Address | None:
    try:
        return _unmapped(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        # `127.1` and its like are addresses too, for the resolver.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 one is (RFC 4291 §2.5.5.2)."""
    return getattr(address, "ipv4_mapped", None) or address


def plain_host(host: str) -> str:
    """Return a host in the one form in which hosts are compared."""
    host = host.lower().rstrip(".").removeprefix("[").removesuffix("]")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
