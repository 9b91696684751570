"""The two interchangeable HTTP libraries, and which of them an object belongs to."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class Family:
    """An HTTP library with the engine below it. Nothing is imported before it is used.

    Attributes:
        name: `httpx` or `httpx2`.
    """

    name: str

    @property
    def http(self) -> ModuleType:
        """The library: `httpx` or `httpx2`."""
        return importlib.import_module(self.name)

    @property
    def core(self) -> ModuleType:
        """Its engine: `httpcore` or `httpcore2`."""
        return importlib.import_module(self.name.replace("httpx", "httpcore"))


@cache
def httpx_family() -> Family:
    """Return httpx and httpcore: the family that is always installed."""
    return Family("httpx")


@cache
def httpx2_family() -> Family:
    """Return httpx2 and httpcore2.

    Raises:
        ConfigurationError: httpx2 is not installed.
    """
    try:
        importlib.import_module("httpx2")
    except ImportError as error:
        msg = "httpx2 is not installed: pip install 'penstock[httpx2]'"
        raise ConfigurationError(msg) from error
    return Family("httpx2")


_BY_NAME = {"httpx": httpx_family, "httpx2": httpx2_family}


def family_of(obj: object) -> Family | None:
    """Return the family whose class *obj* is an instance of, or None.

    It looks at names alone, so that asking never imports a library.
    """
    for cls in type(obj).__mro__:
        family = _BY_NAME.get(cls.__module__.partition(".")[0])
        if family is not None:
            return family()
    return None
