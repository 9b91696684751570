"""`RequestOptions`: what one call overrides, and what that is in Penstock's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from penstock import REMOVE, HeaderValue, InvalidOption, apply_headers
from penstock import RequestOptions as CallOptions
from penstock.clients.babyapi.errors import BabyAPIError


@dataclass
class RequestOptions:
    """What one call overrides; None leaves the client's value. They are checked by the call.

    Args:
        api_key: The key of this call.
        timeout_s: Seconds for one attempt; of a stream, for its head and then between two reads.
        max_retries: How many repeats may follow the first attempt. A stream is never repeated.
        headers: Headers of this call, over the client's.
    """

    api_key: str | None = field(default=None, repr=False)
    timeout_s: float | None = None
    max_retries: int | None = None
    headers: Mapping[str, Any] | None = field(default=None, repr=False)


NAMES = tuple(option.name for option in fields(RequestOptions))

Options = RequestOptions | Mapping[str, Any] | None
"""What `request_options=` takes: an object, or a dict of its fields."""


def overrides_of(given: RequestOptions | Mapping[str, Any]) -> dict[str, Any]:
    """Return *given* as keywords of `penstock.RequestOptions`.

    Args:
        given: The caller's options.

    Raises:
        BabyAPIError: `INVALID_TIMEOUT`, `INVALID_MAX_RETRIES` or `INVALID_REQUEST_OPTIONS`. The
            message shows no key.
    """
    options = _as_object(given)
    over: dict[str, Any] = {}
    if options.timeout_s is not None:
        over["timeout"] = _timeout(options.timeout_s)
    if options.max_retries is not None:
        over["max_retries"] = _max_retries(options.max_retries)
    if options.headers is not None:
        over["headers"] = header_texts(options.headers, code="INVALID_REQUEST_OPTIONS")
    if options.api_key:
        over["api_key"] = _key(options.api_key)
    return over


def header_texts(headers: Any, *, code: str = "INVALID_HEADERS") -> dict[str, HeaderValue]:
    """Return headers as they are sent: values as text, those of None left out.

    `Authorization` is left out too: it is the key's.

    Args:
        headers: A mapping; `REMOVE` drops a header of the client's, and a function is asked for the
            value of each attempt.
        code: The code of the error.

    Raises:
        BabyAPIError: It is no mapping, or has something no header may carry.
    """
    if not isinstance(headers, Mapping):
        raise BabyAPIError(f"headers must be a mapping, not {type(headers).__name__}", code=code)
    texts: dict[str, Any] = {
        str(name): value if value is REMOVE or callable(value) else str(value)
        for name, value in headers.items()
        if value is not None and str(name).lower() != "authorization"
    }
    try:
        apply_headers({}, {name: value for name, value in texts.items() if not callable(value)})
    except InvalidOption as error:
        problem = error.message
    else:
        return texts
    raise BabyAPIError(problem, code=code)


def _as_object(given: RequestOptions | Mapping[str, Any]) -> RequestOptions:
    if isinstance(given, RequestOptions):
        return given
    if not isinstance(given, Mapping):
        raise wrong_options(f"request_options must be RequestOptions or a dict, not {_kind(given)}")
    unknown = [str(name) for name in given if name not in NAMES]
    if unknown:
        raise wrong_options(f"there is no option {unknown[0]!r}, only {', '.join(NAMES)}")
    return RequestOptions(**given)


def _timeout(seconds: Any) -> float:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds < math.inf:
        msg = "timeout_s must be a number of seconds > 0"
        raise BabyAPIError(msg, code="INVALID_TIMEOUT")
    return float(seconds)


def _max_retries(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        msg = "max_retries must be an integer >= 0"
        raise BabyAPIError(msg, code="INVALID_MAX_RETRIES")
    return count


def _key(key: Any) -> Any:
    try:
        return CallOptions(api_key=key).api_key
    except InvalidOption as error:
        problem = error.message
    raise wrong_options(problem)


def wrong_options(message: str) -> BabyAPIError:
    """Return the error for options that cannot work."""
    return BabyAPIError(message, code="INVALID_REQUEST_OPTIONS")


def _kind(value: object) -> str:
    return type(value).__name__
