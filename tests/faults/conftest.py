from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.testing.faults import FaultServer

from .peers import ALL_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

# Without the servers there is nothing to test with: CONTRIBUTING.md says what to install.
collect_ignore = [] if ALL_FOUND else ["test_real_peers.py"]


@pytest.fixture(scope="session")
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server
