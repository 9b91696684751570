"""The rooms that send: the families, the owned transport, and the limits at its sockets.

What needs an engine is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from penstock.transport.family import Family, family_of, httpx2_family, httpx_family
from penstock.transport.until import Until

if TYPE_CHECKING:
    from penstock.transport.owned import (
        AsyncPoolTransport,
        PoolStatus,
        PoolTransport,
        transports_of,
    )

__all__ = [
    "AsyncPoolTransport",
    "Family",
    "PoolStatus",
    "PoolTransport",
    "Until",
    "family_of",
    "httpx2_family",
    "httpx_family",
    "transports_of",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("penstock.transport.owned"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
