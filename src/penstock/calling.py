"""A call's way into the stack: what both clients share once they have their values."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack

from penstock.arguments import checked_headers
from penstock.bound import BoundStack
from penstock.building import Builder
from penstock.call import Call
from penstock.callers import line_of_caller
from penstock.errors import ClientClosed, InvalidOption
from penstock.options import UNSET, merge, merge_headers, options_of, parted
from penstock.redact import Secret
from penstock.stack import is_async
from penstock.transport.capabilities import check_deadline
from penstock.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from penstock.messages import Request, Response
    from penstock.options import Overrides, RequestOptions
    from penstock.runtime import Runtime
    from penstock.scope import Scope
    from penstock.stack import Stack
    from penstock.streaming.reader import Reader
    from penstock.transport.owned import PoolStatus
    from penstock.transport.wire import Wire
    from penstock.urls import URLs

_STACKS_KEPT = 32
"""How many stacks that calls brought stay bound, the newest of them."""


class Calling:
    """A client's values, its views, which have other options, and the calls made with them.

    Args:
        options: What its calls get where they override nothing.
        scope: What it gives to every one of them.
        wire: What they are sent with.
        urls: Where they may go to.
        stack: The middleware that they go through.

    Raises:
        InvalidOption: These do not go together.
    """

    def __init__(
        self, options: RequestOptions, scope: Scope, wire: Wire, urls: URLs, stack: Stack
    ) -> None:
        self._options = options
        self._scope = scope
        self._wire = wire
        self._urls = urls
        self._check_deadline()
        self._builder = self._make_builder()
        self._bound_stack = self._bind(stack)
        self._bound: OrderedDict[Any, BoundStack] = OrderedDict()
        self._check_key_colour()
        self._made_at = line_of_caller()
        self._parent: Calling | None = None
        self._closed = False
        _keep_secret(scope, options)

    @property
    def runtime(self) -> Runtime:
        """How this client waits: for code that is written once for both colours."""
        return self._scope.runtime

    @property
    def stack(self) -> Stack:
        """The middleware every call of this client goes through."""
        return self._bound_stack.stack

    @property
    def base_url(self) -> str | None:
        """What paths are relative to."""
        return self._urls.prefix

    def pool_status(self) -> PoolStatus | None:
        """Return how many connections are open now, or None where what it sends with does not tell.

        The client's own transport on `engine="pool"` does.
        """
        tell = getattr(self._wire.transport, "pool_status", None)
        return None if tell is None else tell()

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the one it is a view of, was closed."""
        return self._closed or (self._parent is not None and self._parent.is_closed)

    def with_options(self, **overrides: Unpack[Overrides]) -> Self:
        """Return a view of this client with other options.

        It shares the connections, and closing it leaves them open.

        Args:
            **overrides: Any field of `RequestOptions`.

        Raises:
            InvalidOption: A name is not an option, or a value cannot work.
        """
        over = options_of(None, overrides)
        view = copy.copy(self)
        if over is not None:
            view._options = merge(self._options, over)
            view._check_deadline()
            view._builder = view._make_builder()
            view._check_key_colour()
            if over.stack is not UNSET:
                view._bound_stack = self._bind(over.stack(self.stack))
                view._bound = OrderedDict()
            _keep_secret(view._scope, over)
        return view

    def __repr__(self) -> str:
        if not hasattr(self, "_closed"):
            return f"<{type(self).__name__} in the making>"  # in a traceback with locals
        parts = [repr(self._urls.prefix)] if self._urls.prefix else []
        parts += [f"name={self._scope.name!r}"] if self._scope.name else []
        parts += ["closed"] if self.is_closed else []
        return f"<{type(self).__name__} {' '.join(parts)}>".replace(" >", ">")

    def __del__(self) -> None:
        if getattr(self, "_closed", True) or self._parent is not None:
            return
        if self._wire.connections():
            msg = f"{self!r} was dropped open: use `with`, or close it (made at {self._made_at})"
            self._begin_close()
            self._drop_wire()
            warnings.warn(msg, ResourceWarning, stacklevel=1)

    def __copy__(self) -> Self:
        # A view: it shares everything, and closing or dropping it leaves the connections open.
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._parent = self
        view._closed = False
        return view

    def __deepcopy__(self, memo: object) -> Self:
        return copy.copy(self)  # of what holds a client

    def __reduce__(self) -> NoReturn:
        msg = "a client does not pickle: make one in the process that uses it"
        raise TypeError(msg)

    # The way of a call

    def _send(
        self, method: str, url: Any, given: Any, *, stream: bool = False
    ) -> Coroutine[Any, Any, Response]:
        own, body = parted(given)
        options = self._options if own is None else merge(self._options, own)
        request = self._builder.build(method, url, options, own, body)
        at_home = self._urls.origin is not None and options.allow_absolute is not True
        json = body.get("json")
        return self._run(request, options, own, at_home=at_home, stream=stream, json=json)

    def _send_built(self, request: Request, given: Any) -> Coroutine[Any, Any, Response]:
        own, body = parted(given)
        if body:
            msg = f"{', '.join(body)} cannot be given with a request that is built already"
            raise InvalidOption(msg)
        options = self._options if own is None else merge(self._options, own)
        prepared = self._builder.adopt(request, own)
        return self._run(prepared, options, own, at_home=False, stream=False)

    def _run(
        self,
        request: Any,
        options: RequestOptions,
        own: RequestOptions | None,
        *,
        at_home: bool,
        stream: bool,
        json: Any = None,
    ) -> Coroutine[Any, Any, Response]:
        if self.is_closed:
            msg = "the client was closed: make another, or keep it open as long as you call it"
            raise ClientClosed(msg)
        call = Call(options, self._scope, stream=stream)
        call.json = json
        call.origin = self._credential_origin(request, own)
        call.home = request.url if at_home else None
        bound = (
            self._bound_stack if own is None or own.stack is UNSET else self._bound_of(own.stack)
        )
        return bound.run(call, request)

    async def _open_events(self, method: str, url: Any, given: Any, reader: Reader) -> Response:
        headers = merge_headers(reader.headers, checked_headers(given.get("headers")))
        return await self._send(method, url, {**given, "headers": headers}, stream=True)

    def _credential_origin(self, request: Any, own: RequestOptions | None) -> Any:
        """Return where the credentials belong: to the base URL's origin, or a call's own."""
        if self._urls.origin is not None:
            return self._urls.origin
        brought = own is not None and (own.api_key or own.auth)
        return origin_of(request.url) if brought else None

    def _bound_of(self, change: Callable[[Stack], Stack]) -> BoundStack:
        """Return a call's own stack, bound; kept by the function that makes it."""
        bound = self._bound.get(change)
        if bound is None:
            bound = self._bound[change] = self._bind(change(self.stack))
            if len(self._bound) > _STACKS_KEPT:
                self._bound.popitem(last=False)
        return bound

    # Set-up

    def _make_builder(self) -> Builder:
        headers = self._options.headers or {}
        if self._options.idempotency_key:
            headers = {**headers, "Idempotency-Key": self._options.idempotency_key}
        return Builder(self._wire, self._urls, headers)

    def _bind(self, stack: Any) -> BoundStack:
        return BoundStack(stack, self._wire.terminal, is_async=self._wire.is_async)

    def _check_key_colour(self) -> None:
        if is_async(self._options.api_key) and not self._wire.is_async:
            msg = "api_key= is an async callable: pass a plain one, or use AsyncClient"
            raise InvalidOption(msg)

    def _check_deadline(self) -> None:
        wire = self._wire
        check_deadline(wire.engine, self._options.deadline, is_async=wire.is_async)

    def _begin_close(self) -> bool:
        """Note that the client is closed; tell whether its connections are its own to close now."""
        first = not self._closed and self._parent is None
        self._closed = True
        return first

    def _drop_wire(self) -> None:
        """Close what can be where nothing can be awaited."""


def _keep_secret(scope: Scope, options: RequestOptions) -> None:
    if isinstance(options.api_key, Secret):
        scope.add_secret(options.api_key)
