"""What several laws are stated under."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.disable()
    gc.freeze()  # what was there before is not looked at, which is fast
    yield
    gc.unfreeze()
    gc.enable()
