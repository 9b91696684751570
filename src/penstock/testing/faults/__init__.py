"""A server that misbehaves in every way a network does, for tests of API clients.

`FaultServer` serves the cases of `CASES`. Each says what the server does and what a client must
make of it; `python -m penstock.testing.faults` drives Penstock and other clients through all.
"""

from __future__ import annotations

from penstock.testing.faults import (
    bodies,
    connecting,
    documents,
    heads,
    keeping,
    proxies,
    redirects,
    streams,
    tls,
    waiting,
)
from penstock.testing.faults.case import GROUPS, Ask, Case, Must, gives, raises
from penstock.testing.faults.run import Run
from penstock.testing.faults.server import FaultServer

_TABLES = (
    connecting,
    keeping,
    heads,
    bodies,
    documents,
    waiting,
    redirects,
    streams,
    tls,
    proxies,
)

CASES: dict[str, Case] = {case.id: case for table in _TABLES for case in table.CASES}
"""Every case by its id, group by group."""

__all__ = ["CASES", "GROUPS", "Ask", "Case", "FaultServer", "Must", "Run", "gives", "raises"]
