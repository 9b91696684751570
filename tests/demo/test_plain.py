"""The plain routes: statuses, echo, redirects, lines, slowness, pages, and paths that are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from penstock.demo import DemoServer


IDS = list(range(1, 24))


@pytest.mark.parametrize("code", [200, 201, 204, 205, 304, 400, 404, 429, 500, 503, 599])
def test_a_status_is_what_was_asked_for(client: httpx.Client, code: int) -> None:
    """`/status/{code}` answers with that status, and the connection goes on."""
    assert client.get(f"/status/{code}").status_code == code
    assert client.get("/status/200").json() == {"status": 200}


@pytest.mark.parametrize("code", ["199", "600", "abc", "20%30x", "²00"])
def test_a_status_that_is_none_is_a_400(client: httpx.Client, code: str) -> None:
    """A code outside 200 to 599 is refused."""
    assert client.get(f"/status/{code}").status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_echo_gives_the_request_back(client: httpx.Client, method: str) -> None:
    """Method, path, query, headers and body come back as JSON."""
    response = client.request(
        method, "/echo?a=1&a=2&b=", headers={"X-Mine": "yes"}, content="grüße".encode()
    )
    told = response.json()
    assert (told["method"], told["path"], told["body"]) == (method, "/echo", "grüße")
    assert told["query"] == [["a", "1"], ["a", "2"], ["b", ""]]
    assert ["X-Mine", "yes"] in told["headers"]


def test_head_is_get_without_the_body(talk: Callable[[bytes], bytes]) -> None:
    """HEAD has the length GET would have, and no body."""
    received = talk(b"HEAD /status/200 HTTP/1.1\r\nHost: demo\r\n\r\n")
    assert b"content-length: 14\r\n" in received
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("count", [1, 3])
def test_a_redirect_chain_ends_at_the_echo(client: httpx.Client, count: int) -> None:
    """`/redirect/n` is n redirects, then `/echo`."""
    response = client.get(f"/redirect/{count}", follow_redirects=True)
    assert [hop.status_code for hop in response.history] == [302] * count
    assert response.json()["path"] == "/echo"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_goes_where_it_is_told(client: httpx.Client, status: int) -> None:
    """`/redirect-to` sends the URL as written, with the status asked for."""
    url = "ftp://elsewhere.example/a?b=c"
    response = client.post("/redirect-to", params={"url": url, "status": status})
    assert (response.status_code, response.headers["location"]) == (status, url)


@pytest.mark.parametrize(
    "query",
    [{}, {"url": ""}, {"url": "/a\r\nX-Evil: 1"}, {"url": "/ü"}, {"url": "/a", "status": "200"}],
)
def test_a_redirect_that_makes_no_sense_is_a_400(
    client: httpx.Client, query: dict[str, str]
) -> None:
    """No URL, one with a line break, and a status that is no redirect are refused."""
    response = client.get("/redirect-to", params=query)
    assert response.status_code == 400
    assert "x-evil" not in response.headers


def test_json_lines_are_five_documents(client: httpx.Client) -> None:
    """`/ndjson` streams five lines, each a JSON document."""
    response = client.get("/ndjson")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["transfer-encoding"] == "chunked"
    documents = [json.loads(line) for line in response.text.splitlines()]
    assert documents == [{"index": index} for index in range(5)]


def test_slow_answers_after_its_seconds(client: httpx.Client) -> None:
    """`/slow` says how long it took; a wait that is no time span is refused."""
    assert client.get("/slow?seconds=0.001").json() == {"seconds": 0.001}
    assert client.get("/slow?seconds=long").status_code == 400


def test_cursor_pages_lead_through_every_item(client: httpx.Client) -> None:
    """Following `next_cursor` to null visits each item once, in order."""
    ids: list[int] = []
    query: dict[str, Any] = {"limit": 5}
    while True:
        page = client.get("/items", params=query).json()
        ids += [item["id"] for item in page["data"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert ids == IDS


def test_link_pages_lead_through_every_item(client: httpx.Client) -> None:
    """Following rel="next" of the Link header visits each item once, in order."""
    ids, url = [], "/pages"
    while url:
        response = client.get(url)
        ids += [item["id"] for item in response.json()]
        url = response.links.get("next", {}).get("url", "")
    assert ids == IDS


def test_link_pages_name_their_neighbours(client: httpx.Client, server: DemoServer) -> None:
    """A middle page links to first, prev, next and last, as absolute URLs."""
    links = client.get("/pages?page=2").links
    pages = {relation: link["url"] for relation, link in links.items()}
    numbers = {"first": 1, "prev": 1, "next": 3, "last": 3}
    assert pages == {name: f"{server.url}/pages?page={page}" for name, page in numbers.items()}


def test_offset_pages_lead_through_every_item(client: httpx.Client) -> None:
    """Adding what came to the offset visits each item once, in order; past the end is empty."""
    ids: list[int] = []
    while True:
        page = client.get("/offset", params={"offset": len(ids), "limit": 7}).json()
        assert (page["offset"], page["limit"], page["total"]) == (len(ids), 7, 23)
        if not page["data"]:
            break
        ids += [item["id"] for item in page["data"]]
    assert ids == IDS


@pytest.mark.parametrize(
    "url", ["/items?cursor=x", "/items?limit=0", "/pages?page=4", "/offset?offset=-1"]
)
def test_a_page_that_is_none_is_a_400(client: httpx.Client, url: str) -> None:
    """A cursor, limit, page or offset that names no page is refused."""
    assert client.get(url).status_code == 400


@pytest.mark.parametrize("path", ["/", "/v2/models", "/v1/models/", "/v1/models/a/b", "/echo/"])
def test_an_unknown_path_is_a_404(client: httpx.Client, path: str) -> None:
    """A path without a route is a 404 in OpenAI's shape."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["message"] == f"Invalid URL (GET {path})"


def test_a_known_path_names_the_methods_it_answers(client: httpx.Client) -> None:
    """A wrong method on a known path is a 405 that lists the right ones."""
    response = client.get("/v1/embeddings")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
