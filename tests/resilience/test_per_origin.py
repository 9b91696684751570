"""The laws of what is kept about each origin: one state for all threads, and never too many."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock_middleware.per_origin import Origins

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL: Any = SimpleNamespace()


def request_to(host: str) -> Any:
    return SimpleNamespace(url=httpx.URL(f"https://{host}.example.com/it"))


def state_of(origins: Origins[object], host: str) -> object:
    return origins.of(request_to(host), CALL)


def test_the_one_not_asked_for_longest_goes() -> None:
    """Beyond the most that are kept, the origin nobody asked for longest is forgotten."""
    origins: Origins[object] = Origins(lambda _: object(), most=2)
    first, second = state_of(origins, "a"), state_of(origins, "b")
    assert state_of(origins, "a") is first
    state_of(origins, "c")
    assert state_of(origins, "a") is first
    assert state_of(origins, "b") is not second


def test_a_crawler_does_not_grow_it() -> None:
    """However many origins come, the states kept are as many as were allowed."""
    origins: Origins[object] = Origins(lambda _: object())
    for number in range(3000):
        state_of(origins, f"host-{number}")
    assert len(origins._states) == 1024


@pytest.fixture
def many_switches() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("many_switches")
def test_threads_get_one_state() -> None:
    """32 threads that are the first to ask get the same state, while others push origins out."""
    for _ in range(20):
        origins: Origins[object] = Origins(lambda _: object(), most=64)
        together = threading.Barrier(32, timeout=10)

        def ask(
            number: int, origins: Origins[object] = origins, together: Any = together
        ) -> object:
            together.wait()
            state = state_of(origins, "all")
            state_of(origins, f"own-{number}")
            return state

        with ThreadPoolExecutor(32) as threads:
            assert len(set(threads.map(ask, range(32)))) == 1


class Vanishing(dict[Any, Any]):
    """States that another thread drops between two steps."""

    def move_to_end(self, origin: Any) -> None:
        raise KeyError(origin)

    def popitem(self, last: bool = True) -> Any:
        return super().popitem()


def test_a_state_dropped_meanwhile() -> None:
    """A state that another thread drops while it is asked for is no error."""
    origins: Origins[object] = Origins(lambda _: object())
    states: Any = Vanishing()
    origins._states = states
    assert state_of(origins, "a") is state_of(origins, "a")
