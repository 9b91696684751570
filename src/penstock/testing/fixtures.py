"""The pytest fixtures of the `pytest11` entry point; Penstock is loaded when one is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from penstock.testing import Script, VirtualClock


@pytest.fixture
def penstock_clock() -> VirtualClock:
    """A virtual clock for `clock=`."""
    from penstock.testing import VirtualClock

    return VirtualClock()


@pytest.fixture
def penstock_script(penstock_clock: VirtualClock) -> Script:
    """An empty script for `transport=`, on `penstock_clock`: add to it with `.reply(…)`."""
    from penstock.testing import Script

    return Script(clock=penstock_clock)
