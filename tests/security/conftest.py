from __future__ import annotations

from tests.acceptance.conftest import rig
from tests.transport.conftest import certificates

__all__ = ["certificates", "rig"]
