"""What a request tells of itself: known before the call, for samplers too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from penstock import Secret


def asked(
    body: Mapping[str, Any],
    requested: Mapping[str, tuple[str, Callable[[Any], Any]]],
    secrets: Iterable[Secret],
) -> dict[str, Any]:
    """Return the attributes of what a request asks for: no prompt among them.

    Args:
        body: Its JSON body.
        requested: What is shown of it: see `Names`.
        secrets: Credentials in use.
    """
    attributes: dict[str, Any] = {}
    for field, given in body.items():
        if field in requested:
            name, make = requested[field]
            value = make(given)
            if value is not None:
                attributes[name] = _shown(value, secrets)
    return attributes


def _shown(value: Any, secrets: Iterable[Secret]) -> Any:
    if isinstance(value, str):
        return scrub(value, secrets)
    return [scrub(item, secrets) for item in value] if isinstance(value, list) else value
