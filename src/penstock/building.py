"""From what a call was given to a request: URL, headers, body."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

from penstock.call import copy_request
from penstock.codec import encode
from penstock.errors import InvalidOption
from penstock.headers import TOKEN, apply_headers
from penstock.options import REMOVE, UNSET
from penstock.urls import has_name, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.options import HeaderValue, RequestOptions
    from penstock.transport.family import Family
    from penstock.transport.wire import Wire
    from penstock.urls import URLs

_LINE_END = re.compile(r"[\r\n\0]")
_EXPECT_A_BODY = frozenset({"PATCH", "POST", "PUT"})  # RFC 9110 §8.6: without one they say so
_NO_TEXT = (Mapping, AbstractSet, bytes, bytearray, list, tuple)


class Builder:
    """Builds the requests of one client; its static headers are laid out once.

    A JSON body, or none, is put together here, where nearly every call goes; for everything else
    the family's own `Request` does it. Both ways give the same request.

    Args:
        wire: What they will be sent with: its family's requests are made, by the caller's client if
            there is one.
        urls: Which URLs the client may send to.
        headers: The client's own headers.
    """

    def __init__(self, wire: Wire, urls: URLs, headers: Mapping[str, HeaderValue]) -> None:
        self._http = http = wire.family.http
        self._client = wire.client
        self._stream_class = http.AsyncByteStream if wire.is_async else http.SyncByteStream
        self._urls = urls
        # A caller's client brings its own headers to what it builds.
        self._generic = http.Headers() if wire.client else default_headers(wire.family)
        host = [("Host", urls.host)] if urls.host and not wire.client else []
        self._own = http.Headers([*host, *self._generic.multi_items()])
        apply_headers(
            self._own, {name: value for name, value in headers.items() if not callable(value)}
        )
        self._asked = {name: value for name, value in headers.items() if callable(value)}
        self._can_assemble = bool(host)

    def build(
        self,
        method: str,
        url: Any,
        options: RequestOptions,
        own: RequestOptions | None,
        body: dict[str, Any],
    ) -> Any:
        """Return the request of a call.

        Args:
            method: Any HTTP method.
            url: A path below the base URL, or an absolute URL where that is allowed.
            options: The resolved options.
            own: What the call itself was given, or None.
            body: The family's keywords for a body: `content`, `data`, `files`, `json`.

        Raises:
            InvalidOption: Method, URL, a header or the body cannot be sent.
        """
        if not isinstance(method, str) or not TOKEN.fullmatch(method):
            msg = f"{method!r} is not an HTTP method"
            raise InvalidOption(msg)
        method = method.upper()
        target, at_home = self._urls.resolve(url, allow_absolute=options.allow_absolute is True)
        params = options.params if at_home else (own.params if own else UNSET)
        if params:
            target = _with_params(target, params)
        if self._can_assemble and at_home and (not body or body.keys() == {"json"}):
            return self._assemble(method, target, own, body)
        make = partial(self._by_client, options) if self._client else self._http.Request
        headers = self._http.Headers(self._own if at_home else self._generic)
        self._with_given(headers, own, at_home=at_home)
        try:
            _check_parts(body.get("files"))
            if isinstance(body.get("data"), Mapping) and not body.get("files"):
                _check_values("data", body["data"])
            if "content" in body:
                _declare_rest_of_file(headers, body["content"])
            request = make(method, target, headers=headers, **body)
        except (AttributeError, OSError, TypeError, ValueError, RecursionError) as error:
            # The text of a UnicodeError would quote the body.
            reason = type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        else:
            self._check_body(request)
            return request
        what = f"body cannot be sent ({', '.join(body)}=)" if body else "request cannot be made"
        msg = f"the {what}: {reason}"
        raise InvalidOption(msg)

    def adopt(self, request: Any, own: RequestOptions | None) -> Any:
        """Return a copy of a request the caller built, with the client's headers it does not have.

        Raises:
            InvalidOption: A header or the body cannot be sent.
        """
        if not isinstance(request, self._http.Request):
            msg = f"send() takes an {self._http.__name__}.Request, not {type(request).__name__}"
            raise InvalidOption(msg)
        self._check_body(request)
        if not has_name(request.url):
            msg = "the request's URL has no host, or one whose name cannot be read"
            raise InvalidOption(msg)
        is_chunked = "transfer-encoding" in request.headers
        if len(request.headers.get_list("content-length")) + is_chunked > 1:
            msg = "the request says in two ways how long its body is: which one is meant?"
            raise InvalidOption(msg)
        for name, value in request.headers.items():
            if _LINE_END.search(value):
                msg = f"the header {name} has a line end in its value"
                raise InvalidOption(msg)
        at_home = self._urls.origin in {None, origin_of(request.url)}
        base = self._http.Headers(self._own if at_home else self._generic)
        adopted = copy_request(request)
        for name, value in self._with_given(base, own, at_home=at_home).items():
            if name not in adopted.headers:
                adopted.headers[name] = value
        self._with_given(adopted.headers, own, at_home=False)
        if own is not None and own.params:
            adopted.url = _with_params(adopted.url, own.params)
        return adopted

    def _by_client(
        self, options: RequestOptions, method: str, target: Any, *, headers: Any, **body: Any
    ) -> Any:
        """Have the caller's client build the request, and take out again what is to be removed."""
        if self._client.params:
            # They would take the place of the URL's own.
            body["params"], target = target.params, target.copy_with(query=None)
        request = self._client.build_request(method, target, headers=headers, **body)
        for name, value in (options.headers or {}).items():
            if value is REMOVE:
                request.headers.pop(name, None)
        for name, value in (options.params or {}).items():
            if value is REMOVE:
                request.url = request.url.copy_remove_param(name)
        return request

    @cached_property
    def _blank(self) -> Any:
        """A request with the client's headers and no body, for others to be copies of."""
        stream = self._http.ByteStream(b"")
        blank = self._http.Request("GET", self._urls.prefix, headers=self._own, stream=stream)
        blank.headers.encoding = "ascii"  # as checked; else it is worked out at each first look-up
        return blank

    @cached_property
    def _blank_json(self) -> Any:
        """The same for a body of JSON."""
        blank = copy_request(self._blank)
        blank.headers.setdefault("Content-Type", "application/json")
        return blank

    def _assemble(
        self, method: str, target: Any, own: RequestOptions | None, body: dict[str, Any]
    ) -> Any:
        content = encode_json(body["json"]) if body else b""
        request = copy_request(self._blank_json if body else self._blank)
        request.method, request.url = method, target
        request.stream = self._http.ByteStream(content)
        request._content = content
        if body or method in _EXPECT_A_BODY:
            request.headers["Content-Length"] = str(len(content))
        if own is not None or self._asked:
            self._with_given(request.headers, own, at_home=True)
        return request

    def _check_body(self, request: Any) -> None:
        if not isinstance(request.stream, self._stream_class):
            kind = "an async" if self._stream_class is self._http.SyncByteStream else "a sync"
            msg = f"the body is {kind} iterable: this client is of the other colour"
            raise InvalidOption(msg)

    def _with_given(self, headers: Any, own: RequestOptions | None, *, at_home: bool) -> Any:
        """Put on *headers* what is asked for each call, and what the call was given."""
        if at_home:
            apply_headers(headers, self._asked)
        if own is not None:
            apply_headers(headers, own.headers or {})
            if own.idempotency_key is not UNSET:
                key = REMOVE if own.idempotency_key is None else own.idempotency_key
                apply_headers(headers, {"Idempotency-Key": key})
        return headers


def encode_json(value: Any) -> bytes:
    """Return *value* as compact JSON.

    Raises:
        InvalidOption: It has no JSON form.
    """
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"json= has no JSON form: {error}"
    raise InvalidOption(msg)


def _check_parts(files: Any) -> None:
    """Refuse a part of a form that cannot be read, or whose own headers would end a line.

    The families find out about the one while they send, and write the others out as they are.

    Raises:
        InvalidOption: As said.
    """
    pairs = files.items() if isinstance(files, Mapping) else files or ()
    for _, part in pairs:
        content = part[1] if isinstance(part, tuple) and len(part) > 1 else part
        if not isinstance(content, (str, bytes)) and not hasattr(content, "read"):
            kind = type(content).__name__
            msg = f"a part is a file opened in binary mode, bytes or a string, not {kind}"
            raise InvalidOption(msg)
        own = part[2:4] if isinstance(part, tuple) else ()  # its media type, and more headers
        if _LINE_END.search("".join(map(str, _texts(own)))):
            msg = "a part of files= has a line end in its headers"
            raise InvalidOption(msg)


def _texts(own: Any) -> Iterator[Any]:
    for given in own:
        if isinstance(given, Mapping):
            yield from (text for pair in given.items() for text in pair)
        else:
            yield given


def _declare_rest_of_file(headers: Any, content: Any) -> None:
    """Declare what is left of a file that stands somewhere: httpx would declare the whole of it."""
    if not hasattr(content, "seekable") or inspect.iscoroutinefunction(content.tell):
        return
    if content.seekable() and (place := content.tell()):
        end = content.seek(0, os.SEEK_END)
        content.seek(place)
        headers["Content-Length"] = str(end - place)


def _check_values(name: str, values: Mapping[str, Any]) -> None:
    """Refuse a value the families would send as Python writes it: `{'a': 1}`, `b'x'`.

    Raises:
        InvalidOption: As said.
    """
    for key, value in values.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, _NO_TEXT):
                kind = type(one).__name__
                msg = f"{name}[{key!r}] is a {kind}: write it as the text that is to be sent"
                raise InvalidOption(msg)


def _with_params(url: Any, params: Mapping[str, Any]) -> Any:
    _check_values("params", params)
    given = {key: value for key, value in params.items() if value is not REMOVE}
    try:
        return url.copy_merge_params(given)
    except (TypeError, ValueError) as error:
        reason = type(error).__name__  # its text would quote the values
    msg = f"params= cannot be put into a URL: {reason}"
    raise InvalidOption(msg)


@lru_cache
def default_headers(family: Family) -> Any:
    """Return the headers the family's own client always sends, but for its user agent."""
    headers = family.http.Client(transport=family.http.MockTransport(lambda _: None)).headers
    del headers["User-Agent"]
    return headers
