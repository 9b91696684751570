"""Credentials stay with their origin (CVE-2018-18074, CVE-2023-43804, CVE-2026-47265)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.transport.server import Server, polite, proxy

from penstock import RedirectError, ResponseTooLarge

from .support import SECRET, get, redirecting, sent, wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.transport.conftest import Certificates

CREDENTIALS = {
    "X-Api-Key": SECRET,
    "api-key": SECRET,
    "Ocp-Apim-Subscription-Key": SECRET,
    "X-Goog-Api-Key": SECRET,
    "X-Auth-Token": SECRET,
    "X-Amz-Security-Token": SECRET,
    "X-CSRF-Token": SECRET,
    "X-Whatever": SECRET,
    "Referer": f"https://example.com/?token={SECRET}",
}
CARRIED = {
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "host",
    "traceparent",
    "user-agent",
}

ELSEWHERE: dict[str, Callable[[int, int], str]] = {
    "another port": lambda _, away: f"http://localhost:{away}/there",
    "another name of it": lambda home, _: f"http://127.0.0.1:{home}/there",
    "without a scheme": lambda _, away: f"//localhost:{away}/there",
    "in capitals": lambda _, away: f"HTTP://LOCALHOST:{away}/there",
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_credential_follows_a_redirect(where: str, status: int, colour: Any) -> None:
    """Key, cookies and headers of client and call reach the first origin, and no other."""
    with Server(polite) as away, Server(polite) as home:
        home.handler = redirecting(ELSEWHERE[where](home.port, away.port), status)
        for given in ({"api_key": SECRET}, {"headers": {"Authorization": f"Bearer {SECRET}"}}):
            get(
                colour,
                home.url,
                "/start",
                cookies={"session": SECRET},
                call={"headers": CREDENTIALS, "idempotency_key": SECRET},
                **given,
            )
    heard = [*home.heard, *away.heard]
    first = [one for one in heard if one.headers["host"] == f"localhost:{home.port}"]
    others = [one for one in heard if one not in first]
    assert [one.target for one in first] == ["/start", "/start"]
    assert [one.target for one in others] == ["/there", "/there"]
    assert {one.headers["authorization"] for one in first} == {f"Bearer {SECRET}"}
    assert SECRET not in repr(others)
    assert set().union(*(one.headers for one in others)) <= CARRIED


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("http://me:{secret}@localhost:{port}/there", 302),
        ("ftp://localhost:{port}/there", 302),
        ("file:///etc/passwd", 302),
        ("https://xn--a.example/", 302),
        ("https://[::1/", 302),
        ("https://" + "a" * 70_000 + ".example/", 302),
    ],
)
def test_where_no_redirect_leads(location: str, status: int, colour: Any) -> None:
    """Credentials in a Location, other schemes, and what is no URL are a typed error."""
    with Server(polite) as away, Server(polite) as home:
        home.handler = redirecting(location.format(port=away.port, secret=SECRET), status)
        with pytest.raises((RedirectError, ResponseTooLarge)) as caught:
            get(colour, home.url, "/start")
    assert (len(home.heard), away.heard) == (1, [])
    assert SECRET not in repr(caught.value)


def test_a_300_is_an_answer(colour: Any) -> None:
    """A choice is the caller's to make, although it names one."""
    with Server(polite) as away, Server(polite) as home:
        home.handler = redirecting(f"{away.url}/there", 300)
        (response,) = get(colour, home.url, "/start", api_key=SECRET)
    assert (response.status_code, away.heard) == (300, [])


@pytest.mark.parametrize("status", [307, 308])
def test_no_body_follows_a_redirect(status: int, colour: Any) -> None:
    """What was meant for one origin is not sent to another; the error says so."""
    with Server(polite) as away, Server(polite) as home:
        home.handler = redirecting(f"{away.url}/there", status)
        with pytest.raises(RedirectError, match="body"):
            sent(colour, home.url, lambda client: client.post("/start", json={"a": SECRET}))
    assert SECRET not in wire([away])


def test_a_proxy_is_told_its_own_credentials_alone(colour: Any, certificates: Certificates) -> None:
    """CONNECT has them and nothing of the request; the origin has the request and not them.

    CVE-2023-32681, CVE-2024-37891, CVE-2024-24758.
    """
    with (
        Server(polite, tls=certificates.server) as origin,
        Server(proxy("me:proxy-password")) as way,
    ):
        get(
            colour,
            origin.url,
            "/x",
            proxy=f"http://me:proxy-password@127.0.0.1:{way.port}",
            verify=certificates.authority,
            api_key=SECRET,
            cookies={"session": SECRET},
            headers=CREDENTIALS,
        )
    assert [one.method for one in way.heard] == ["CONNECT"]
    assert set(way.heard[0].headers) <= {"accept", "host", "proxy-authorization"}
    assert SECRET not in wire([way])
    assert [one.headers["authorization"] for one in origin.heard] == [f"Bearer {SECRET}"]
    assert "proxy-authorization" not in wire([origin])


def test_a_proxys_credentials_do_not_follow_a_redirect(colour: Any) -> None:
    """A request that a redirect leads past the proxy goes without them."""
    with Server(polite) as away, Server(polite) as way:
        way.handler = redirecting(f"{away.url}/there")
        patterns = {"all://": f"http://me:{SECRET}@127.0.0.1:{way.port}", "all://localhost": None}
        get(colour, "http://home.test", "/start", proxy=patterns)
    assert "proxy-authorization" in way.heard[0].headers
    assert [one.target for one in away.heard] == ["/there"]
    assert set(away.heard[0].headers) <= CARRIED
