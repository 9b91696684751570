"""Signed URLs: storage that lets in whoever has the URL, and needs to know nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.options import REMOVE, UNSET, RequestOptions, options_of
from penstock.transport import httpx_family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.options import HeaderValue

_LIMITS = (
    "timeout",
    "deadline",
    "max_retries",
    "retry",
    "max_response_bytes",
    "max_decoded_bytes",
)
_TELEMETRY = ("operation", "attributes", "log_fields")
_KEPT = (*_LIMITS, *_TELEMETRY, "stack")


def signed_options(
    inherited: RequestOptions,
    given: RequestOptions | Mapping[str, Any] | None,
    headers: Mapping[str, HeaderValue],
    timeout: Any = UNSET,
) -> RequestOptions:
    """Return the options of a request to a signed URL.

    Nothing of the client's or the caller's goes there: no credential, cookie, header or parameter,
    although the URL may be at the API's own origin. Their limits hold; a timeout in seconds bounds
    each phase and not the whole, because a file may be of any length.

    Args:
        inherited: The client's options.
        given: The caller's `request_options`.
        headers: What the storage is to be told.
        timeout: Seconds for each phase, in place of the client's.
    """
    http = httpx_family().http
    own = options_of(given, {}) or RequestOptions()
    kept = {name: value for name in _KEPT if (value := getattr(own, name)) is not UNSET}
    timeout = kept.get("timeout", inherited.timeout if timeout is UNSET else timeout)
    if isinstance(timeout, (int, float)):
        kept["timeout"] = http.Timeout(timeout)
    return RequestOptions(
        **kept,
        headers={**dict.fromkeys(_names(inherited.headers), REMOVE), **headers},
        params=dict.fromkeys(inherited.params or (), REMOVE),
        auth=http.Auth(),  # adds nothing; None would leave a caller's client its own
        idempotency_key=None,
        allow_absolute=True,
        raise_for_status=True,  # a body that says why there is no file is not the file
    )


def _names(headers: Any) -> list[str]:
    """Return the headers that must not go along: the client's, and what a caller's client adds."""
    return [*(name.lower() for name in headers or ()), "authorization", "cookie"]
