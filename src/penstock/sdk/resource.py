"""A resource: a group of operations, and their way to the client that sends."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, get_origin

from penstock.detached import media_type_of
from penstock.errors import DecodeError, PenstockError
from penstock.options import FIELDS, UNSET, RequestOptions, merge, options_of
from penstock.pages import paginate
from penstock.parsing import json_of, parse
from penstock.sdk.colour import Colour
from penstock.sdk.failing import own_error
from penstock.sdk.model import is_model
from penstock.sdk.pages import AsyncItemPages, ItemPages
from penstock.sdk.signed import signed_options
from penstock.sdk.stream import AsyncItemStream, ItemStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.client import AsyncClient, Client
    from penstock.messages import Response
    from penstock.options import HeaderValue
    from penstock.pages import Page, PageRequest
    from penstock.runtime import Runtime
    from penstock.sdk.failing import Failures
    from penstock.sdk.pages import PagesOf
    from penstock.sdk.stream import Items
    from penstock.streaming.event import Event

T = TypeVar("T")
ResourceT = TypeVar("ResourceT", bound="Resource[Any]")


class Resource(Generic[Colour]):
    """A group of operations.

    `Resource[Sync]` and `Resource[Async]` differ in what their methods return.

    Args:
        client: The Penstock client they are sent with.
        failures: From an error of Penstock's to the API's own, for what `RaiseForStatus` does not
            see: an error while a stream is read, a body that is not what it should be, anything
            at all in a stack of the user's own.

    Attributes:
        is_async: Whether its operations are awaited.
    """

    def __init__(self, client: Client | AsyncClient, failures: Failures | None = None) -> None:
        self._client: Any = client
        self.is_async = client.runtime.is_async
        self._failures = failures
        self._views: dict[str | None, Any] = {None: client}
        self._raw = False
        self._responses: list[Response] = []

    def _sub(self, kind: type[ResourceT], **attributes: Any) -> ResourceT:
        """Return the resource *kind* below this one.

        Args:
            kind: Its class.
            **attributes: Set on it, beside everything this resource has.
        """
        made: Any = kind if isinstance(kind, type) else get_origin(kind)
        resource: Any = object.__new__(made)
        resource.__dict__.update(self.__dict__, **attributes)
        return resource  # type: ignore[no-any-return]  # one of `kind`, whose origin it was made of

    @property
    def runtime(self) -> Runtime:
        """How to wait, in the client's colour."""
        runtime: Runtime = self._client.runtime
        return runtime

    @property
    def with_raw_response(self) -> Any:
        """The same operations, each giving a `RawResponse` around its result.

        No type says so: it is `Any`. A stream has its `response` and `attempts` itself.
        """
        raw = copy.copy(self)
        raw._raw = True
        return raw

    async def _request(self, method: str, path: str, **call: Any) -> Response:
        """Send a request.

        Args:
            method: Any HTTP method.
            path: A path below the base URL.
            **call: What `Client.request` takes, and `request_options`: the caller's own, which win
                over what the operation says.
        """
        view = self._view(call)
        try:
            response: Response = await view._send(method, path, call)  # the same in either colour
        except PenstockError as error:
            raise own_error(error, self._failures)  # noqa: B904 - it sets the cause
        if self._raw:
            self._responses.append(response)
        return response

    async def _json(self, method: str, path: str, **call: Any) -> Any:
        """Send a request and return the parsed body of its response; see `_request`.

        Raises:
            DecodeError: The body is not JSON (or what `failures` makes of it).
        """
        return self._parsed(await self._request(method, path, **call))

    async def _fetch(self, kind: type[T], method: str, path: str, **call: Any) -> T:
        """Send a request and return what comes back as a *kind*; see `_request`.

        Args:
            kind: A `Model`, which takes any JSON object as it is; or what `penstock.parse` takes,
                such as a pydantic model or a list of them, which is validated.
            method: Any HTTP method.
            path: A path below the base URL.
            **call: As `_request` takes it.

        Raises:
            DecodeError: The body is no JSON object, or does not fit (or what `failures` makes of
                it).
        """
        return self._object(kind, await self._request(method, path, **call))

    async def _signed(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, HeaderValue] | None = None,
        request_options: RequestOptions | Mapping[str, Any] | None = None,
        timeout: Any = UNSET,
        **call: Any,
    ) -> Response:
        """Send a request to a signed URL, which is its own permission.

        Neither credentials nor anything else of the client's or the caller's goes there, and a
        timeout bounds each phase and not the whole: see `signed_options`.

        Args:
            method: Any HTTP method.
            url: The signed URL.
            headers: What the storage is to be told.
            request_options: The caller's; of these, limits and telemetry hold.
            timeout: Seconds for each phase, in place of the client's; the caller's own wins.
            **call: A body, and `operation`.
        """
        options = signed_options(self._client._options, request_options, headers or {}, timeout)
        return await self._request(method, url, request_options=options, **call)

    def _parsed(self, response: Response) -> Any:
        """Return the parsed body of *response*; raise as `_json` does."""
        try:
            return json_of(response)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", type(error).__name__)  # its text would quote the body
        said = f"the body is not JSON ({media_type_of(response.headers)}): {reason}"
        raise self._unfit(response, said)

    def _object(self, kind: type[T], response: Response) -> T:
        """Return what *response* has as a *kind*; raise as `_fetch` does."""
        make: Any = kind
        if not is_model(kind):
            try:
                return parse(response, kind)
            except DecodeError as error:
                raise own_error(error, self._failures)  # noqa: B904 - it sets the cause
        parsed = self._parsed(response)
        if not isinstance(parsed, dict):
            said = f"the body is a JSON {type(parsed).__name__}, not an object"
            raise self._unfit(response, said)
        return make(parsed)  # type: ignore[no-any-return]  # a `kind`

    def _unfit(self, response: Response, said: str) -> Exception:
        """Return the error for a body that is not what it should be: a `DecodeError`, or its own.

        Args:
            response: The response.
            said: What is wrong with it, without a word of it.
        """
        return self._failed(DecodeError(said), response)

    def _failed(self, error: PenstockError, response: Response) -> Exception:
        """Return the error to raise for *error*, which knows the call *response* is about.

        Args:
            error: What went wrong: one of Penstock's, or the API's own.
            response: The response that says so.
        """
        return own_error(error, self._failures, response)

    def _events(self, method: str, path: str, **call: Any) -> Any:
        """Return the stream of events of a request, in the client's colour.

        Args:
            method: Any HTTP method.
            path: A path below the base URL.
            **call: What `Client.stream_events` takes, and `request_options` as in `_request`.
        """
        return self._view(call).stream_events(method, path, **call)

    def _stream(
        self, method: str, path: str, convert: Callable[[Event], T | None], **call: Any
    ) -> Items[T]:
        """Return a stream of what *convert* makes of the events; None is skipped."""
        events = self._events(method, path, **call)
        kind = AsyncItemStream if self.is_async else ItemStream
        return kind(events, convert, self._failures)

    def _pages(
        self,
        kind: type[T],
        path: str,
        *,
        by: Callable[[Page[Any]], PageRequest | None],
        items: str,
        **call: Any,
    ) -> PagesOf[T]:
        """Return the items of a list that comes in pages.

        Args:
            kind: The class of the items, as in `_fetch`.
            path: A path below the base URL.
            by: The rule that finds the next page.
            items: Where a body has its items.
            **call: What `penstock.paginate` takes, and `request_options` as in `_request`.
        """
        view = self._view(call)
        source: Any = paginate(view, path, by=by, items=items, **call)
        pages = AsyncItemPages if self.is_async else ItemPages
        return pages(source, kind, self._failures)

    async def _open(self, stream: Any) -> Any:
        """Send the request of *stream* now, and return it: for an operation that gives a stream."""
        if self.is_async:
            await stream.__aenter__()
        else:
            stream.__enter__()
        if self._raw:
            self._responses.append(stream.response)
        return stream

    def _view(self, call: dict[str, Any]) -> Any:
        """Return a view of the client that sends *call*, and take out of it what the view knows.

        The view has the operation's name, so that nearly every call has no options of its own: it
        is made and checked once.
        """
        operation = call.pop("operation", None)
        view = self._views.get(operation)
        if view is None:
            view = self._views[operation] = self._client.with_options(operation=operation)
        if "request_options" not in call:
            return view
        given = options_of(call.pop("request_options"), {})
        if given is not None:  # over what the operation says
            own = RequestOptions(**{name: call.pop(name) for name in FIELDS if name in call})
            call["options"] = merge(own, given)
        return view

    def _listening(self) -> Self:
        """Return a copy that keeps the responses its requests bring."""
        listening = copy.copy(self)
        listening._responses = []
        return listening

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"
