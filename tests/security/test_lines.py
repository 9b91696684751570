"""What a server says steers no terminal, and is no line of its own in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.reading import Reading
from tests.transport.server import Server

from penstock import BadRequest, PenstockError, one_line
from penstock.clients.babyapi import BabyAPIError
from penstock.testing import Reply
from penstock_middleware.outcome import of_error

from .support import get, saying

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.support import Rig

ODD = "a\nb\r\x1b[31m\x07\x9b2J\u2028\u202e\ud800"
SPELLED = r"a\nb\r\x1b[31m\x07\x9b2J\u2028\u202e\ud800"
EVENTS = {"Content-Type": "text/event-stream"}
SAYING = {
    "a status": (Reply(400, json={"error": {"message": ODD}}), SPELLED),
    "an id": (Reply(400, headers={"X-Request-Id": "a\x1b[31m"}), r"request id a\x1b[31m"),
    "a type": (Reply(headers={"Content-Type": "a\x1b[31m"}), r"answered with a\x1b[31m,"),
    "an event": (
        Reply(headers=EVENTS, chunks=[b'data: {"error": {"message": "a\\nb\\u001b[2J"}}\n\n']),
        r"a\nb\x1b[2J",
    ),
}


@pytest.mark.parametrize("name", SAYING)
def test_the_text_of_an_error_is_one_line(name: str, rig: Callable[..., Rig]) -> None:
    """Line ends, control characters and what turns the direction of a line are spelled out."""
    reply, said = SAYING[name]
    text = str(Reading(rig([reply], max_retries=0)).error)
    assert said in text
    assert text.isprintable()


def test_the_phrase_of_a_status_is_one_line(colour: Any) -> None:
    """So it is where the server's words come with the status."""
    answer = b"HTTP/1.1 400 a\x1b[31m\r\nContent-Length: 0\r\n\r\n"
    with Server(saying(answer)) as server, pytest.raises(BadRequest) as caught:
        get(colour, server.url, "/x")
    assert str(caught.value).startswith(r"400 a\x1b[31m (GET ")


@pytest.mark.parametrize("error", [PenstockError(ODD), BabyAPIError(ODD, code="a\nb")])
def test_what_is_told_of_an_error_is_one_line(error: PenstockError) -> None:
    """In its text and in logs and spans; the message itself is what was said."""
    assert str(error).startswith(SPELLED)
    assert str(error).isprintable()
    assert of_error(error, ()).message == SPELLED
    assert error.message == ODD


@pytest.mark.parametrize("text", ["", "plain", r"C:\new", "é 日本 😀 👩\u200d🚀"])
def test_a_text_that_is_one_line_stays(text: str) -> None:
    """Nothing else is changed, in any script, and a text that was spelled out is not again."""
    assert one_line(text) == text
    assert one_line(one_line(ODD)) == SPELLED
