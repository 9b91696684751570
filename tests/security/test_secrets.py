"""A credential shows nowhere but on the wire, to the origin it is for."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.telling import told
from tests.transport.server import Server, polite

from penstock import (
    BadRequest,
    ConnectionFailed,
    InvalidOption,
    PenstockError,
    RequestOptions,
    Secret,
    Stack,
)
from penstock.middleware import Auth
from penstock.testing import Script

from .support import SECRET, get, redirecting, saying, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.transport.conftest import Certificates

BAD = {"line feed": "\n", "return": "\r", "both": "\r\n", "nul": "\0", "dash": "\u2014", "é": "é"}
BAD |= {"emoji": "\U0001f511", "surrogate": "\ud83d"}


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Have every logger say all it can."""
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore", "httpx2", "httpcore2", "penstock", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield caplog


def test_no_log_shows_a_credential(everything: pytest.LogCaptureFixture, colour: Any) -> None:
    """At DEBUG, of every library in between: not the key, a header, a cookie or a query value."""
    with Server(polite) as away, Server(polite) as home:
        home.handler = redirecting(f"{away.url}/there?token={SECRET}")
        get(
            colour,
            home.url,
            "/x",
            "/start",
            api_key=SECRET,
            params={"api_key": SECRET},
            cookies={"session": SECRET},
            headers={"X-Api-Key": SECRET},
        )
    assert SECRET in wire([home])
    assert everything.records
    assert SECRET not in everything.text


@pytest.mark.parametrize("name", BAD)
def test_a_key_that_cannot_be_sent_is_not_quoted(
    name: str, everything: pytest.LogCaptureFixture, colour: Any
) -> None:
    """A key with a line end, copied from a file, or with a smart dash is refused, not printed."""
    with Server(polite) as server, pytest.raises(InvalidOption) as caught:
        get(colour, server.url, "/x", api_key=SECRET + BAD[name])
    assert SECRET not in told(caught.value)
    assert SECRET not in everything.text
    assert server.heard == []


def test_an_echoed_key_is_not_shown(colour: Any) -> None:
    """Not by the phrase of a status either."""
    said = f"HTTP/1.1 400 no {SECRET}\r\nContent-Length: 0\r\n\r\n".encode()
    with Server(saying(said)) as server, pytest.raises(BadRequest, match="no REDACTED") as caught:
        get(colour, server.url, "/x", api_key=SECRET)
    assert SECRET not in told(caught.value)
    assert SECRET not in repr(caught.value.response)


def test_a_client_shows_nothing(colour: Any) -> None:
    """Neither it, what it is made of, nor a copy of any of that."""
    client = colour.client(
        "https://api.example.com",
        api_key=SECRET,
        transport=Script(),
        stack=Stack.standard().append(Auth(SECRET)),
    )
    assert SECRET not in repr(everything_in(client))
    for thing in (client, client.stack, Secret(SECRET), RequestOptions(api_key=SECRET)):
        for show in (repr, str, "{}".format, copy.copy, copy.deepcopy, pickle.dumps, vars):
            assert SECRET not in shown(show, thing)


def shown(show: Any, thing: Any) -> str:
    try:
        return repr(show(thing))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return told(error)


def everything_in(thing: Any, depth: int = 6) -> list[str]:
    """Return the reprs of what is reachable from *thing* by its attributes."""
    shown = [repr(thing)]
    if depth and not isinstance(thing, (type, ModuleType, str, bytes)):
        for inner in getattr(thing, "__dict__", {}).values():
            shown += everything_in(inner, depth - 1)
    return shown


def test_an_error_holds_no_credential(colour: Any) -> None:
    """What goes to another process, or to a service that collects errors, has no key in it."""
    with Server(polite) as server:
        port = server.port
    with pytest.raises(ConnectionFailed) as caught:
        get(
            colour,
            f"http://localhost:{port}",
            "/x",
            api_key=SECRET,
            params={"token": SECRET},
            headers={"X-Api-Key": SECRET},
            max_retries=0,
        )
    error: Any = caught.value
    assert SECRET not in told(error)
    while error is not None:
        assert SECRET.encode() not in pickle.dumps(str(error.args))
        assert SECRET not in repr(everything_in(error))
        error = error.__cause__


@pytest.mark.parametrize("url", ["https://me:{}@api.example.com", "https://{}@api.example.com"])
def test_a_password_in_a_url_is_refused(url: str, colour: Any) -> None:
    """It would be in every log, and take the key's place."""
    for act in (
        lambda: colour.client(url.format(SECRET)),
        lambda: get(colour, None, url.format(SECRET), transport=Script([200])),
    ):
        with pytest.raises(InvalidOption, match="credentials") as caught:
            act()
        assert SECRET not in told(caught.value)


def test_no_verification_is_of_one_client(colour: Any, certificates: Certificates) -> None:
    """`verify=False` warns for each client, and another client verifies (CVE-2024-35195)."""
    with Server(polite, tls=certificates.server) as server:
        for _ in range(2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                get(colour, server.url, "/x", "/x", verify=False)
            assert [str(one.message) for one in caught] == [
                "verify=False: this client accepts any certificate"
            ]
            with pytest.raises(ConnectionFailed, match="certificate"):
                get(colour, server.url, "/x", max_retries=0)


def test_verification_is_on(colour: Any, certificates: Certificates) -> None:
    """A name that is another, and an authority nobody knows, get no request."""
    with Server(polite, tls=certificates.server) as unknown, pytest.raises(ConnectionFailed):
        get(colour, unknown.url, "/x", api_key=SECRET, max_retries=0)
    options = {"verify": certificates.authority, "api_key": SECRET, "max_retries": 0}
    with (
        Server(polite, tls=certificates.misnamed_server) as misnamed,
        pytest.raises(ConnectionFailed),
    ):
        get(colour, misnamed.url, "/x", **options)
    assert unknown.heard == misnamed.heard == []


def test_a_query_value_is_not_in_an_error(colour: Any) -> None:
    """Of a URL an error shows the keys of the query, and no value that may be a credential."""
    script = Script([500])
    with pytest.raises(PenstockError) as caught:
        get(
            colour,
            "https://api.example.com",
            "/x",
            params={"sig": SECRET},
            transport=script,
            max_retries=0,
        )
    assert SECRET not in told(caught.value)
    assert "sig=REDACTED" in str(caught.value)
