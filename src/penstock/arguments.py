"""What a client makes of its constructor's arguments and of its settings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penstock.callers import level_of_caller
from penstock.checks import check_bool, check_headers, check_text
from penstock.errors import InvalidOption
from penstock.headers import check_header
from penstock.options import UNSET, RequestOptions

if TYPE_CHECKING:
    from penstock.options import HeaderValue

DEFAULTS = RequestOptions(
    timeout=60.0,
    deadline=None,
    max_retries=2,
    headers={},
    raise_for_status=True,
    allow_absolute=False,
    max_response_bytes=None,
)
OVER_CLIENT = replace(DEFAULTS, timeout=UNSET)  # a caller's client keeps its own timeouts
_POOL_SETTINGS = ("engine", "proxy", "verify", "trust_env")


class InsecureWarning(UserWarning):
    """A client was told not to verify certificates."""


def warn_if_insecure(pool: Mapping[str, Any]) -> None:
    """Warn of options of the owned transport that switch verification off."""
    if pool.get("verify") is False:
        warnings.warn(
            "verify=False: this client accepts any certificate",
            InsecureWarning,
            stacklevel=level_of_caller(),
        )


def pool_options(settings: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    """Return what a client's own transport is made with.

    Args:
        settings: What settings give.
        **arguments: The client's own, which win; UNSET for those that were not given.

    Raises:
        InvalidOption: One that is a yes or no is neither.
    """
    given = {name: value for name, value in arguments.items() if value is not UNSET}
    for name in given.keys() & {"http2", "trust_env"}:
        check_bool(name, given[name])
    return {name: settings[name] for name in _POOL_SETTINGS if name in settings} | given


def check_kinds(**given: tuple[Any, str]) -> None:
    """Refuse an object that lacks what is asked of its kind."""
    for name, (value, attribute) in given.items():
        if isinstance(value, type):
            msg = f"{name} is the class {value.__name__}: pass an object of it"
            raise InvalidOption(msg)
        if value is not None and not hasattr(value, attribute):
            msg = f"{name} must have .{attribute}, which {type(value).__name__} has not"
            raise InvalidOption(msg)


def check_logger(logger: Any) -> None:
    """Refuse what is no logger: nothing would be logged."""
    # structlog's proxy is not asked for a method: it would be bound before structlog is set up.
    if logger is not None and not (hasattr(type(logger), "bind") or hasattr(logger, "info")):
        msg = f"logger must be a structlog or stdlib logger, not {type(logger).__name__}"
        raise InvalidOption(msg)


def options_of_settings(given: Mapping[str, Any]) -> RequestOptions:
    """Return what settings give of a call's options."""
    names = ("api_key", "timeout", "deadline", "headers")
    options = {name: given[name] for name in names if name in given}
    if "retry.max_retries" in given:
        options["max_retries"] = given["retry.max_retries"]
    if hasattr(options.get("api_key"), "get_secret_value"):
        options["api_key"] = options["api_key"].get_secret_value()
    return RequestOptions(**options)


def cookie_header(cookies: Mapping[str, str] | None) -> dict[str, str]:
    """Return the header that carries *cookies* (RFC 6265 §4.2)."""
    if not cookies:
        return {}
    if not isinstance(cookies, Mapping) or not all(
        isinstance(part, str) and ";" not in part for pair in cookies.items() for part in pair
    ):
        msg = "cookies must be a mapping from names to strings, without a semicolon"
        raise InvalidOption(msg)
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def checked_headers(headers: Mapping[str, HeaderValue] | None) -> Mapping[str, HeaderValue]:
    """Return the client's headers, which every one of its requests can carry."""
    if headers is None:
        return {}
    check_headers("headers", headers)
    return headers


def checked_text(name: str, value: str | None) -> str | None:
    """Return the client's *name* or *user_agent* if a log line and a header can carry it."""
    check_text(name, value)
    if value is not None:
        check_header(name, value)
    return value
