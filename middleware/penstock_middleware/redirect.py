"""Redirect: follow where the server points, and take nothing along that is not for there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import (
    Call,
    Keywords,
    Redirected,
    RedirectError,
    copy_request,
    origin_of,
    safe_url,
)
from penstock_middleware.checks import check_count
from penstock_middleware.replay import DRAINED_BYTES, Replay
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from penstock import Next, Request, Response

_STATUSES = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})
_CROSS_ORIGIN = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-type",
        "if-range",
        "range",
        "traceparent",
        "user-agent",
    }
)
"""What goes along to another origin; everything else may be a credential or say who asks."""

_BODY_HEADERS = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Type",
    "Expect",
    "Transfer-Encoding",
)
"""What goes with a body that is dropped (Fetch standard, HTTP-redirect fetch; RFC 9110 §10.1.1)."""

_SCHEMES = frozenset({"http", "https"})


class Redirect(Keywords):
    """Follow 301, 302, 303, 307 and 308 (RFC 9110 §15.4).

    303 becomes a GET, and so do 301 and 302 of a POST, as browsers do (Fetch standard,
    HTTP-redirect fetch). To another origin only an allow-list of headers goes along, and a body
    never does.

    Args:
        max_redirects: How many to follow in one attempt (20 as in httpx and the Fetch standard); 0
            returns the redirect itself.

    Raises:
        InvalidOption: *max_redirects* is not an integer ≥ 0.
    """

    zone = "attempt"

    def __init__(self, max_redirects: int = 20) -> None:
        check_count("max_redirects", max_redirects)
        self._max = max_redirects

    async def __call__(self, request: Any, call_next: Next) -> Response:
        followed = 0
        replay = Replay.of(request)
        request.stream = replay.stream
        while True:
            response = await call_next(request)
            if response.status_code not in _STATUSES or self._max == 0:
                return response
            headers: Any = response.headers
            locations = headers.get_list("location")
            if not locations:
                return response
            call = Call.of(request)
            try:
                if followed == self._max:
                    raise RedirectError(f"more than {self._max} redirects")
                if len(locations) > 1:
                    # RFC 9110 §10.2.2 knows of one, and each client takes another.
                    raise RedirectError(f"the redirect has {len(locations)} Locations")
                request = _next_request(request, response.status_code, locations[0], replay)
            finally:
                await call.runtime.take(response, DRAINED_BYTES)
            followed += 1
            call.record(Redirected(call.runtime.now(), response.status_code, safe_url(request.url)))

    def __repr__(self) -> str:
        return shown("Redirect", ("max_redirects", self._max, 20))


def _next_request(request: Request, status: int, location: str, replay: Replay) -> Request:
    """Return the request a redirect asks for.

    Raises:
        RedirectError: It must not be followed.
    """
    url = _target(request, location)
    crosses = origin_of(url) != origin_of(request.url)
    method = _method(request.method, status)
    fresh: Any = copy_request(request)
    fresh.url = url
    fresh.headers["Host"] = url.netloc.decode("ascii")
    if method != request.method:
        _drop_body(fresh)
        fresh.method = method
    elif _has_body(request):
        if crosses:
            raise RedirectError(
                f"{status} to another origin, {safe_url(url)}: a body is not sent there"
            )
        if not replay.can_resend() or not replay.rewind():
            raise RedirectError(f"{status} asks for the body once more: {replay.note}")
    if crosses:
        for name in list(fresh.headers):
            if name.lower() not in _CROSS_ORIGIN and name.lower() != "host":
                del fresh.headers[name]
    return fresh  # type: ignore[no-any-return]  # the same class as the request


def _target(request: Request, location: str) -> Any:
    try:
        url = request.url.join(location)
        if url.fragment == "" and request.url.fragment:
            url = url.copy_with(fragment=request.url.fragment)  # RFC 9110 §10.2.2
        host = url.host  # decoded when it is asked for: a name may not decode
    except Exception:  # noqa: BLE001 - InvalidURL, UnicodeError, ValueError: whatever a Location can break
        url = host = None
    if url is None or not host:
        raise RedirectError("the redirect's Location is not a URL")
    if url.scheme not in _SCHEMES:
        raise RedirectError(f"the redirect leads to another scheme, {url.scheme!r}")
    if url.scheme == "http" and request.url.scheme == "https":
        raise RedirectError(f"the redirect leads from https to http, {safe_url(url)}")
    if url.userinfo:
        raise RedirectError("the redirect's Location has credentials in it")
    return url


def _method(method: str, status: int) -> str:
    if status in _KEEPS_METHOD or method in {"GET", "HEAD"}:
        return method
    if status == 303 or method == "POST":  # noqa: PLR2004 - RFC 9110 §15.4.4
        return "GET"
    return method


def _drop_body(request: Any) -> None:
    for name in _BODY_HEADERS:
        request.headers.pop(name, None)
    empty = type(request)("GET", request.url)
    request.stream = empty.stream
    request.__dict__["_content"] = b""  # what `request.content` gives in both families


def _has_body(request: Request) -> bool:
    return (
        "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    )
