"""What a client gives to every one of its calls."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.alone import Alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.call import Key
    from penstock.redact import Secret
    from penstock.runtime import Runtime
    from penstock.transport.owned import OriginConnections

T = TypeVar("T")

_SECRETS_KEPT = 31


class Scope:
    """One client's surroundings; shared by the views `with_options` makes.

    Attributes:
        runtime: How to wait, in the client's colour.
        family: The library it sends with, `httpx` or `httpx2`.
        name: The client's `name=`, or None.
        user_agent: The client's `user_agent=`, or None.
        logger: The logger it was given, or None.
        tracer_provider: The OpenTelemetry tracer provider it was given, or None for the global one.
        meter_provider: The meter provider it was given, or None for the global one.
        connections: Tells how many connections are open to each origin, or None where the transport
            does not tell.
        secrets: Credentials in use, which no error or log of this client may show.
    """

    __slots__ = (
        "_lock",
        "_made",
        "connections",
        "family",
        "logger",
        "meter_provider",
        "name",
        "runtime",
        "secrets",
        "tracer_provider",
        "user_agent",
    )

    def __init__(
        self,
        runtime: Runtime,
        *,
        family: str = "httpx",
        name: str | None = None,
        user_agent: str | None = None,
        logger: Any = None,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        connections: Callable[[], list[OriginConnections]] | None = None,
    ) -> None:
        self.runtime = runtime
        self.family = family
        self.name = name
        self.user_agent = user_agent
        self.logger = logger
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self.connections = connections
        self.secrets: tuple[Secret, ...] = ()
        self._made: dict[int, tuple[weakref.ref[Key[Any]], Any]] = {}
        self._lock = Alone()

    def add_secret(self, secret: Secret) -> None:
        """Have *secret* taken out of whatever this client shows; the oldest of many go."""
        if secret not in self.secrets:
            self.secrets = (*self.secrets[-_SECRETS_KEPT:], secret)

    def once(self, key: Key[T], make: Callable[[Scope], T]) -> T:
        """Return what `make(self)` gave when *key* was first asked for, by whichever thread."""
        number = id(key)
        try:
            return self._made[number][1]  # type: ignore[no-any-return]  # a Key[T] maps to a T
        except KeyError:
            return self._lock.run(self._make_once, key, make)

    def _make_once(self, key: Key[T], make: Callable[[Scope], T]) -> T:
        made, number = self._made, id(key)
        if number not in made:
            # It goes with its key: a stack that one call brings has keys of its own.
            gone = weakref.ref(key, lambda _: made.pop(number, None))
            made[number] = gone, make(self)
        return made[number][1]  # type: ignore[no-any-return]  # as above
