"""What each option of a call may be: one check a kind, each with an error that says what to give.

A message shows no value that may be a secret.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from penstock.errors import InvalidOption
from penstock.redact import Secret

if TYPE_CHECKING:
    from penstock.settings import Settings

PHASES: Final = ("connect", "read", "write", "pool")


def check_seconds(name: str, value: object) -> None:
    """Refuse a duration that is not a number of seconds ≥ 0 or None."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{name} must be a number of seconds or None, not {type(value).__name__}"
        raise InvalidOption(msg)
    if not 0 <= value <= sys.float_info.max:  # false for NaN, exact for an int of any size
        msg = f"{name} must be a finite number of seconds >= 0: None means no limit"
        raise InvalidOption(msg)


def check_count(name: str, value: object, least: int = 0) -> None:
    """Refuse a count that is not an integer ≥ *least*."""
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name} must be an integer, not {value!r}"
        raise InvalidOption(msg)
    if value < least:
        msg = f"{name} must be >= {least}, not {value}"
        raise InvalidOption(msg)


def check_text(name: str, value: object) -> None:
    """Refuse what is neither a string nor None."""
    if value is not None and not isinstance(value, str):
        msg = f"{name} must be a string or None, not {type(value).__name__}"
        raise InvalidOption(msg)


def check_headers(name: str, value: object) -> None:
    """Refuse what is not a mapping from names; the values are checked when a request is built."""
    check_mapping(name, value)
    if not all(isinstance(header, str) for header in value):  # type: ignore[attr-defined]  # a mapping
        msg = f"{name} must be a mapping from header names: a name is a string"
        raise InvalidOption(msg)


def _check_timeout(name: str, value: object) -> None:
    if not all(hasattr(value, phase) for phase in PHASES):
        check_seconds(name, value)
        return
    for phase in PHASES:
        check_seconds(f"{name}.{phase}", getattr(value, phase))


def _check_bytes(name: str, value: object) -> None:
    if value is not None:
        check_count(name, value)


def check_bool(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, not {type(value).__name__}"
        raise InvalidOption(msg)


def check_mapping(name: str, value: object) -> None:
    """Refuse what is not a mapping."""
    if not isinstance(value, Mapping):
        msg = f"{name} must be a mapping, not {type(value).__name__}"
        raise InvalidOption(msg)


def _settings_class() -> type[Settings]:
    """Return the class of what a client takes as `settings=`; importing it is dear."""
    from penstock.settings import Settings

    return Settings


def check_settings(
    settings: object, expected: Callable[[], type[Settings]] = _settings_class
) -> None:
    """Refuse what is neither None nor settings of the class that a client takes.

    Args:
        settings: What the client's user gave.
        expected: Returns that class. Asked only if something was given: importing settings is dear.

    Raises:
        InvalidOption: It is something else.
    """
    if settings is None:
        return
    cls = expected()
    if not isinstance(settings, cls):
        name = cls.__name__
        msg = (
            f"settings must be {name}, which {name}(…) makes and {name}.load(…) reads, not "
            f"{_kind(settings)}"
        )
        raise InvalidOption(msg)


def _check_retry(name: str, value: object) -> None:
    if not callable(value):
        msg = f"{name} must be a tenacity retry strategy: for no repeats pass max_retries=0"
        raise InvalidOption(msg)


def _check_stack(name: str, value: object) -> None:
    if isinstance(value, type) or not callable(value):
        msg = f"{name} must be a function from the client's stack to the call's, not {_kind(value)}"
        raise InvalidOption(msg)


def _check_key(name: str, value: object) -> None:
    if value is not None and not isinstance(value, Secret) and not callable(value):
        msg = f"{name} must be a string, a callable that supplies it, or None, not {_kind(value)}"
        raise InvalidOption(msg)


def _check_auth(name: str, value: object) -> None:
    has_flow = callable(getattr(value, "auth_flow", None))
    if value is not None and (isinstance(value, type) or not has_flow):
        msg = f"{name} must be an httpx.Auth or None, not {_kind(value)}: pass a key as api_key="
        raise InvalidOption(msg)


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


CHECKS: Final[tuple[tuple[str, Callable[[str, object], None]], ...]] = (
    ("timeout", _check_timeout),
    ("deadline", check_seconds),
    ("max_retries", check_count),
    ("retry", _check_retry),
    ("headers", check_headers),
    ("params", check_mapping),
    ("api_key", _check_key),
    ("auth", _check_auth),
    ("idempotency_key", check_text),
    ("operation", check_text),
    ("attributes", check_mapping),
    ("log_fields", check_mapping),
    ("raise_for_status", check_bool),
    ("allow_absolute", check_bool),
    ("max_response_bytes", _check_bytes),
    ("max_decoded_bytes", _check_bytes),
    ("stack", _check_stack),
)
"""The check of each field of `RequestOptions`."""
