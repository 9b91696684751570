"""Every fault there is, in each colour, on the owned transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.testing.faults import CASES, Case, FaultServer
from penstock.testing.faults.driving import Ours
from penstock.testing.faults.judging import problems

if TYPE_CHECKING:
    from tests.conftest import Colour


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault(case: Case, colour: Colour, server: FaultServer) -> None:
    """The right error or answer in time; nothing shown, astray or left; and the next call works."""
    with server.run(case) as run:
        outcome = Ours(colour.name).meet(server, run)
        found = problems(run, outcome, ours=True)
    assert found == [], f"{case}\n{outcome}"
