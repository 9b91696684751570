"""How many connections a client may have, and for how long it keeps those it does not use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from penstock.errors import InvalidOption

_LEAST = {
    "max_connections": 1,
    "max_connections_per_origin": 1,
    "max_keepalive_connections": 0,
    "keepalive_expiry": 0,
}


class AnyLimits(Protocol):
    """What `Limits`, `httpx.Limits` and `httpx2.Limits` hold."""

    @property
    def max_connections(self) -> int | None:
        """The most connections."""
        ...

    @property
    def max_keepalive_connections(self) -> int | None:
        """How many stay open idle."""
        ...

    @property
    def keepalive_expiry(self) -> float | None:
        """The seconds for which an idle one is kept."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many connections, for direct ones and for those through each proxy separately.

    An `httpx.Limits` does as well, without a limit for each origin. The defaults are httpx's.

    Args:
        max_connections: The most connections, or None for no limit.
        max_connections_per_origin: The most connections to one scheme, host and port, or None for
            no limit. Who waits for an origin that has as many holds up nobody else.
        max_keepalive_connections: How many stay open idle, or None for no limit.
        keepalive_expiry: The seconds for which an idle one is kept, or None for ever.

    Raises:
        InvalidOption: A number is too small.
    """

    max_connections: int | None = 100
    max_connections_per_origin: int | None = None
    max_keepalive_connections: int | None = 20
    keepalive_expiry: float | None = 5.0

    def __post_init__(self) -> None:
        check_limits(self)


def check_limits(limits: Any) -> None:
    """Refuse what is not limits, and a limit that is too small to work.

    Raises:
        InvalidOption: As said.
    """
    for name, least in _LEAST.items():
        if not hasattr(limits, name):
            if name == "max_connections_per_origin":
                continue
            kind = type(limits).__name__
            msg = f"limits must be a penstock.Limits or an httpx.Limits, not {kind}"
            raise InvalidOption(msg)
        value = getattr(limits, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and value >= least):
            msg = f"limits: {name} is at least {least}, or None for no limit, not {value!r}"
            raise InvalidOption(msg)


def complete(limits: Any) -> Limits:
    """Return *limits* of any library as `Limits`; the defaults for None.

    Raises:
        InvalidOption: As `check_limits`.
    """
    if limits is None:
        return Limits()
    if isinstance(limits, Limits):
        return limits
    check_limits(limits)
    return Limits(
        max_connections=limits.max_connections,
        max_connections_per_origin=getattr(limits, "max_connections_per_origin", None),
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
    )
