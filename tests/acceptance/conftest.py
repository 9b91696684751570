from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from penstock.demo import DemoServer

from .support import Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def rig(colour: Any) -> Callable[..., Rig]:
    """`rig([503, 200], …)` makes a client of the test's colour over that script."""
    return partial(Rig, colour)


@pytest.fixture(scope="session")
def demo() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server
