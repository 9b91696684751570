"""Making a transport with a stack: mistakes raise, and what deserves a warning gets one."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import penstock
from penstock import InvalidOption, NestedRetriesWarning, Stack
from penstock.arguments import InsecureWarning
from penstock.middleware import Retry
from penstock.testing import Script

from .above import Rig, beneath, client_above, play, played
from .colours import Colour

if TYPE_CHECKING:
    from penstock.transport import Family

REPEATED = {"x-stainless-retry-count": "1"}


def test_it_shows_its_name_and_what_it_sends_with(colour: Colour) -> None:
    """A transport's repr tells which it is, its name, and what is below it."""
    cls = type(beneath(colour)).__name__
    assert repr(beneath(colour)) == f"<{cls} over {'Async' * colour.is_async}PoolTransport>"
    below = played(Script(), colour)
    assert repr(beneath(colour, transport=below, name="x")) == f"<{cls} name='x' over Played>"


def test_the_pool_takes_its_options(colour: Colour) -> None:
    """Options of the pool go to the pool."""
    transport = beneath(colour, limits=colour.family.http.Limits(max_connections=7))
    assert "max_connections=7" in repr(transport._wire.transport)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stack": [Retry()]}, "must be a Stack"),
        ({"transport": object()}, "must be an httpx2? (Async)?BaseTransport, not object"),
        ({"transport": penstock.HttpxTransport, "verify": True}, "takes verify"),
        ({"name": "line\nend"}, "name"),
        ({"limits": httpx.Limits(max_connections=0)}, "max_connections"),
        ({"uds": "/x", "proxy": "http://p.example.com"}, "exclude"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_mistake_is_told_at_once(wrong: dict[str, Any], said: str, colour: Colour) -> None:
    """What cannot work is refused when the transport is made."""
    with pytest.raises(InvalidOption, match=said):
        beneath(colour, **wrong)


OTHERS = [
    (penstock.HttpxTransport, httpx2.HTTPTransport, "an httpx BaseTransport"),
    (penstock.Httpx2Transport, httpx.HTTPTransport, "an httpx2 BaseTransport"),
    (penstock.HttpxTransport, httpx.AsyncHTTPTransport, "other colour"),
    (penstock.AsyncHttpx2Transport, httpx2.HTTPTransport, "other colour"),
]


@pytest.mark.parametrize(("cls", "other", "said"), OTHERS)
def test_a_transport_of_another_kind(cls: Any, other: Any, said: str) -> None:
    """What it sends with must be of its own family and colour."""
    with pytest.raises(InvalidOption, match=said):
        cls(transport=other())


class NeedsALoop:
    """A middleware that no sync client can run."""

    async_only = True

    async def __call__(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def test_a_middleware_of_another_colour(family: Family) -> None:
    """A middleware that needs an event loop is refused beneath a sync client."""
    with pytest.raises(InvalidOption, match="event loop"):
        beneath(Colour("sync", family), Stack([NeedsALoop()]))
    assert beneath(Colour("asyncio", family), Stack([NeedsALoop()])).stack


def test_no_verification_is_warned_of(colour: Colour) -> None:
    """`verify=False` warns where the transport is made."""
    with pytest.warns(InsecureWarning) as told:
        beneath(colour, verify=False)
    assert told[0].filename.endswith("above.py")


def warnings_of(rig: Rig, *sent: dict[str, str]) -> list[str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for headers in sent:
            rig.send(headers=headers)
    assert {warning.category for warning in told} <= {NestedRetriesWarning}
    return [str(warning.message) for warning in told]


def test_retries_above_retries_are_warned_of_once(colour: Colour) -> None:
    """An SDK that repeats what was repeated here is told of once, and how to switch it off."""
    rig = Rig(colour, forever=True)
    (said,) = warnings_of(rig, {"x-stainless-retry-count": "0"}, REPEATED, REPEATED)
    cls = type(rig.transport).__name__
    assert "max_retries=0" in said
    assert f"{cls}(max_retries=0)" in said
    assert "2 times" in said


@pytest.mark.parametrize("count", ["0", "", "many", "-1"])
def test_an_sdk_that_does_not_repeat(count: str, colour: Colour) -> None:
    """A first request, or a header that says nothing, warns nobody."""
    rig = Rig(colour, forever=True)
    assert warnings_of(rig, {"x-stainless-retry-count": count}) == []


def test_attempts_that_do_not_multiply(colour: Colour) -> None:
    """Where nothing is repeated here an SDK may repeat what it likes."""
    assert warnings_of(Rig(colour, forever=True, max_retries=0), REPEATED) == []
    alone = Rig(colour, stack=Stack.transport().without(Retry))
    assert warnings_of(alone, REPEATED) == []


def test_the_warning_points_above_the_sdk(family: Family) -> None:
    """The warning points at the code that called the SDK, whatever package that is."""
    rig = Rig(Colour("sync", family))
    globals_of_sdk = {"__name__": "an_sdk.client", "rig": rig, "headers": REPEATED}
    code = compile("rig.client.get('https://api.example.com/', headers=headers)", "sdk.py", "exec")
    with pytest.warns(NestedRetriesWarning) as told:
        exec(code, globals_of_sdk)
    assert told[0].filename == __file__


WITHOUT_HTTPX2 = """
import sys
sys.modules["httpx2"] = None
import penstock
from penstock import *
penstock.HttpxTransport()
try:
    penstock.Httpx2Transport()
except penstock.ConfigurationError as error:
    print(error)
"""


def test_without_httpx2() -> None:
    """Without httpx2 its transports can be asked for, and making one says what to install."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_HTTPX2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stderr, run.stdout) == (
        "",
        "httpx2 is not installed: pip install 'penstock[httpx2]'\n",
    )


def test_a_closed_transport_says_so(colour: Colour) -> None:
    """A request after the transport was closed is the caller's mistake, told as it is."""
    transport = beneath(colour)

    async def scenario() -> None:
        await colour.close(transport)
        request = colour.family.http.Request("GET", "http://127.0.0.1:9/")
        with pytest.raises(penstock.ClientClosed):
            await colour.send(transport, request)

    play(colour, scenario)


def test_one_transport_under_several_clients(colour: Colour) -> None:
    """A transport may be shared: it keeps nothing of a client."""
    script = Script([200], forever=True)
    transport = beneath(colour, transport=played(script, colour))
    clients = [client_above(colour, transport) for _ in range(3)]

    async def scenario() -> list[int]:
        statuses = []
        for client in clients:
            result = client.get("https://api.example.com/")
            statuses.append((await result if colour.is_async else result).status_code)
        return statuses

    assert play(colour, scenario) == [200] * 3
