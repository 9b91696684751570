"""Bayt's operations: what they send and what they return, in every colour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import RequestOptions, Stack
from penstock.clients.bayt import (
    BaytAPIError,
    BaytNotFoundError,
    BaytValidationError,
    Prompt,
    PromptPage,
)
from penstock.testing import Reply

from .bayt_support import KEY, PROMPT, Rig

if TYPE_CHECKING:
    from tests.conftest import Colour

SIGNED = "https://storage.example.com/faq.pdf?X-Amz-Signature=sssseeeecccc"
LINK = {"url": SIGNED, "expiresIn": 3600}


def test_get_prompt_posts_the_package_name(colour: Colour) -> None:
    """`get_prompt` posts the name as JSON with the key, and gives the prompt."""
    rig = Rig(colour, [PROMPT])
    prompt = rig.run(lambda client: client.get_prompt("@workspace/support:v1"))
    request = rig.script.requests[0]
    assert rig.sent == ["POST /v1/prompts/get"]
    assert json.loads(rig.script.bodies[0]) == {"package_name": "@workspace/support:v1"}
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Content-Type"] == "application/json"
    assert request.url.host == "api.baytos.ai"
    assert isinstance(prompt, Prompt)
    assert prompt == PROMPT


@pytest.mark.parametrize("name", ["@a/b:v1", "@a/b:latest", "@a-1/b_2:v1:v2", "@a/b"])
def test_a_well_formed_name_is_sent(colour: Colour, name: str) -> None:
    """Letters, digits, hyphens and underscores make a name; a version may be left to Bayt."""
    rig = Rig(colour, [PROMPT])
    rig.run(lambda client: client.get_prompt(name))
    assert json.loads(rig.script.bodies[0]) == {"package_name": name}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "support",
        "workspace/support:v1",
        "@workspace",
        "@workspace/:v1",
        "@/support:v1",
        "@workspace/support:",
        "@workspace/support:v1\n",
        "@workspace/support:v 1",
        "@work space/support:v1",
        "@../support:v1",
        "@workspace/a/b:v1",
        None,
        7,
    ],
)
def test_an_ill_formed_name_sends_nothing(colour: Colour, name: Any) -> None:
    """A name that is none is a `BaytValidationError`, before any request."""
    rig = Rig(colour, [])
    with pytest.raises(BaytValidationError, match="@namespace/slug:version"):
        rig.run(lambda client: client.get_prompt(name))
    assert rig.sent == []


def test_list_prompts_gives_a_page(colour: Colour) -> None:
    """`list_prompts` asks for 20; a page has prompts, a cursor and whether there is more."""
    rig = Rig(colour, [{"prompts": [PROMPT], "cursor": "c2", "hasMore": True}])
    page = rig.run(lambda client: client.list_prompts())
    assert rig.sent == ["GET /v1/prompts?limit=20"]
    assert isinstance(page, PromptPage)
    assert [prompt.title for prompt in page.prompts] == ["Support"]
    assert [prompt.title for prompt in page["prompts"]] == ["Support"]
    assert (page.cursor, page["cursor"], page.hasMore, page["hasMore"], page.has_more) == (
        *("c2", "c2"),
        *(True, True, True),
    )


def test_list_prompts_goes_on_from_a_cursor(colour: Colour) -> None:
    """A cursor goes into the query, an empty one does not."""
    rig = Rig(colour, [{"prompts": []}, {"prompts": []}])
    rig.run(lambda client: client.list_prompts(5, "c/2"))
    rig.run(lambda client: client.list_prompts(limit=100, cursor=""))
    assert rig.sent == ["GET /v1/prompts?limit=5&cursor=c%2F2", "GET /v1/prompts?limit=100"]


@pytest.mark.parametrize("limit", [0, 101, -1, "20", 1.5, True, None])
@pytest.mark.parametrize("method", ["list_prompts", "iter_prompts"])
def test_a_limit_is_from_1_to_100(colour: Colour, method: str, limit: Any) -> None:
    """Any other limit is a `BaytValidationError`, before any request."""
    rig = Rig(colour, [])
    with pytest.raises(BaytValidationError, match="1 to 100"):
        rig.run(lambda client: getattr(client, method)(limit=limit))
    assert rig.sent == []


PAGES = {
    "hasMore decides": [
        {"prompts": [{"id": "a"}, {"id": "b"}], "cursor": "c2", "hasMore": True},
        {"prompts": [], "cursor": "c3", "hasMore": True},
        {"prompts": [{"id": "c"}], "cursor": "c4", "hasMore": False},
    ],
    "without it the cursor does": [
        {"prompts": [{"id": "a"}, {"id": "b"}], "cursor": "c2"},
        {"prompts": [], "cursor": "c3"},
        {"prompts": [{"id": "c"}], "cursor": None},
    ],
}


@pytest.mark.parametrize("replies", PAGES.values(), ids=PAGES)
def test_iter_prompts_pages_by_itself(colour: Colour, replies: list[Any]) -> None:
    """`iter_prompts` follows cursors to the last page and gives every prompt once."""
    rig = Rig(colour, replies)
    prompts = rig.all(lambda client: client.iter_prompts(limit=2))
    assert [prompt.id for prompt in prompts] == ["a", "b", "c"]
    assert all(isinstance(prompt, Prompt) for prompt in prompts)
    assert rig.sent == [
        "GET /v1/prompts?limit=2",
        "GET /v1/prompts?limit=2&cursor=c2",
        "GET /v1/prompts?limit=2&cursor=c3",
    ]


def test_iter_prompts_fetches_what_is_looked_at(colour: Colour) -> None:
    """Nothing is sent before the first prompt is asked for, and no page before its time."""
    rig = Rig(colour, PAGES["hasMore decides"])
    iterator = rig.client.iter_prompts()
    assert rig.sent == []
    rig.run(lambda _: anext(iterator) if colour.is_async else next(iterator))
    assert rig.sent == ["GET /v1/prompts?limit=100"]


def test_the_pages_of_iter_prompts(colour: Colour) -> None:
    """`pages()` gives the pages themselves, with their responses."""
    rig = Rig(colour, PAGES["hasMore decides"])
    pages = rig.all(lambda client: client.iter_prompts(limit=2, cursor="c1").pages())
    assert [[prompt.id for prompt in page.items] for page in pages] == [["a", "b"], [], ["c"]]
    assert [page.has_next for page in pages] == [True, True, False]
    assert [page.response.status_code for page in pages] == [200] * 3
    assert rig.sent[0] == "GET /v1/prompts?limit=2&cursor=c1"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(text="<html>"), "JSON"),
        ({"prompts": {}}, "prompts"),
        ({"prompts": ["x"]}, "str"),
        ({"prompts": [], "hasMore": True}, "cursor"),
        (Reply(500, json={"error": "down"}), "500.*down"),
    ],
    ids=["text", "no list", "no prompt", "no cursor", "status"],
)
def test_a_page_that_fails_is_bayts_error(colour: Colour, reply: Any, says: str) -> None:
    """Whatever is wrong with a page is a `BaytAPIError` that knows the call."""
    rig = Rig(colour, [reply], max_retries=0)
    with pytest.raises(BaytAPIError, match=says) as caught:
        rig.all(lambda client: client.iter_prompts())
    assert caught.value.url is not None
    assert caught.value.url.startswith("https://api.baytos.ai/v1/prompts")


def test_a_page_that_failed_may_be_asked_for_again(colour: Colour) -> None:
    """After an error the iterator goes on with the page that failed."""
    first, *rest = PAGES["hasMore decides"]
    rig = Rig(colour, [first, 404, *rest])
    iterator = rig.client.iter_prompts()
    got: list[str] = []

    async def read() -> None:
        async for prompt in iterator:
            got.append(prompt.id)  # noqa: PERF401 - what came before an error stays

    def read_on() -> Any:
        return read() if colour.is_async else got.extend(prompt.id for prompt in iterator)

    with pytest.raises(BaytNotFoundError):
        rig.run(lambda _: read_on())
    rig.run(lambda _: read_on())
    assert got == ["a", "b", "c"]


def test_get_context_download_url(colour: Colour) -> None:
    """The URL of a file comes with the seconds it works for, and its signature shows in no repr."""
    rig = Rig(colour, [LINK])
    link = rig.run(lambda client: client.get_context_download_url("ctx 1"))
    assert rig.sent == ["GET /api/v1/prompts/context/download-url?contextId=ctx+1"]
    assert (link.url, link["url"]) == (SIGNED, SIGNED)
    assert (link.expiresIn, link["expiresIn"], link.expires_in, link["expires_in"]) == (3600,) * 4
    assert "sssseeeecccc" not in repr(link)


def test_download_context_file(colour: Colour) -> None:
    """The file comes as bytes, and its storage learns nothing of the client."""
    rig = Rig(
        colour,
        [LINK, Reply(content=b"%PDF")],
        headers={"X-App-Version": "1.2.3", "X-Token": "ours"},
        params={"tenant": "acme"},
        cookies={"session": "ours"},
    )
    assert rig.run(lambda client: client.download_context_file("ctx_1")) == b"%PDF"
    asked, fetched = rig.script.requests
    assert asked.headers["X-App-Version"] == "1.2.3"
    assert str(fetched.url) == SIGNED
    assert {"authorization", "cookie", "x-app-version", "x-token"} & set(fetched.headers) == set()
    assert fetched.headers["Accept"] == "*/*"


def test_a_signed_url_at_bayts_own_origin_gets_no_credentials(colour: Colour) -> None:
    """Not even where the storage is at the API's origin does anything of the client's go along."""
    signed = "https://bayt.example.com/files/1?sig=s"
    rig = Rig(
        colour,
        [{"url": signed}, Reply(content=b"1")],
        base_url="https://bayt.example.com",
        headers={"X-Token": "ours"},
        params={"tenant": "acme"},
        cookies={"session": "ours"},
    )
    options = {"headers": {"X-Mine": "1"}, "params": {"mine": "1"}, "idempotency_key": "k"}
    rig.run(lambda client: client.download_context_file("ctx_1", request_options=options))
    asked, fetched = rig.script.requests
    assert {"authorization", "x-mine", "x-token", "cookie", "idempotency-key"} <= set(asked.headers)
    assert str(fetched.url) == signed
    assert not {"authorization", "x-mine", "x-token", "cookie", "idempotency-key"} & set(
        fetched.headers
    )


def test_a_callers_client_sends_a_signed_url_no_credentials(colour: Colour) -> None:
    """Nor do the headers, cookies and credentials of the caller's own HTTP client."""
    rig = Rig(colour, [LINK, Reply(content=b"1")])
    make: Any = httpx.AsyncClient if colour.is_async else httpx.Client
    own = make(
        transport=rig.script,
        auth=("user", "password"),
        headers={"Authorization": "Basic x"},
        cookies={"session": "theirs"},
    )
    client = type(rig.client)(KEY, http_client=own, clock=rig.clock)
    assert rig.run(lambda _: client.download_context_file("ctx_1")) == b"1"
    fetched = rig.script.requests[1]
    assert str(fetched.url) == SIGNED
    assert not {"authorization", "cookie"} & set(fetched.headers)
    assert not own.is_closed


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_of_the_storage_is_a_plain_error(colour: Colour, status: int) -> None:
    """What the storage says is nothing about key or prompt: a plain `BaytAPIError`, no secret."""
    rig = Rig(colour, [LINK, Reply(status, text="Expired")])
    with pytest.raises(BaytAPIError, match="could not be downloaded") as caught:
        rig.run(lambda client: client.download_context_file("ctx_1"))
    assert type(caught.value) is BaytAPIError
    assert caught.value.status_code == status
    assert caught.value.operation == "contexts.download"
    assert len(caught.value.attempts) == 1
    assert "sssseeeecccc" not in f"{caught.value} {caught.value.url}"


def test_a_download_is_tried_again(colour: Colour) -> None:
    """A busy storage and a body that breaks off are tried again, like everything else."""
    broken = Reply(headers={"Content-Length": "4"}, chunks=[b"%P", httpx.ReadError("reset")])
    rig = Rig(colour, [LINK, 503, broken, Reply(content=b"%PDF")])
    assert rig.run(lambda client: client.download_context_file("ctx_1")) == b"%PDF"
    assert rig.clock.sleeps == [1.0, 2.0]
    assert rig.script.open == 0


def test_a_long_download_may_take_longer_than_the_timeout(colour: Colour) -> None:
    """A timeout bounds each phase of a download, and its request options hold for it."""
    slowly = Reply(chunks=[b"a", 40.0, b"b"])
    rig = Rig(colour, [LINK, slowly, LINK, Reply(content=b"c")])
    assert rig.run(lambda client: client.download_context_file("ctx_1")) == b"ab"
    given = RequestOptions(timeout=7)
    rig.run(lambda client: client.download_context_file("ctx_1", request_options=given))
    limits = rig.script.requests[3].extensions["timeout"]
    assert [float(limits[phase]) for phase in ("connect", "read", "write", "pool")] == [7.0] * 4


@pytest.mark.parametrize("link", [{}, {"url": None}, {"url": ""}, {"url": "ftp://x"}, {"url": 7}])
def test_a_link_that_is_none_is_an_error(colour: Colour, link: dict[str, Any]) -> None:
    """Where Bayt gives no URL, nothing is fetched."""
    rig = Rig(colour, [link])
    with pytest.raises(BaytAPIError, match="no URL"):
        rig.run(lambda client: client.download_context_file("ctx_1"))
    assert len(rig.sent) == 1


CALLS: dict[str, Any] = {
    "get_prompt": (lambda client, **o: client.get_prompt("@a/b:v1", **o), PROMPT),
    "list_prompts": (lambda client, **o: client.list_prompts(**o), {"prompts": []}),
    "get_context_download_url": (
        lambda client, **o: client.get_context_download_url("c", **o),
        LINK,
    ),
}


@pytest.mark.parametrize(
    "options", [{"headers": {"X-Mine": "1"}}, RequestOptions(headers={"X-Mine": "1"})]
)
@pytest.mark.parametrize("name", CALLS)
def test_every_operation_takes_request_options(colour: Colour, name: str, options: Any) -> None:
    """`request_options` is an object or a dict, on every operation."""
    call, reply = CALLS[name]
    rig = Rig(colour, [reply])
    rig.run(lambda client: call(client, request_options=options))
    assert rig.script.requests[0].headers["X-Mine"] == "1"


def test_iter_prompts_takes_request_options(colour: Colour) -> None:
    """`request_options` hold for each of its calls."""
    rig = Rig(colour, PAGES["hasMore decides"])
    rig.all(lambda client: client.iter_prompts(request_options={"headers": {"X-Mine": "1"}}))
    assert [request.headers["X-Mine"] for request in rig.script.requests] == ["1"] * 3


@pytest.mark.parametrize("name", CALLS)
def test_with_raw_response(colour: Colour, name: str) -> None:
    """`with_raw_response` gives status, headers, attempts and the parsed result."""
    call, reply = CALLS[name]
    rig = Rig(colour, [503, Reply(json=reply, headers={"X-Request-Id": "r-1"})])
    raw = rig.run(lambda client: call(client.with_raw_response))
    assert (raw.status_code, raw.headers["x-request-id"]) == (200, "r-1")
    assert [attempt.status for attempt in raw.attempts] == [503, 200]
    assert raw.parsed.to_dict() == reply


def test_with_options_is_a_view(colour: Colour) -> None:
    """A view has its own options, and its parent keeps its own."""
    rig = Rig(colour, [503, 503, PROMPT])
    view = rig.client.with_options(max_retries=0)
    with pytest.raises(BaytAPIError):
        rig.run(lambda _: view.get_prompt("@a/b:v1"))
    assert (view.max_retries, rig.client.max_retries) == (0, 3)
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert len(rig.sent) == 3


def test_middleware_sees_a_call_once(colour: Colour) -> None:
    """The user's middleware stands just outside `Retry`."""
    seen: list[str] = []

    async def watch(request: Any, call_next: Any) -> Any:
        seen.append(request.url.path)
        return await call_next(request)

    rig = Rig(colour, [503, PROMPT], middleware=[watch])
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert seen == ["/v1/prompts/get"]


def test_a_stack_of_the_users_own(colour: Colour) -> None:
    """`stack=` replaces the client's, and still gets its values; errors are Bayt's all the same."""
    rig = Rig(colour, [Reply(404), PROMPT], stack=Stack.standard())
    with pytest.raises(BaytNotFoundError):
        rig.run(lambda client: client.get_prompt("@a/b:v1"))
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert rig.script.requests[1].headers["Authorization"] == f"Bearer {KEY}"
