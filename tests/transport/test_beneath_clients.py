"""What a client does by itself, it does above a transport of ours as it does above any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock import RetryScheduled
from penstock.testing import Reply, Script

from .above import URL, Rig, client_above, play, played

if TYPE_CHECKING:
    from collections.abc import Callable

    from .colours import Colour

HOME = "https://api.example.com"


def told(response: Any) -> Any:
    """Return what a client's user can tell of a response."""
    return (
        response.status_code,
        str(response.url),
        response.content,
        response.headers.multi_items(),
        [(past.status_code, str(past.url)) for past in response.history],
        dict(response.cookies),
        response.request.headers.multi_items(),
    )


def signing(colour: Colour) -> Any:
    """Return an auth flow that answers a challenge, and wants both bodies."""

    class Signing(colour.family.http.Auth):  # type: ignore[name-defined, misc]  # the family's
        requires_request_body = True
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            response = yield request
            if response.status_code == 401:
                request.headers["Authorization"] = f"Signed {response.text} {len(request.content)}"
                yield request

    return Signing()


CASES: dict[str, tuple[list[Any], Callable[[Colour], dict[str, Any]]]] = {
    "basic auth": ([200], lambda colour: {"auth": ("me", "secret")}),
    "an auth flow": ([Reply(401, text="nonce"), 200], lambda colour: {"auth": signing(colour)}),
    "redirects": (
        [Reply(307, headers={"Location": "/there"}), Reply(302, headers={"Location": "/on"}), 200],
        lambda colour: {"follow_redirects": True},
    ),
    "a redirect away": (
        [Reply(302, headers={"Location": "https://else.example/"}), 200],
        lambda colour: {"follow_redirects": True, "headers": {"Authorization": "Bearer sk"}},
    ),
    "no redirects": ([Reply(302, headers={"Location": "/there"})], lambda colour: {}),
    "cookies": (
        [Reply(302, headers={"Set-Cookie": "a=1; Path=/", "Location": "/next"}), 200],
        lambda colour: {"follow_redirects": True, "cookies": {"b": "2"}},
    ),
    "defaults": (
        [200],
        lambda colour: {"base_url": HOME, "params": {"q": "1"}, "headers": {"X-Own": "y"}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_client_does_what_it_does(case: str, colour: Colour) -> None:
    """Auth, redirects, cookies and defaults of a client give the same above our transport."""
    replies, options = CASES[case]
    rig = Rig(colour, replies, above=options(colour))
    script = Script(replies)
    below = played(script, colour)
    plain = client_above(colour, below, **options(colour))

    async def scenario() -> Any:
        result = plain.request("POST", URL, content=b"body")
        return await result if colour.is_async else result

    assert told(rig.send("POST", content=b"body")) == told(play(colour, scenario))
    assert (rig.below.heads, rig.script.bodies) == (below.heads, script.bodies)


def test_hooks_are_called_once_a_request(colour: Colour) -> None:
    """A client's event hooks see its requests and final responses, not our attempts."""
    seen: list[Any] = []

    def note(message: Any) -> None:
        seen.append(getattr(message, "status_code", None) or message.method)

    async def anote(message: Any) -> None:
        note(message)

    hooks = {"request": [anote if colour.is_async else note]}
    hooks["response"] = hooks["request"]
    rig = Rig(colour, [503, 503, 200], above={"event_hooks": hooks})
    rig.send()
    assert seen == ["GET", 200]
    assert len(rig.script.requests) == 3


def test_each_step_of_a_client_has_attempts_of_its_own(colour: Colour) -> None:
    """A redirect that the client follows is another request to us, with all its attempts."""
    moved = Reply(302, headers={"Location": "/there"})
    rig = Rig(colour, [503, moved, 503, 200], above={"follow_redirects": True}, max_retries=1)
    assert rig.send().status_code == 200
    assert len(rig.kinds(RetryScheduled)) == 2


def test_a_clients_defaults_go_down(colour: Colour) -> None:
    """The client's user agent stands, and its extensions reach the transport below."""
    rig = Rig(colour, above={"headers": {"User-Agent": "sdk/1"}})
    rig.send(extensions={"sni_hostname": "inner.example"})
    sent = rig.script.requests[0]
    assert sent.headers["user-agent"] == "sdk/1"
    assert sent.extensions["sni_hostname"] == "inner.example"
