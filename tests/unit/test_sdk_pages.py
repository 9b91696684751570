"""Lists that come in pages and signed URLs, as a resource's operations have them."""

from __future__ import annotations

import json
import traceback
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict

from penstock import (
    API,
    REMOVE,
    Async,
    AsyncAPI,
    AsyncItemPages,
    BaseAPI,
    Colour,
    Cursor,
    DecodeError,
    ItemPages,
    Items,
    Model,
    PenstockError,
    RequestOptions,
    Sync,
    operation,
    streamed,
    streaming_as,
)
from penstock.sdk.signed import signed_options
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Colour as Colouring


class Thing(Model):
    id: int


class Item(BaseModel):
    model_config = ConfigDict(strict=True)

    id: int
    made: date


class AcmeError(PenstockError):
    """Everything that goes wrong at Acme."""


class _Acme(BaseAPI[Colour]):
    def __init__(self, script: Script, **options: Any) -> None:
        client = self._make_client(
            "https://api.example.com",
            transport=script,
            clock=VirtualClock(),
            api_key="acme-example-key",
            **options,
        )
        super().__init__(client, lambda error: AcmeError(error.message))

    @streaming_as(ItemPages[Thing], AsyncItemPages[Thing])
    def things(self, **call: Any) -> Any:
        return self._pages(Thing, "/things", by=Cursor("next"), items="data", **call)

    @streaming_as(ItemPages[Item], AsyncItemPages[Item])
    def items(self, **call: Any) -> Any:
        return self._pages(Item, "/items", by=Cursor("next"), items="data", **call)

    @operation
    async def item(self) -> Item:
        return await self._fetch(Item, "GET", "/item")

    @operation
    async def both(self) -> list[Item]:
        return await self._fetch(list[Item], "GET", "/items")

    @streamed
    def feed(self) -> Items[Item]:
        return self._stream("GET", "/feed", lambda event: None if event.done else event.parse(Item))

    @operation
    async def fetch(self, url: str, **call: Any) -> bytes:
        response = await self._signed("GET", url, **call)
        return response.content


class Acme(_Acme[Sync], API):
    pass


class AsyncAcme(_Acme[Async], AsyncAPI):
    pass


def acme(colour: Colouring, replies: list[Any], **options: Any) -> tuple[Any, Script]:
    script = Script(replies)
    return (AsyncAcme if colour.is_async else Acme)(script, **options), script


TWO = [{"data": [{"id": 1}, {"id": 2}], "next": "b"}, {"data": [{"id": 3}], "next": None}]


def test_items_are_models(colour: Colouring) -> None:
    """Items of all pages come in order, each as the API's own model."""
    client, script = acme(colour, TWO)
    things = colour.events(client.things(params={"limit": 2}, limit=3))
    assert [(type(thing), thing.id) for thing in things] == [(Thing, 1), (Thing, 2), (Thing, 3)]
    assert [str(request.url.query, "ascii") for request in script.requests] == [
        "limit=2",
        "limit=2&cursor=b",
    ]


MADE = {"id": 1, "made": "2026-01-02"}
NOT_MADE = {"id": "hush", "made": "2026-01-02"}
FEED = {"Content-Type": "text/event-stream"}
ANSWERS: dict[str, Callable[[Any], Any]] = {
    "item": lambda answer: answer,
    "both": lambda answer: [answer],
    "items": lambda answer: {"data": [answer], "next": None},
    "feed": lambda answer: Reply(
        headers=FEED, text=f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n"
    ),
}


def answered(colour: Colouring, name: str, answer: Any) -> Any:
    """Return what the operation *name* gives for *answer*."""
    client, _ = acme(colour, [Reply(json=answer) if isinstance(answer, list) else answer])
    made = getattr(client, name)
    return colour.events(made()) if name in {"items", "feed"} else colour.run(made)


@pytest.mark.parametrize("name", ANSWERS)
def test_models_of_pydantic(name: str, colour: Colouring) -> None:
    """What comes back, in pages and in streams too, is validated as JSON, also in strict models."""
    result = answered(colour, name, ANSWERS[name](MADE))
    item = Item(id=1, made=date(2026, 1, 2))
    assert result == (item if name == "item" else [item])


@pytest.mark.parametrize("name", ANSWERS)
def test_what_does_not_fit_is_the_apis_own_error(name: str, colour: Colouring) -> None:
    """It says where, shows no value, knows its call, and has the `DecodeError` as its cause."""
    with pytest.raises(AcmeError, match=r"\.id: int_type") as caught:
        answered(colour, name, ANSWERS[name](NOT_MADE))
    error = caught.value
    assert isinstance(error.__cause__, DecodeError)
    assert (error.method, error.elapsed is not None) == ("GET", True)
    assert "hush" not in "".join(traceback.format_exception(error))


def test_half_a_surrogate_is_no_item(colour: Colouring) -> None:
    """Text that no UTF-8 has is the API's own error as well."""
    with pytest.raises(AcmeError):
        answered(colour, "items", Reply(text='{"data": ["\\ud800"], "next": null}'))


def test_pages_hold_models(colour: Colouring) -> None:
    """`pages()` begins anew, at the first page."""
    client, _ = acme(colour, TWO)
    pages = colour.events(client.things().pages())
    assert [[thing.id for thing in page.items] for page in pages] == [[1, 2], [3]]


@pytest.mark.parametrize(
    "reply", [Reply(404), Reply(text="no"), {"data": 1}, {"data": [1]}, {"data": [], "next": [1]}]
)
def test_errors_are_the_apis_own(colour: Colouring, reply: Any) -> None:
    """Whatever is wrong with a page is the API's own error, and knows the call."""
    client, _ = acme(colour, [reply])
    with pytest.raises(AcmeError) as caught:
        colour.events(client.things(operation="things.list"))
    error = caught.value
    assert (error.method, error.operation) == ("GET", "things.list")
    assert isinstance(error.__cause__, PenstockError)


def test_a_page_can_be_asked_for_again(colour: Colouring) -> None:
    """A page that failed is asked for again by whoever goes on."""
    client, script = acme(colour, [Reply(404), TWO[1]])
    things = client.things()
    with pytest.raises(AcmeError):
        colour.events(things)
    assert [thing.id for thing in colour.events(things)] == [3]
    assert script.left == 0


def test_a_signed_url_gets_nothing_of_the_clients(colour: Colouring) -> None:
    """A signed URL is asked as it stands, with what its storage is to be told and no more."""
    client, script = acme(
        colour, [Reply(content=b"1")], headers={"X-Own": "1"}, params={"own": 1}, cookies={"a": "b"}
    )
    url = "https://api.example.com/file?sig=s"
    told = {"headers": {"X-Call": "1"}, "params": {"call": 1}, "api_key": "of-the-call"}
    sent = colour.run(lambda: client.fetch(url, headers={"X-Told": "1"}, request_options=told))
    request = script.requests[0]
    assert (sent, str(request.url), request.headers["X-Told"]) == (b"1", url, "1")
    assert not {"x-own", "x-call", "authorization", "cookie"} & set(request.headers)


def test_a_signed_url_that_refuses_is_an_error(colour: Colouring) -> None:
    """A refusal is an error, although the client says that statuses are none."""
    client, _ = acme(colour, [Reply(403)], raise_for_status=False)
    with pytest.raises(AcmeError):
        colour.run(lambda: client.fetch("https://files.example.com/1"))


def test_what_holds_at_a_signed_url() -> None:
    """Limits and telemetry hold, seconds bound each phase, and nothing else goes along."""
    inherited = RequestOptions(timeout=30, headers={"X-Own": "1"}, params={"own": 1})
    given = RequestOptions(
        deadline=9, max_retries=1, log_fields={"a": 1}, headers={"X-Call": "1"}, idempotency_key="k"
    )
    options = signed_options(inherited, given, {"Accept": "*/*"})
    assert (options.deadline, options.max_retries, options.log_fields) == (9, 1, {"a": 1})
    assert (options.timeout.connect, options.timeout.read) == (30, 30)
    assert (options.idempotency_key, options.allow_absolute) == (None, True)
    assert options.headers == {
        "x-own": REMOVE,
        "authorization": REMOVE,
        "cookie": REMOVE,
        "Accept": "*/*",
    }
    assert options.params == {"own": REMOVE}
    assert signed_options(inherited, {"timeout": None}, {}).timeout is None


def test_a_decode_error_is_a_cause(colour: Colouring) -> None:
    """An item that is no object is a `DecodeError` underneath."""
    client, _ = acme(colour, [{"data": ["x"]}])
    with pytest.raises(AcmeError, match="str") as caught:
        colour.events(client.things())
    assert isinstance(caught.value.__cause__, DecodeError)
