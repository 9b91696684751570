"""Values an application adds to spans and logs, as they may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from penstock import safe_text

if TYPE_CHECKING:
    from penstock import Secret


def safe_values(values: Mapping[str, Any], secrets: Iterable[Secret]) -> dict[str, Any]:
    """Return a copy of *values* with no secret in it; what is not plain data becomes text.

    Args:
        values: By name.
        secrets: Credentials in use.
    """
    return {str(name): _safe(value, secrets) for name, value in values.items()}


def _safe(value: Any, secrets: Iterable[Secret]) -> Any:
    if isinstance(value, str):
        return safe_text(value, secrets)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return safe_values(value, secrets)
    if isinstance(value, (list, tuple)):
        return [_safe(item, secrets) for item in value]
    return safe_text(str(value), secrets)
