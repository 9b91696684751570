"""What one call may override: `RequestOptions`, the sentinels, and the one merge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict

from penstock.checks import CHECKS
from penstock.errors import InvalidOption
from penstock.messages import PhaseTimeouts
from penstock.redact import SHOWN_QUERY_KEYS, Secret, hide_key, is_sensitive_header, key_problem

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
TimeoutValue = float | PhaseTimeouts | None
KeyProvider = Callable[[], str] | Callable[[], Awaitable[str]]


class Overrides(TypedDict, total=False):
    """The fields of `RequestOptions` as keywords of a verb."""

    timeout: TimeoutValue
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
    max_decoded_bytes: int | None
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
        max_decoded_bytes: The longest body, in bytes after its content coding is undone, or None.
            Unless given, 256 MiB of a body that is read whole, and no limit where a stream is read
            piece by piece.
        stack: A function from the client's stack to this call's.

    Raises:
        InvalidOption: A value cannot work. The message names the field and shows no secret.
    """

    timeout: TimeoutValue | Unset = UNSET
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
    max_decoded_bytes: int | Unset | None = UNSET
    stack: Callable[[Stack], Stack] | Unset = UNSET

    def __new__(cls, **given: Any) -> Self:
        """Refuse what is no option, and a key no header can carry, while no field holds it yet."""
        if not given.keys() <= _KNOWN:
            raise _unknown(given, FIELDS)
        key = given.get("api_key")
        problem = key_problem(key) if isinstance(key, str) else None
        if problem is not None:
            del key
            given.clear()  # a traceback with locals would show it
            raise InvalidOption(problem)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        if isinstance(self.api_key, str):
            object.__setattr__(self, "api_key", Secret(self.api_key))
        for name, check in CHECKS:
            value = getattr(self, name)
            if value is not UNSET:
                check(name, value)

    def __repr__(self) -> str:
        given = {name: value for name in FIELDS if (value := getattr(self, name)) is not UNSET}
        if "headers" in given:
            given["headers"] = {
                n: "***" if is_sensitive_header(n) else v for n, v in given["headers"].items()
            }
        if "params" in given:
            given["params"] = {
                n: v if n in SHOWN_QUERY_KEYS else "***" for n, v in given["params"].items()
            }
        return f"RequestOptions({', '.join(f'{name}={value!r}' for name, value in given.items())})"


FIELDS: Final = tuple(field.name for field in fields(RequestOptions))
_KNOWN: Final = frozenset(FIELDS)
_BODY: Final = ("content", "data", "files", "json")
_JSON_ALONE: Final = frozenset({"json"})
_NOT_OPTIONS: Final = frozenset({*_BODY, "options"})
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
        given = RequestOptions(**given)
    elif given is not None and not isinstance(given, RequestOptions):
        msg = f"options must be RequestOptions or a dict, not {type(given).__name__}"
        raise InvalidOption(msg)
    if not keywords:
        return given
    if not keywords.keys() <= _KNOWN:
        raise _unknown(keywords, (*FIELDS, *_BODY))
    over = RequestOptions(**keywords)
    return over if given is None else merge(given, over)


def parted(given: dict[str, Any]) -> tuple[RequestOptions | None, dict[str, Any]]:
    """Part the keywords of a verb, its `CallArguments`, into its options and its body.

    Raises:
        InvalidOption: There are two bodies, or a name is not an option.
    """
    if given.keys() <= _JSON_ALONE and given.get("json", UNSET) is not None:
        return None, dict(given)  # nearly every call
    hide_key(given)
    body = {name: given[name] for name in _BODY if given.get(name) is not None}
    if len(body) > 1 and body.keys() != {"data", "files"}:
        msg = (
            f"{' and '.join(sorted(body))} are two bodies: pass one (only the data and files of a "
            "form go together)"
        )
        raise InvalidOption(msg)
    fields = {name: value for name, value in given.items() if name not in _NOT_OPTIONS}
    return options_of(given.get("options"), fields), body


def _unknown(given: Iterable[str], known: tuple[str, ...]) -> InvalidOption:
    name = next(name for name in given if name not in _KNOWN)
    if name in _BODY:
        return InvalidOption(f"{name!r} is no option: a body belongs to one call")
    return InvalidOption(f"unknown option {name!r}{did_you_mean(name, known)}")


def did_you_mean(name: object, known: tuple[str, ...]) -> str:
    """Return `: did you mean 'x'?` for the nearest of *known*, or an empty string."""
    near = get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f": did you mean {near[0]!r}?" if near else ""
