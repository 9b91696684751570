"""Operations: a resource's methods, written once and called in either colour."""

from __future__ import annotations

from functools import update_wrapper, wraps
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    NamedTuple,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)

from penstock.call import Call
from penstock.errors import ConfigurationError, InvalidOption
from penstock.stepping import run_now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from penstock.facts import AttemptRecord
    from penstock.sdk.colour import Async, Sync
    from penstock.sdk.resource import Resource
    from penstock.sdk.stream import AsyncItemStream, Items, ItemStream

P = ParamSpec("P")
T = TypeVar("T")
SyncT_co = TypeVar("SyncT_co", covariant=True)
AsyncT_co = TypeVar("AsyncT_co", covariant=True)


class RawResponse(NamedTuple, Generic[T]):
    """What `with_raw_response` gives for a result.

    Attributes:
        status_code: The status of the response the result was made from; of several, the last.
        headers: Its headers.
        attempts: What was tried for it, oldest first.
        parsed: The result.
    """

    status_code: int
    headers: Mapping[str, str]
    attempts: tuple[AttemptRecord, ...]
    parsed: T


class operation(Generic[P, T]):  # noqa: N801 - it is used as a decorator
    """Make an async method of a `Resource` callable in the client's colour.

    On a `Resource[Sync]` a call runs the coroutine to its end and returns the result; on a
    `Resource[Async]` it returns the coroutine, to be awaited.
    """

    def __init__(self, method: Callable[Concatenate[Any, P], Awaitable[T]]) -> None:
        raw = _with_response(method)
        # By whether the result comes with its response, then by colour.
        self._calls: Any = ((_stepped(method), method), (_stepped(raw), raw))
        update_wrapper(self, method)  # type: ignore[arg-type]  # a descriptor with a method's name and docstring

    @overload
    def __get__(self, resource: Resource[Sync], owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, resource: Resource[Async], owner: Any = None
    ) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, resource: None, owner: Any = None) -> operation[P, T]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self
        return self._calls[resource._raw][resource.is_async].__get__(resource)


class streamed(Generic[P, T]):  # noqa: N801 - as above
    """Tell type checkers that a method returns a stream of its resource's colour."""

    def __init__(self, method: Callable[Concatenate[Any, P], Items[T]]) -> None:
        self._method: Any = method
        update_wrapper(self, method)  # type: ignore[arg-type]  # as above

    @overload
    def __get__(
        self, resource: Resource[Sync], owner: Any = None
    ) -> Callable[P, ItemStream[T]]: ...
    @overload
    def __get__(
        self, resource: Resource[Async], owner: Any = None
    ) -> Callable[P, AsyncItemStream[T]]: ...
    @overload
    def __get__(self, resource: None, owner: Any = None) -> streamed[P, T]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        return self if resource is None else self._method.__get__(resource)


class _Overloaded(Protocol[SyncT_co, AsyncT_co]):
    @overload
    def __get__(self, resource: Resource[Sync], owner: Any = None) -> SyncT_co: ...
    @overload
    def __get__(self, resource: Resource[Async], owner: Any = None) -> AsyncT_co: ...
    @overload
    def __get__(self, resource: None, owner: Any = None) -> operation[Any, Any]: ...


def overloaded(
    sync: type[SyncT_co],  # noqa: ARG001 - for type checkers
    async_: type[AsyncT_co],  # noqa: ARG001 - as above
) -> Callable[[Callable[..., Awaitable[Any]]], _Overloaded[SyncT_co, AsyncT_co]]:
    """Make an async method an `operation` whose signatures are written out.

    For what `operation` cannot say: overloads.

    Args:
        sync: A class whose `__call__` has the signatures in a sync client; it is never made.
        async_: The same in an async client.
    """
    decorate: Any = operation
    return decorate  # type: ignore[no-any-return]  # what it makes is typed by `_Overloaded`


class _StreamingAs(Protocol[P, SyncT_co, AsyncT_co]):
    @overload
    def __get__(self, resource: Resource[Sync], owner: Any = None) -> Callable[P, SyncT_co]: ...
    @overload
    def __get__(self, resource: Resource[Async], owner: Any = None) -> Callable[P, AsyncT_co]: ...
    @overload
    def __get__(self, resource: None, owner: Any = None) -> streamed[Any, Any]: ...


def streaming_as(
    sync: type[SyncT_co],  # noqa: ARG001 - for type checkers
    async_: type[AsyncT_co],  # noqa: ARG001 - as above
) -> Callable[[Callable[Concatenate[Any, P], Any]], _StreamingAs[P, SyncT_co, AsyncT_co]]:
    """Do as `streamed` does for a method that returns a stream class of the API's own.

    Args:
        sync: The class in a sync client.
        async_: The class in an async client.
    """
    decorate: Any = streamed
    return decorate  # type: ignore[no-any-return]  # what it makes is typed by `_StreamingAs`


def _stepped(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(resource: Any, *args: Any, **keywords: Any) -> Any:
        steps = method(resource, *args, **keywords)
        if not hasattr(steps, "send"):
            msg = f"{method.__qualname__} is an operation, and not written as `async def … return`"
            raise InvalidOption(msg)
        return run_now(steps)

    return call


def _with_response(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def call(resource: Resource[Any], *args: Any, **keywords: Any) -> RawResponse[Any]:
        listening = resource._listening()
        result = await method(listening, *args, **keywords)
        if not listening._responses:
            msg = f"{method.__name__} sent no request: there is no response to look at"
            raise ConfigurationError(msg)
        response = listening._responses[-1]
        attempts = Call.of(response.request).attempts
        return RawResponse(response.status_code, response.headers, attempts, result)

    return call
