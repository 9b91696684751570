"""How long a client waits of its own accord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import tenacity

from penstock import ConnectionFailed, InvalidOption, RetryStopped
from penstock.testing import Reply

from .support import with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

CEILINGS = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


@pytest.mark.parametrize(
    ("draw", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], ids=["least", "middle", "most"]
)
def test_the_ceiling_doubles_up_to_eight_seconds(
    draw: float, share: float, rig: Callable[..., Rig]
) -> None:
    """The wait before repeat n is drawn from 0 to `min(0.5 * 2**(n-1), 8)` seconds."""
    down = rig([503], forever=True, max_retries=6, draw=draw)
    assert down.status() == 503
    assert down.sleeps == [ceiling * share for ceiling in CEILINGS]


@pytest.mark.parametrize(
    ("retries", "failures", "sleeps"),
    [(0, 1, []), (1, 1, [0.5]), (2, 2, [0.5, 1.0]), (10**100, 6, CEILINGS)],
)
def test_as_many_waits_as_repeats(
    retries: int, failures: int, sleeps: list[float], rig: Callable[..., Rig]
) -> None:
    """No repeat, no wait; as many waits as failures that were repeated, whatever was allowed."""
    server = rig([503] * failures + [200], max_retries=retries, stack=with_retry(jitter="none"))
    server.status()
    assert server.sleeps == sleeps


def test_an_empty_hint_leaves_the_backoff(rig: Callable[..., Rig]) -> None:
    """Failures with an empty `Retry-After` are waited out by the backoff's own 0.5, 1, 2 s."""
    replies = [Reply(503, headers={"Retry-After": ""})] * 3 + [200]
    server = rig(replies, max_retries=3, stack=with_retry(jitter="none"))
    assert server.status() == 200
    assert server.sleeps == [0.5, 1.0, 2.0]


def test_the_backoff_can_be_set(rig: Callable[..., Rig]) -> None:
    """`base_delay` and `max_delay` bound the wait."""
    stack = with_retry(base_delay=0.1, max_delay=0.3, jitter="none")
    server = rig([503], forever=True, max_retries=4, stack=stack)
    assert server.status() == 503
    assert server.sleeps == [0.1, 0.2, 0.3, 0.3]


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated", "proportional"])
def test_each_call_draws_for_itself(jitter: str, rig: Callable[..., Rig]) -> None:
    """A client's calls do not pass their backoff on: the second begins like the first."""
    server = rig([503], forever=True, max_retries=3, draw=0.5, stack=with_retry(jitter=jitter))
    server.status()
    first = list(server.sleeps)
    server.status()
    assert server.sleeps == first * 2
    assert len(first) == 3


@pytest.mark.parametrize(
    ("options", "sleeps"),
    [
        ({"wait": tenacity.wait_fixed(3)}, [3.0, 3.0]),
        ({"wait": tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_fixed(5))}, [1.0, 5.0]),
        ({"wait": tenacity.wait_fixed(3) + tenacity.wait_incrementing(1, 1)}, [4.0, 5.0]),
        ({"stop": tenacity.stop_after_attempt(2), "jitter": "none"}, [0.5]),
        ({"stop": tenacity.stop_after_delay(2), "wait": tenacity.wait_fixed(1)}, [1.0, 1.0]),
        ({"stop": tenacity.stop_before_delay(3), "wait": tenacity.wait_incrementing(1, 4)}, [1.0]),
        ({"stop": tenacity.stop_never, "wait": tenacity.wait_fixed(0)}, [0.0] * 7),
    ],
)
def test_tenacitys_strategies_are_driven_as_tenacity_does(
    options: dict[str, object], sleeps: list[float], rig: Callable[..., Rig]
) -> None:
    """Any wait or stop strategy of tenacity decides here as it does there."""
    server = rig([503] * 7 + [200], stack=with_retry(**options))
    server.status()
    assert server.sleeps == sleeps


@pytest.mark.parametrize(
    ("fault", "sends"),
    [(503, 3), (httpx.ReadTimeout("silence"), 3), (404, 1), (ValueError("a bug"), 1)],
)
def test_tenacitys_retry_error_is_never_raised(
    fault: object, sends: int, rig: Callable[..., Rig]
) -> None:
    """The last response is returned and the last error raised, as they are."""
    server = rig([fault], forever=True)
    if isinstance(fault, int):
        assert server.status() == fault
    else:
        expected = ValueError if isinstance(fault, ValueError) else ConnectionFailed
        with pytest.raises(expected) as caught:
            server.send()
        assert not isinstance(caught.value, tenacity.RetryError)
    assert server.sent == sends
    reasons = ["attempts"] if sends > 1 else []
    assert [fact.reason for fact in server.kinds(RetryStopped)] == reasons


@pytest.mark.parametrize(
    "options",
    [
        {"base_delay": -1},
        {"base_delay": float("nan")},
        {"max_delay": float("inf")},
        {"max_delay": "8"},
        {"retry_after_cap": True},
        {"over_cap": "explode"},
        {"jitter": "lots"},
        {"retry": 5},
        {"stop": "never"},
        {"wait": tenacity.wait_random},
        {"statuses": 503},
        {"statuses": ["503"]},
    ],
    ids=str,
)
def test_a_policy_that_cannot_work_is_refused_at_construction(options: dict[str, object]) -> None:
    """`Retry` names the argument that cannot work when it is made, not at the first failure."""
    with pytest.raises(InvalidOption, match=next(iter(options))):
        with_retry(**options)
