"""What Penstock tests itself with: a virtual clock, a scripted transport, pytest fixtures.

The fixtures `penstock_clock` and `penstock_script` are there as soon as Penstock is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.testing.clock import VirtualClock as VirtualClock
    from penstock.testing.script import Reply as Reply
    from penstock.testing.script import Script as Script

_HOME_OF = {"Reply": "script", "Script": "script", "VirtualClock": "clock"}

__all__ = ["Reply", "Script", "VirtualClock"]


def __getattr__(name: str) -> object:
    # Loaded when first asked for: the fixtures are imported by every run of pytest.
    if name not in _HOME_OF:
        msg = f"module 'penstock.testing' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"penstock.testing.{_HOME_OF[name]}"), name)
