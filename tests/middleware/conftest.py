"""What the tests of the log listen with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import LogCapture

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["debug"])
def log(request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    """An application that has configured structlog, and what it was told."""
    capture = LogCapture()
    structlog.configure(
        processors=[capture],
        wrapper_class=structlog.make_filtering_bound_logger(request.param),
        cache_logger_on_first_use=False,
    )
    yield capture.entries
    structlog.reset_defaults()
