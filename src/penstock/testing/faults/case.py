"""What a case is: a fault, the call that meets it, and what a client must make of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.testing.faults.peer import Peer

Step = Callable[["Peer"], None]
"""What a server does at one moment of a connection."""

OK: Any = {"ok": True}
"""What a well-behaved answer says."""

GROUPS: Mapping[str, str] = {
    "conn": "connecting, and being left",
    "ka": "keep-alive connections",
    "head": "status lines, headers, framing",
    "body": "bodies and content codings",
    "json": "what is in a body",
    "ra": "Retry-After",
    "rd": "redirects",
    "sse": "streams of events",
    "tls": "TLS",
    "px": "proxies",
}
"""The groups of cases, and what each is about."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The call that meets the fault, as far as it is not a plain GET of a JSON document.

    Attributes:
        method: The request's method.
        body: Its body, or None.
        headers: Its headers, beside the client's own.
        key: Its idempotency key, or None.
        read: What is made of the answer: `json`, `bytes`, `model` (an object whose `ok` is a
            boolean) or `events`.
        typed: Whether it presumes a client that knows what an answer should look like.
        warm: Whether the same client has just had a good answer of the same server.
        slow: Whether time is what runs out: the client is then given little of it.
        retries: How often the client may repeat the call.
        limits: Limits the client is given, where it knows them by name.
        environ: Variables of its environment; `{proxy}` and `{host}` are filled in.
    """

    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    read: str = "json"
    typed: bool = False
    warm: bool = False
    slow: bool = False
    retries: int = 2
    limits: Mapping[str, int] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Must:
    """What a client must make of a fault.

    Attributes:
        answer: What the call gives, or None where it raises.
        errors: The classes of Penstock's it may raise, each with its phase where that matters
            (`ConnectionFailed/protocol`). Where there is an answer too, either will do.
        sends: How many requests the server is sent for the call, at most two repeats among them;
            None where that is left open.
        reuse: Whether the connection carries the next request: True, it does; False, it must not;
            None, either.
        wait: The least and the most seconds a client waits between two attempts, or None.
    """

    answer: Any = None
    errors: tuple[str, ...] = ()
    sends: int | None = 1
    reuse: bool | None = None
    wait: tuple[float, float] | None = None

    def __str__(self) -> str:
        ways = [] if self.answer is None else [f"gives {_short(self.answer)}"]
        ways += [f"raises {' or '.join(self.errors)}"] if self.errors else []
        what = " or ".join(ways)
        sends = "" if self.sends is None else f"; {_requests(self.sends)}"
        waits = "" if self.wait is None else f"; waits {self.wait[0]:g} to {self.wait[1]:g} s"
        reuse = "" if self.reuse is None else f"; the connection is {_FATES[self.reuse]}"
        return f"{what}{sends}{waits}{reuse}"


_FATES = {True: "used again", False: "closed"}


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) < 60 else f"{text[:56]}…"  # noqa: PLR2004 - a line's worth


def _requests(count: int) -> str:
    return "one request" if count == 1 else f"{count or 'no'} requests"


def gives(
    answer: Any = OK,
    *,
    sends: int | None = 1,
    reuse: bool | None = None,
    wait: tuple[float, float] | None = None,
) -> Must:
    """Return that a call gives *answer*. The arguments are `Must`'s."""
    return Must(answer, (), sends, reuse, wait)


def raises(*errors: str, sends: int | None = 1, reuse: bool | None = None) -> Must:
    """Return that a call raises one of *errors*. The arguments are `Must`'s."""
    return Must(None, errors, sends, reuse)


def either(answer: Any, *errors: str, sends: int | None = None, reuse: bool | None = None) -> Must:
    """Return that a call gives *answer*, or raises one of *errors*. The arguments are `Must`'s."""
    return Must(answer, errors, sends, reuse)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault.

    Attributes:
        id: Its group and its name: `head-drip`.
        does: What the server does, in a sentence.
        must: What a client must make of it.
        serve: What the server does with a request.
        ask: The call.
        accept: What it does with a connection before any request, or None. Such a case has a port
            of its own.
        idle: What it does with a connection that has just carried a good answer, or None.
        tls: Which certificate it speaks TLS with (a name of `certificates`), or None.
        proxy: What the proxy between client and server does with a request, or None for no proxy.
        proxy_scheme: `http` or `socks5`.
        host: The host to call it by, instead of 127.0.0.1.
        listens: Whether its port is listened on; `full` for one whose queue is full.
        reads: Whether it reads the bodies of requests.
    """

    id: str
    does: str
    must: Must
    serve: Step
    ask: Ask = field(default_factory=Ask)
    accept: Step | None = None
    idle: Step | None = None
    tls: str | None = None
    proxy: Step | None = None
    proxy_scheme: str = "http"
    host: str | None = None
    listens: bool | str = True
    reads: bool = True

    @property
    def group(self) -> str:
        """The group it belongs to."""
        return self.id.partition("-")[0]

    @property
    def has_own_port(self) -> bool:
        """Whether a path cannot express it."""
        return self.accept is not None or self.tls is not None or self.listens is not True

    def __str__(self) -> str:
        return f"{self.id}: {self.does}; a client {self.must}"
