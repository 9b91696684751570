"""Auth: the credential, for its own origin and nobody else's."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from penstock import (
    UNSET,
    AuthRefreshed,
    Call,
    ConfigurationError,
    InvalidOption,
    Key,
    Keywords,
    Secret,
    apply_headers,
    copy_request,
    origin_of,
)
from penstock_middleware.replay import DRAINED_BYTES, Replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from penstock import Next, Request, Response

_UNAUTHORIZED = 401


class Auth(Keywords):
    """Put the credential on each send, on a copy: what stands above never sees it.

    The credential is the call's or the client's `api_key` or `auth`, else the one given here. It
    goes to the origin of the client's base URL, and to *auth_origins*; a request a redirect has led
    elsewhere goes without. A callable is asked for each attempt; when its key is refused (401) it
    is asked once more, by one call for all that were refused together, and the request is sent
    again.

    Args:
        key: A key, or a callable (async in an async client) that supplies it; or any `httpx.Auth`.
        refresh: Asked instead of *key* after a 401.
        header: The header to put it in.
        scheme: What stands before it (`Bearer`, RFC 6750 §2.1), or None for the bare key.
        auth_origins: URLs whose origins may have the credential, beside the base URL's.

    Raises:
        InvalidOption: The key has characters no header may carry; the message does not show it.
    """

    zone = "attempt"

    def __init__(
        self,
        key: Any = None,
        *,
        refresh: Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        header: str = "Authorization",
        scheme: str | None = "Bearer",
        auth_origins: Iterable[str] = (),
    ) -> None:
        if isinstance(key, str):
            key = Secret(key)  # first of all: a traceback with locals would show it
        apply_headers({}, {header: scheme or ""})  # refuses what no header can carry
        has_flow = callable(getattr(key, "auth_flow", None))
        if not (key is None or isinstance(key, Secret) or callable(key) or has_flow):
            raise InvalidOption("key must be text, a supplier of keys or an httpx.Auth")
        if refresh is not None and not callable(refresh):
            raise InvalidOption("refresh must be a supplier of keys")
        if isinstance(auth_origins, str):
            raise InvalidOption("auth_origins must be a list of URLs, not one")
        self._credential = key
        self._refresh = refresh
        self._header = header
        self._prefix = f"{scheme} " if scheme else ""
        self._origins = frozenset(_origin(url) for url in auth_origins)
        self._renewed = Key[_Renewed]("renewed credential")
        self.async_only = _is_async(key) or _is_async(refresh)

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        credential = self._of(call)
        if credential is None or self._is_overridden(call) or not self._may_have_it(request, call):
            return await call_next(request)
        if isinstance(credential, Secret) and self._refresh is None:
            response = await call_next(self._sign(request, credential))
        elif callable(getattr(credential, "auth_flow", None)):
            response = await _run_flow(credential, request, call_next, call)
        else:
            response = await self._supply(credential, request, call_next, call)
        # What leaves here is unsigned. Where a caller's HTTP client followed redirects, the last
        # request is its own.
        unsigned = copy_request(response.request) if response.history else request
        if response.history:
            unsigned.headers.pop(self._header, None)
        response.request = unsigned  # type: ignore[misc]  # both families have a setter
        return response

    def _of(self, call: Call) -> Any:
        """Return the credential of *call*; None when it is to have none."""
        if call.options.auth is not UNSET:
            return call.options.auth
        return self._credential if call.options.api_key is UNSET else call.options.api_key

    def _is_overridden(self, call: Call) -> bool:
        """Tell whether the client's or the call's own headers have, or remove, the credential's."""
        header = self._header.lower()
        for name in call.options.headers or ():
            if len(name) == len(header) and name.lower() == header:
                return True
        return False

    def _may_have_it(self, request: Request, call: Call) -> bool:
        if request.url is call.home:
            return True  # nearly every send
        if call.origin is None and not self._origins:
            raise ConfigurationError(
                "there is a key but no base_url, so it is nobody's: pass base_url=, "
                "or Auth(auth_origins=[…]) in the stack"
            )
        origin = origin_of(request.url)
        return origin == call.origin or origin in self._origins

    def _sign(self, request: Request, key: Secret) -> Request:
        signed = copy_request(request)
        signed.headers[self._header] = self._prefix + key.reveal()
        return signed

    async def _supply(self, ask: Any, request: Request, call_next: Next, call: Call) -> Response:
        renewed = call.once(self._renewed, lambda _: _Renewed())
        times = renewed.times
        key = await _ask(ask, call)
        replay = Replay.of(request)
        signed: Any = self._sign(request, key)
        signed.stream = replay.stream
        response = await call_next(signed)
        if response.status_code != _UNAUTHORIZED or not replay.can_resend():
            return response
        try:
            async with call.runtime.lock(renewed):
                if renewed.times == times or renewed.key is None or renewed.supplier != ask:
                    renewed.key = await _ask(self._refresh or ask, call)
                    renewed.supplier = ask
                    renewed.times += 1
                    call.record(AuthRefreshed(call.runtime.now()))
                fresh = renewed.key
        except BaseException:
            await call.runtime.close(response)
            raise
        if fresh == key or not replay.rewind():
            return response
        await call.runtime.take(response, DRAINED_BYTES)
        signed = self._sign(request, fresh)
        signed.stream = replay.stream
        return await call_next(signed)

    def __repr__(self) -> str:
        shown = [] if self._credential is None else ["***"]
        shown += [] if self._refresh is None else ["refresh=***"]
        shown += [] if self._header == "Authorization" else [f"header={self._header!r}"]
        shown += [] if self._prefix == "Bearer " else [f"scheme={self._prefix.strip() or None!r}"]
        shown += ["auth_origins=…"] if self._origins else []
        return f"Auth({', '.join(shown)})"


class _Renewed:
    """The last credential a 401 made a client ask for, whom it asked, and how often it had to."""

    def __init__(self) -> None:
        self.key: Secret | None = None
        self.supplier: Any = None  # calls may bring suppliers of their own: of other tenants, say
        self.times = 0


def _is_async(supplier: Any) -> bool:
    if supplier is None:
        return False
    calls: Any = type(supplier).__call__
    return inspect.iscoroutinefunction(supplier) or inspect.iscoroutinefunction(calls)


async def _ask(supply: Any, call: Call) -> Secret:
    """Return what *supply* gives; a key that does not change is its own supply."""
    if isinstance(supply, Secret):
        return supply
    answer = supply()
    if inspect.isawaitable(answer):
        if not call.runtime.is_async:
            if inspect.iscoroutine(answer):
                answer.close()
            raise InvalidOption(f"{supply!r} supplies its key asynchronously: use AsyncClient")
        answer = await answer
    key = answer if isinstance(answer, Secret) else Secret(answer)
    call.add_secret(key)
    return key


async def _run_flow(auth: Any, request: Request, call_next: Next, call: Call) -> Response:
    """Run an `httpx.Auth`: it yields requests and is sent their responses."""
    replay = Replay.of(request)
    start: Any = copy_request(request)
    start.stream = replay.stream
    flow = auth.async_auth_flow(start) if call.runtime.is_async else auth.sync_auth_flow(start)
    step, close = (flow.asend, flow.aclose) if call.runtime.is_async else (flow.send, flow.close)
    response: Response | None = None
    try:
        while True:
            try:
                following = step(response)
                if call.runtime.is_async:
                    following = await following
            except (StopIteration, StopAsyncIteration):
                if response is None:
                    raise InvalidOption(f"{type(auth).__name__} yielded no request") from None
                return response
            if response is not None:
                again = following.stream is replay.stream
                if again and not (replay.can_resend() and replay.rewind()):
                    return response
                await call.runtime.take(response, DRAINED_BYTES)
            sent = copy_request(following)  # what is done to it below is not the next one's
            sent.extensions = {**request.extensions, **following.extensions}
            response = await call_next(sent)
    except BaseException:
        if response is not None:
            await call.runtime.close(response)
        raise
    finally:
        closing = close()
        if call.runtime.is_async:
            await closing


def _origin(url: str) -> Any:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidOption(
            f"auth_origins must be URLs such as 'https://api.example.com', not {url!r}"
        )
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
