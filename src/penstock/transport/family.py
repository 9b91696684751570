"""The two interchangeable HTTP libraries, and which of them an object belongs to."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType


_module = cache(importlib.import_module)


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
        return _module(self.name)

    @property
    def core(self) -> ModuleType:
        """Its engine: `httpcore` or `httpcore2`."""
        return _module(self.name.replace("httpx", "httpcore"))


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

    Asking never imports a library.
    """
    return _family_of_class(type(obj))  # type: ignore[arg-type]  # classes do hash


@lru_cache
def _family_of_class(kind: type) -> Family | None:
    # By identity: an SDK may put its own name into `__module__` of the classes that it exports.
    for cls in kind.__mro__:
        for name, family in _BY_NAME.items():
            if getattr(sys.modules.get(name), cls.__name__, None) is cls:
                return family()
    return None


@cache
def mixed(ours: type, theirs: type) -> type:
    """Return *ours* as a subclass of a family's own class, which the family checks for."""
    return type(ours.__name__, (ours, theirs), {"__module__": ours.__module__})
