"""What one call may override: `RequestOptions`, the sentinels, and the one merge."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from penstock.errors import InvalidOption
from penstock.redact import Secret, is_sensitive_header

if TYPE_CHECKING:
    from penstock.stack import Stack


class _Unset(Enum):
    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


class _Remove(Enum):
    REMOVE = "REMOVE"

    def __repr__(self) -> str:
        return "REMOVE"


Unset = Literal[_Unset.UNSET]
Remove = Literal[_Remove.REMOVE]

UNSET: Final[Unset] = _Unset.UNSET
"""Not given: the value of the layer below holds. `None` is a value of its own."""

REMOVE: Final[Remove] = _Remove.REMOVE
"""As a header's or parameter's value: drop the inherited one."""

HeaderValue = str | Callable[[], str] | Remove
ParamValue = Any
KeyProvider = Callable[[], str] | Callable[[], Awaitable[str]]


class Overrides(TypedDict, total=False):
    """The fields of `RequestOptions` as keywords of a verb."""

    timeout: Any
    deadline: float | None
    max_retries: int
    retry: Any
    headers: Mapping[str, HeaderValue]
    params: Mapping[str, ParamValue]
    api_key: str | Secret | KeyProvider | None
    auth: Any
    idempotency_key: str | None
    operation: str | None
    attributes: Mapping[str, Any]
    log_fields: Mapping[str, Any]
    raise_for_status: bool
    allow_absolute: bool
    max_response_bytes: int | None
    stack: Callable[[Stack], Stack]


class CallArguments(Overrides, total=False):
    """The keywords of a verb: a body, `options=`, and each field of `RequestOptions`."""

    content: Any
    data: Any
    files: Any
    json: Any
    options: RequestOptions | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """What one call overrides. Where a field is `UNSET`, the client's value holds.

    Args:
        timeout: Seconds for one attempt (each phase, and the whole by wall clock), an
            `httpx.Timeout` for its phases alone, or None for no limit.
        deadline: Seconds for the whole call, waits included, or None.
        max_retries: How many repeats may follow the first attempt.
        retry: Any tenacity retry strategy: which outcomes are tried again.
        headers: Merged by name, without case, over the client's. A callable is asked anew for each
            attempt.
        params: Query parameters, merged by key over the client's.
        api_key: The key, or a callable that supplies it; None sends none.
        auth: An `httpx.Auth` of this call; None sends no credentials.
        idempotency_key: Sent bare as `Idempotency-Key`, the same on every attempt.
        operation: A low-cardinality name for spans and logs, such as `chat.completions.create`.
        attributes: Attributes for the call's span.
        log_fields: Fields for the call's log events.
        raise_for_status: Whether a final status of 400 or more raises.
        allow_absolute: Whether the URL may be absolute although the client has a `base_url`.
        max_response_bytes: The longest body, in bytes as they come off the wire, or None.
        stack: A function from the client's stack to this call's.

    Raises:
        InvalidOption: A value cannot work. The message names the field and shows no secret.
    """

    timeout: Any | Unset = UNSET
    deadline: float | Unset | None = UNSET
    max_retries: int | Unset = UNSET
    retry: Any | Unset = UNSET
    headers: Mapping[str, HeaderValue] | Unset = UNSET
    params: Mapping[str, ParamValue] | Unset = UNSET
    api_key: Secret | KeyProvider | str | Unset | None = UNSET
    auth: Any | Unset = UNSET
    idempotency_key: str | Unset | None = UNSET
    operation: str | Unset | None = UNSET
    attributes: Mapping[str, Any] | Unset = UNSET
    log_fields: Mapping[str, Any] | Unset = UNSET
    raise_for_status: bool | Unset = UNSET
    allow_absolute: bool | Unset = UNSET
    max_response_bytes: int | Unset | None = UNSET
    stack: Callable[[Stack], Stack] | Unset = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.api_key, str):
            object.__setattr__(self, "api_key", Secret(self.api_key))
        for name, check in _CHECKS:
            value = getattr(self, name)
            if value is not UNSET:
                check(name, value)

    def __repr__(self) -> str:
        given = {name: value for name in FIELDS if (value := getattr(self, name)) is not UNSET}
        if "headers" in given:
            given["headers"] = {
                n: "***" if is_sensitive_header(n) else v for n, v in given["headers"].items()
            }
        return f"RequestOptions({', '.join(f'{name}={value!r}' for name, value in given.items())})"


FIELDS: Final = tuple(field.name for field in fields(RequestOptions))
_values = attrgetter(*FIELDS)


def merge(base: RequestOptions, over: RequestOptions) -> RequestOptions:
    """Lay *over* on *base*: headers and params by key, everything else replaced where given."""
    merged = {
        name: low if high is UNSET else high
        for name, low, high in zip(FIELDS, _values(base), _values(over), strict=True)
    }
    if base.headers is not UNSET and over.headers is not UNSET:
        merged["headers"] = merge_headers(base.headers, over.headers)
    if base.params is not UNSET and over.params is not UNSET:
        merged["params"] = {**base.params, **over.params}
    # A credential replaces the other kind too.
    if over.api_key is not UNSET and over.auth is UNSET:
        merged["auth"] = UNSET
    elif over.auth is not UNSET and over.api_key is UNSET:
        merged["api_key"] = UNSET
    result = object.__new__(RequestOptions)
    for name, value in merged.items():
        object.__setattr__(result, name, value)
    return result


def merge_headers(
    base: Mapping[str, HeaderValue], over: Mapping[str, HeaderValue]
) -> dict[str, HeaderValue]:
    """Merge two header mappings by name without case; the later spelling and value win."""
    replaced = {name.lower() for name in over}
    return {**{name: value for name, value in base.items() if name.lower() not in replaced}, **over}


def options_of(
    given: RequestOptions | Mapping[str, Any] | None, keywords: Mapping[str, Any]
) -> RequestOptions | None:
    """Return what a call was given, as one object: keywords over `options=`.

    Args:
        given: The call's `options=`: an object, a dict, or None.
        keywords: Fields of `RequestOptions` given as keywords.

    Raises:
        InvalidOption: A name is not an option; the nearest one is named.
    """
    if isinstance(given, Mapping):
        given = _from_mapping(given)
    elif given is not None and not isinstance(given, RequestOptions):
        msg = f"options must be RequestOptions or a dict, not {type(given).__name__}"
        raise InvalidOption(msg)
    if not keywords:
        return given
    over = _from_mapping(keywords)
    return over if given is None else merge(given, over)


def _from_mapping(given: Mapping[str, Any]) -> RequestOptions:
    for name in given:
        if name not in FIELDS:
            msg = f"unknown option {name!r}{did_you_mean(name, FIELDS)}"
            raise InvalidOption(msg)
    return RequestOptions(**given)


def did_you_mean(name: object, known: tuple[str, ...]) -> str:
    """Return `: did you mean 'x'?` for the nearest of *known*, or an empty string."""
    near = get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f": did you mean {near[0]!r}?" if near else ""


def check_seconds(name: str, value: object) -> None:
    """Refuse a duration that is not a number of seconds ≥ 0 or None."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{name} must be a number of seconds or None, not {type(value).__name__}"
        raise InvalidOption(msg)
    if math.isnan(value) or value < 0 or math.isinf(value):
        msg = f"{name} must be a finite number of seconds >= 0, not {value}: None means no limit"
        raise InvalidOption(msg)


def _check_timeout(name: str, value: object) -> None:
    if not all(hasattr(value, phase) for phase in ("connect", "read", "write", "pool")):
        check_seconds(name, value)


def check_count(name: str, value: object) -> None:
    """Refuse a count that is not an integer ≥ 0."""
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name} must be an integer, not {value!r}"
        raise InvalidOption(msg)
    if value < 0:
        msg = f"{name} must be >= 0, not {value}: 0 means no repeats"
        raise InvalidOption(msg)


def _check_bytes(name: str, value: object) -> None:
    if value is not None:
        check_count(name, value)


def _check_mapping(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        msg = f"{name} must be a mapping, not {type(value).__name__}"
        raise InvalidOption(msg)


def _check_callable(name: str, value: object) -> None:
    if value is not None and not callable(value):
        msg = f"{name} must be callable, not {type(value).__name__}"
        raise InvalidOption(msg)


def _check_key(name: str, value: object) -> None:
    if value is not None and not isinstance(value, Secret) and not callable(value):
        msg = (
            f"{name} must be a string, a callable that supplies it, or None, not "
            f"{type(value).__name__}"
        )
        raise InvalidOption(msg)


_CHECKS: Final = (
    ("timeout", _check_timeout),
    ("deadline", check_seconds),
    ("max_retries", check_count),
    ("retry", _check_callable),
    ("headers", _check_mapping),
    ("params", _check_mapping),
    ("api_key", _check_key),
    ("max_response_bytes", _check_bytes),
    ("stack", _check_callable),
)
