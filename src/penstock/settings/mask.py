"""What a setting looks like when it is shown. `penstock.redact` decides; this lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretBytes, SecretStr

from penstock.redact import REDACTED, is_sensitive_header, safe_url

_TELLING = 16
"""From this length on, the last four characters say which key it is without giving it away."""


def mask(secret: str) -> str:
    """Return a stand-in for *secret*: its last four characters if it has at least 16."""
    return f"****{secret[-4:]}" if len(secret) >= _TELLING else "****"


def is_masked(text: str) -> bool:
    """Tell whether *text* is what a mask made of a value: pydantic's or one of Penstock's."""
    return text.startswith("****") or REDACTED in text


def is_secret(name: str) -> bool:
    """Tell whether a setting or header of this name holds a credential."""
    return is_sensitive_header(name.replace("_", "-"))


def safe_value(name: str, value: object) -> Any:
    """Return *value* as a repr may hold it: credentials masked, everything else as it is.

    Args:
        name: The field's or header's own name.
        value: Its value.
    """
    if isinstance(value, Mapping):
        return {key: safe_value(str(key), item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if is_secret(name):
        return mask(value)
    if "://" in value:
        return safe_url(value)
    # A URL that lost its scheme is wrong, and may still carry a password.
    return mask(value) if "@" in value and name.endswith(("proxy", "url")) else value


def shown(name: str, value: object, *, secret: bool = False) -> str:
    """Return *value* as one line of text for a person.

    Args:
        name: The field's or header's own name.
        value: Its value.
        secret: Whether it is a secret whatever its name.
    """
    if isinstance(value, SecretStr | SecretBytes):
        raw = value.get_secret_value()
        return mask(raw if isinstance(raw, str) else raw.decode("latin-1"))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    text = mask(str(value)) if secret else str(safe_value(name, value))
    return text if text.isprintable() else ascii(text)
