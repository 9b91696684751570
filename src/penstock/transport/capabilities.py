"""What each engine can do: one table, from which errors and the documentation's table are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from penstock.errors import InvalidOption
from penstock.options import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable

ENGINES: Final = ("pool", "httpx", "httpx2", "aiohttp")

YES, NO, ASYNC = "yes", "no", "async clients only"
SOCKSIO = "yes, with `socksio`"


class Ability(NamedTuple):
    """One thing that an engine can or cannot do.

    Attributes:
        what: What it is, as the documentation's table and an error name it.
        pool: Whether Penstock's own pool can.
        httpx: Whether `httpx.HTTPTransport` and `httpx.AsyncHTTPTransport` can.
        httpx2: Whether `httpx2.HTTPTransport` and `httpx2.AsyncHTTPTransport` can.
        aiohttp: Whether aiohttp can.
        cure: What to change where it is asked for and the engine cannot.
    """

    what: str
    pool: str
    httpx: str
    httpx2: str
    aiohttp: str
    cure: str = ""

    def by(self, engine: str, *, is_async: bool) -> bool:
        """Tell whether *engine* can, in a client of this colour."""
        can: str = getattr(self, engine)
        return can != NO and (can != ASYNC or is_async)


TABLE: Final[dict[str, Ability]] = {
    "sync": Ability("`Client`", YES, YES, YES, NO, "use AsyncClient"),
    "asyncio": Ability("`AsyncClient` on asyncio", YES, YES, YES, YES),
    "trio": Ability("`AsyncClient` on trio", YES, YES, YES, NO, "run on asyncio"),
    "deadline": Ability(
        "`deadline`, also while a server drips its head",
        YES,
        ASYNC,
        ASYNC,
        YES,
        "leave the client's deadline out, use AsyncClient",
    ),
    "max_header_bytes": Ability(
        "`max_header_bytes`", YES, NO, NO, NO, "leave max_header_bytes out"
    ),
    "write": Ability("a `write` timeout", YES, YES, YES, NO),
    "http2": Ability("`http2`", YES, YES, YES, NO, "leave http2 out"),
    "uds": Ability("`uds`", YES, YES, YES, "yes, without TLS"),
    "http proxy": Ability("`proxy` by http", YES, YES, YES, YES),
    "https proxy": Ability("`proxy` by https", YES, YES, YES, NO, "reach the proxy by http"),
    "socks": Ability("`proxy` by SOCKS", YES, SOCKSIO, SOCKSIO, NO, "use an http proxy"),
    "per origin": Ability(
        "`max_connections_per_origin`", YES, NO, NO, YES, "leave that limit None"
    ),
    "idle limit": Ability(
        "`max_keepalive_connections`", YES, YES, YES, NO, "leave that limit None"
    ),
    "cancellation": Ability("a task cancelled by asyncio itself costs no slot", YES, NO, YES, YES),
    "clean": Ability("a connection with bytes left over is closed", YES, NO, NO, YES),
    "stale": Ability("a request that met a stale connection is sent again", YES, NO, NO, NO),
    "waited": Ability("`waited` of `SendEnded`", YES, NO, NO, YES),
    "status": Ability("`pool_status()`", YES, NO, NO, NO),
    "flat": Ability("a request costs the same beside many connections", YES, NO, NO, YES),
}
"""The abilities, by the name that code uses for them."""


def check_engine(engine: object) -> None:
    """Refuse what is not an engine's name.

    Raises:
        InvalidOption: As said; the message names those there are.
    """
    if engine not in ENGINES:
        given = repr(engine) if isinstance(engine, str) else type(engine).__name__
        names = ", ".join(map(repr, ENGINES))
        msg = f"engine must be one of {names}, not {given}"
        raise InvalidOption(msg)


def check_asked(engine: str, asked: Iterable[str], *, is_async: bool) -> None:
    """Refuse what *engine* cannot do.

    Args:
        engine: An engine's name.
        asked: The names of the abilities that are asked for.
        is_async: Whether it is an async client that asks.

    Raises:
        InvalidOption: As said; the message says what to change.
    """
    for name in asked:
        ability = TABLE[name]
        if not ability.by(engine, is_async=is_async):
            both = (ability, TABLE["asyncio" if is_async else "sync"])
            able = [
                name for name in ENGINES if all(one.by(name, is_async=is_async) for one in both)
            ]
            instead = f"use engine={' or '.join(map(repr, able))}"
            what = ability.what.replace("`", "")
            cures = [ability.cure, instead] if ability.cure else [instead]
            msg = f"engine={engine!r} lacks {what}: {', or '.join(cures)}"
            raise InvalidOption(msg)


def check_deadline(engine: str | None, deadline: object, *, is_async: bool) -> None:
    """Refuse a client's *deadline* that *engine* would not hold while a head drips in.

    Args:
        engine: The engine's name, or None for a transport that the client was given.
        deadline: Seconds for a whole call, or None or UNSET for none.
        is_async: Whether it is an async client's.

    Raises:
        InvalidOption: As said.
    """
    if engine is not None and deadline is not UNSET and deadline is not None:
        check_asked(engine, ["deadline"], is_async=is_async)


def markdown() -> str:
    """Return the table as the documentation has it."""
    head = ["", *(f"`{engine}`" for engine in ENGINES)]
    rows = [[row.what, *(getattr(row, engine) for engine in ENGINES)] for row in TABLE.values()]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("|  |", "| |")
