"""What Penstock tests itself with: a virtual clock, a scripted transport, pytest fixtures.

The fixtures `penstock_clock` and `penstock_script` are there as soon as Penstock is installed.
"""

from __future__ import annotations

from penstock.testing.clock import VirtualClock
from penstock.testing.script import Reply, Script

__all__ = ["Reply", "Script", "VirtualClock"]
