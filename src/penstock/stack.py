"""The stack: an ordered, immutable list of middleware, outermost first."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, overload

from penstock.call import Call
from penstock.checks import check_settings
from penstock.errors import ConfigurationError, InvalidOption
from penstock.messages import Request, Response

if TYPE_CHECKING:
    from penstock.settings import Settings

Next = Callable[[Request], Awaitable[Response]]
"""The rest of the stack: await it with a request, get the response."""


class Middleware(Protocol):
    """An async function from a request and the rest of the stack to a response.

    A class may also say, as plain attributes: `zone = "call"` or `"attempt"` (on which side of
    `Retry` it belongs), `divides = True` (it is the line between them: it sends a request several
    times), `async_only = True` (it needs an event loop).
    """

    async def __call__(self, request: Request, call_next: Next, /) -> Response:
        """Handle *request*, calling `await call_next(request)` for what is below."""
        ...


Anchor = type[Any] | Middleware


class Stack(Sequence[Middleware]):
    """An ordered, immutable list of middleware, outermost first; `repr()` prints it.

    Args:
        middleware: Outermost first.

    Raises:
        InvalidOption: Something in it is not a middleware.
        ConfigurationError: The order cannot work: two that divide, or one on the wrong side of the
            one that does.
    """

    __slots__ = ("_layers",)

    def __init__(self, middleware: Iterable[Middleware] = ()) -> None:
        self._layers = tuple(middleware)
        for layer in self._layers:
            _check_layer(layer)
        _check_order(self._layers)

    @classmethod
    def standard(cls, settings: Settings | None = None, *, redirects: bool = True) -> Stack:
        """Return the stack a client has unless told otherwise.

        Args:
            settings: Where retry, tracing and logging take their policy from; their defaults
                without it.
            redirects: Whether it follows redirects; over a caller's own HTTP client, that one does.

        Raises:
            InvalidOption: *settings* are none.
        """
        check_settings(settings)
        from penstock_middleware import standard  # the other wing knows its own list

        return cls(standard(settings, redirects=redirects))

    @classmethod
    def transport(cls, settings: Settings | None = None) -> Stack:
        """Return the stack of a transport beneath somebody else's client.

        It has what such a client cannot do, and leaves it what it does: errors for statuses,
        redirects, credentials, the user agent.

        Args:
            settings: As for `standard`.

        Raises:
            InvalidOption: *settings* are none.
        """
        check_settings(settings)
        from penstock_middleware import transport  # as above

        return cls(transport(settings))

    @classmethod
    def production(cls, settings: Settings | None = None, *, redirects: bool = True) -> Stack:
        """Return the standard stack with a retry budget and a circuit breaker for each origin.

        Args:
            settings: As for `standard`.
            redirects: As for `standard`.

        Raises:
            InvalidOption: *settings* are none.
        """
        check_settings(settings)
        from penstock_middleware import production

        return cls(production(settings, redirects=redirects))

    @classmethod
    def bare(cls) -> Stack:
        """Return an empty stack: the transport alone."""
        return cls()

    def before(self, anchor: Anchor, *new: Middleware) -> Stack:
        """Return a stack with *new* just outside *anchor*, a class or one of the layers.

        Raises:
            ConfigurationError: *anchor* is not in the stack, or the order cannot work; the message
                names what is there.
            InvalidOption: *anchor* is no anchor, or something new is no middleware.
        """
        at = self._find(anchor)
        return Stack((*self._layers[:at], *new, *self._layers[at:]))

    def after(self, anchor: Anchor, *new: Middleware) -> Stack:
        """Return a stack with *new* just inside *anchor*; it raises as `before` does."""
        at = self._find(anchor) + 1
        return Stack((*self._layers[:at], *new, *self._layers[at:]))

    def replace(self, anchor: Anchor, new: Middleware) -> Stack:
        """Return a stack with *new* in the place of *anchor*; it raises as `before` does."""
        at = self._find(anchor)
        return Stack((*self._layers[:at], new, *self._layers[at + 1 :]))

    def without(self, anchor: Anchor) -> Stack:
        """Return a stack without *anchor*; it raises as `before` does."""
        at = self._find(anchor)
        return Stack((*self._layers[:at], *self._layers[at + 1 :]))

    def append(self, *new: Middleware) -> Stack:
        """Return a stack with *new* innermost, next to the transport."""
        return Stack((*self._layers, *new))

    def bind(self, terminal: Next) -> Next:
        """Return the whole stack as one async function that ends in *terminal*."""
        handler = terminal
        for layer in reversed(self._layers):
            handler = _bind(layer, handler)
        return handler

    def _find(self, anchor: Anchor) -> int:
        for at, layer in enumerate(self._layers):
            if layer is anchor or anchor in type(layer).__mro__[:-1]:  # every layer is an object
                return at
        names = ", ".join(_name(layer) for layer in self._layers) or "nothing"
        if not callable(anchor):
            instead = f"write {anchor}, not {anchor!r}" if isinstance(anchor, str) else names
            msg = f"an anchor is a class or one of the stack's layers: {instead}"
            raise InvalidOption(msg)
        if not isinstance(anchor, type) and any(type(layer) is type(anchor) for layer in self):
            msg = (
                f"this {_name(anchor)} is not in the stack, another one is: pass the class "
                f"{_name(anchor)}, or that very instance"
            )
            raise ConfigurationError(msg)
        msg = f"{_name(anchor)} is not in the stack, which has: {names}"
        raise ConfigurationError(msg)

    @overload
    def __getitem__(self, index: int) -> Middleware: ...
    @overload
    def __getitem__(self, index: slice) -> Stack: ...
    def __getitem__(self, index: int | slice) -> Middleware | Stack:
        return Stack(self._layers[index]) if isinstance(index, slice) else self._layers[index]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Middleware]:
        return iter(self._layers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and self._layers == other._layers

    def __hash__(self) -> int:
        return hash(self._layers)

    def __repr__(self) -> str:
        lines = ["Stack(["]
        for layer in self._layers:
            if _divides(layer):
                lines.append("    # ── once a call above, once an attempt below ──")
            lines.append(f"    {layer!r},")
        return "\n".join([*lines, "])"])


def on_request(fn: Callable[[Request], None]) -> Middleware:
    """Return a middleware that calls `fn(request)` before the request goes on.

    Args:
        fn: A plain function; it may change the request's headers in place.

    Raises:
        InvalidOption: *fn* is async: write it as a middleware.
    """
    return _OnRequest(_plain(fn, "on_request"))


def on_response(fn: Callable[[Response], None]) -> Middleware:
    """Return a middleware that calls `fn(response)` when the response comes back.

    Args:
        fn: A plain function. In a plain call the body has been read; in a stream it has not.

    Raises:
        InvalidOption: *fn* is async: write it as a middleware.
    """
    return _OnResponse(_plain(fn, "on_response"))


class _OnRequest:
    def __init__(self, fn: Callable[[Request], None]) -> None:
        self._fn = fn

    async def __call__(self, request: Request, call_next: Next) -> Response:
        self._fn(request)
        return await call_next(request)

    def __repr__(self) -> str:
        return f"on_request({_name(self._fn)})"


class _OnResponse:
    def __init__(self, fn: Callable[[Response], None]) -> None:
        self._fn = fn

    async def __call__(self, request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        try:
            self._fn(response)
        except BaseException:
            await Call.of(request).runtime.close(response)
            raise
        return response

    def __repr__(self) -> str:
        return f"on_response({_name(self._fn)})"


def _bind(layer: Middleware, call_next: Next) -> Next:
    # An object's method, looked up once, is called a quarter cheaper than the object.
    call = layer.__call__ if inspect.isfunction(type(layer).__call__) else layer

    # A plain closure is three times cheaper than functools.partial and leaves no frame of its own
    # in a traceback.
    def handler(request: Request) -> Awaitable[Response]:
        return call(request, call_next)

    return handler


def _plain(fn: Any, helper: str) -> Any:
    if not callable(fn) or is_async(fn):
        msg = (
            f"{helper}() takes a plain function; write an async one as a middleware: "
            "async def mw(request, call_next)"
        )
        raise InvalidOption(msg)
    return fn


def is_async(fn: Any) -> bool:
    """Tell whether *fn*, a function or an object that is called like one, is async."""
    return _calls_async(type(fn)) or inspect.iscoroutinefunction(fn)  # type: ignore[arg-type]  # classes do hash


@lru_cache
def _calls_async(cls: type) -> bool:
    return inspect.iscoroutinefunction(cls.__call__)


def _check_layer(layer: Any) -> None:
    if isinstance(layer, type):
        msg = f"{layer.__name__} is a class: put an instance into the stack, {layer.__name__}()"
        raise InvalidOption(msg)
    if not callable(layer):
        msg = (
            f"{layer!r} is not a middleware: it must be an async callable "
            "(request, call_next) -> response"
        )
        raise InvalidOption(msg)
    if not is_async(layer):
        msg = (
            f"{_name(layer)} is not async: a middleware is `async def (request, call_next) -> "
            "response`; wrap a plain function in on_request() or on_response()"
        )
        raise InvalidOption(msg)


def _check_order(layers: Sequence[Middleware]) -> None:
    dividers = [layer for layer in layers if _divides(layer)]
    if len(dividers) > 1:
        first, second = (_name(layer) for layer in dividers[:2])
        msg = (
            f"{first} and {second} in one stack multiply each other's attempts: use "
            f".replace({first}, …)"
        )
        raise ConfigurationError(msg)
    if not dividers:
        return
    line = _name(dividers[0])
    above = True
    for layer in layers:
        zone = getattr(layer, "zone", None)
        if layer is dividers[0]:
            above = False
        elif zone == "attempt" and above:
            msg = (
                f"{_name(layer)} works on one attempt and stands outside {line}: "
                f"use .after({line}, …)"
            )
            raise ConfigurationError(msg)
        elif zone == "call" and not above:
            msg = (
                f"{_name(layer)} works on the whole call and stands inside {line}: use "
                f".before({line}, …)"
            )
            raise ConfigurationError(msg)


def _divides(layer: object) -> bool:
    return getattr(layer, "divides", False) is True


def _name(thing: object) -> str:
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else type(thing).__name__
