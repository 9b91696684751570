"""What `docs/transports.md` promises of a caller's client, each promise met as cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.testing.faults import CASES
from penstock.testing.faults.matrix import OVER_CLIENTS, column, drivers, table
from penstock.testing.faults.over_client import OverClient

if TYPE_CHECKING:
    from tests.conftest import Colour

PROMISED = [
    *(
        "conn-rst-twice",
        "conn-request-stall",
        "conn-post-key",
        "conn-refused",
        "ka-idle-fin",
    ),  # retries
    *("ra-one", "ra-ms", "json-wrongtype", "json-error-list", "sse-plain", "sse-cut"),
    *("body-drip", "body-short", "sse-drip"),  # timeout and deadline, at each chunk
    *("body-endless-limit", "body-gz-bomb", "sse-huge-event"),  # limits
    *("tls-good", "tls-expired", "px-plain", "px-502"),  # what the client was made with
]


# Trio tells of generators of httpx's and httpcore's that a body which breaks off leaves unfinished.
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_what_holds_over_a_callers_client(family: str, colour: Colour) -> None:
    """Retries, limits and time limits of bodies, errors: as on any other engine."""
    told: list[str] = []
    made = column(OverClient(colour.name, family), [CASES[name] for name in PROMISED], told.append)
    assert told == []
    assert made.passed == PROMISED


def test_what_is_the_clients_own() -> None:
    """Redirects and the environment are left to it, and nothing else is."""
    left = {case.id for case in CASES.values() if not OVER_CLIENTS[0].takes(case)}
    assert left == {
        case.id for case in CASES.values() if case.group == "rd" or case.ask.environ != {}
    }


def test_it_has_rows_of_its_own() -> None:
    """The command has a row for each library and colour, and a name to ask for them alone."""
    assert tuple(drivers(["http_client"])) == OVER_CLIENTS
    made = column(OVER_CLIENTS[0], [CASES["json-text"]])
    assert "| Penstock over a client of httpx, sync | 1 | 1 |  |" in table([made])
