"""The laws of a storm: what ships does not make it, and lets a server that is back come back.

At full size: a thousand calls a second for two minutes, each run in one or two seconds.
"""

from __future__ import annotations

from functools import cache

import pytest

from .storm import (
    BREAKER,
    BUDGET,
    DIP,
    ONCE,
    OUTAGE,
    PRODUCTION,
    THRICE,
    Protection,
    Report,
    Scenario,
    Storm,
)

FEW = {"clients": 10, "rate": 100.0}
SOME = {"clients": 100, "rate": 10.0}


@cache
def report_of(scenario: Scenario, protection: Protection) -> Report:
    return Storm(scenario, protection).run()


@pytest.mark.parametrize(
    ("scenario", "protection", "most"),
    [
        (OUTAGE, BUDGET, 1.4),
        (OUTAGE, BREAKER, 0.5),
        (OUTAGE, PRODUCTION, 0.75),
        (OUTAGE._replace(**SOME), PRODUCTION, 0.5),
        (OUTAGE._replace(**FEW), PRODUCTION, 0.5),
    ],
    ids=["budget", "quick breaker", "production", "production, 10/s", "production, 100/s"],
)
def test_an_outage_is_not_amplified(
    scenario: Scenario, protection: Protection, most: float
) -> None:
    """While every request fails, a budget keeps repeats few, and a breaker most calls away."""
    assert report_of(scenario, protection).amplification <= most


def test_without_them_an_outage_triples_the_load() -> None:
    """What they are held against: three attempts alone put nearly three times the load on it."""
    assert report_of(OUTAGE, THRICE).amplification == pytest.approx(2.97, abs=0.01)
    assert report_of(OUTAGE, ONCE).amplification == 1.0


@pytest.mark.parametrize("protection", [BUDGET, BREAKER, PRODUCTION], ids=lambda it: it.name)
def test_a_dip_is_got_over(protection: Protection) -> None:
    """After ten seconds of too little capacity, nearly every call succeeds again within twenty."""
    recovery = report_of(DIP, protection).recovery
    assert recovery is not None
    assert recovery <= 20


def test_without_them_a_dip_is_the_end() -> None:
    """What they are held against: three attempts alone keep the server down for good."""
    assert report_of(DIP, THRICE).recovery is None


@pytest.mark.parametrize("protection", [BUDGET, PRODUCTION], ids=lambda it: it.name)
def test_blips_are_cured(protection: Protection) -> None:
    """Where one request in a hundred fails, 99.99 % of calls succeed and more."""
    blips = Scenario("blips", failing=0.01, clients=200)
    assert report_of(blips, protection).success >= 0.9999
    assert report_of(blips, ONCE).success < 0.992


def test_a_run_repeats() -> None:
    """With one seed a run comes to the same each time."""
    short = OUTAGE._replace(clients=50, seconds=70.0)
    first, again = (Storm(short, PRODUCTION, seed=5).run() for _ in range(2))
    assert (first.calls, first.attempts, first.successes) == (
        again.calls,
        again.attempts,
        again.successes,
    )
