"""`paginate`: every rule in every colour, what is never asked, what goes to no other origin."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import TYPE_CHECKING, Any, assert_type

import httpx
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock
from penstock import (
    UNSET,
    AsyncPages,
    ConnectionFailed,
    Cursor,
    DecodeError,
    InvalidOption,
    LinkHeader,
    NextURL,
    NotFound,
    Offset,
    PageNumber,
    PageRequest,
    Pages,
    PaginationError,
    PenstockError,
    Stack,
    paginate,
)
from penstock.demo import DemoServer
from penstock.middleware import Auth
from penstock.pages.links import link_of
from penstock.pages.page import field_of
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "https://api.example.com/v1"
KEY = "sk-secret-key"


def linked(items: list[int], target: str | None) -> Reply:
    """A page as a bare list, with a Link header."""
    headers = {} if target is None else {"Link": f'<{target}>; rel="next"'}
    return Reply(json=items, headers=headers) if items else Reply(content=b"[]", headers=headers)


def paths(script: Script) -> list[str]:
    return [request.url.raw_path.decode() for request in script.requests]


def take(colour: Any, pages: Any, count: int) -> list[Any]:
    """The next few of an iterator of this colour."""
    if not colour.is_async:
        return list(islice(pages, count))

    async def several() -> list[Any]:
        return [await anext(pages) for _ in range(count)]

    return colour.run(several)  # type: ignore[no-any-return]


CURSORS: list[Any] = [
    {"data": [1, 2], "next": "b", "more": True},
    {"data": [], "next": "c", "more": True},
    {"data": [3], "next": None, "more": False},
]

RULES: dict[str, tuple[Any, str | None, list[Any], list[str]]] = {
    "cursor": (
        Cursor("next"),
        "data",
        CURSORS,
        ["/v1/items", "/v1/items?cursor=b", "/v1/items?cursor=c"],
    ),
    "cursor that is on the last page too": (
        Cursor("data.-1.id", param="after", more="has_more"),
        "data",
        [
            {"data": [{"id": 1}, {"id": 2}], "has_more": True},
            {"data": [{"id": 3}], "has_more": False},
        ],
        ["/v1/items", "/v1/items?after=2"],
    ),
    "cursor left out at the end": (
        Cursor("meta.next", param="page[after]"),
        "meta.data",
        [{"meta": {"data": [1], "next": 7}}, {"meta": {"data": [2]}}],
        ["/v1/items", "/v1/items?page%5Bafter%5D=7"],
    ),
    "offset with a total": (
        Offset(total="total"),
        "data",
        [{"data": [1, 2], "total": 3}, {"data": [3], "total": 3}],
        ["/v1/items", "/v1/items?offset=2"],
    ),
    "offset until an empty page": (
        Offset("skip"),
        None,
        [Reply(json=[1, 2]), Reply(json=[3]), Reply(content=b"[]")],
        ["/v1/items", "/v1/items?skip=2", "/v1/items?skip=3"],
    ),
    "offset until no content": (
        Offset(),
        "data",
        [{"data": [1], "total": None}, 204],
        ["/v1/items", "/v1/items?offset=1"],
    ),
    "page number with a last page": (
        PageNumber(pages="pages"),
        "data",
        [{"data": [1], "pages": 2}, {"data": [2], "pages": 2}],
        ["/v1/items", "/v1/items?page=2"],
    ),
    "page number from zero, with a flag": (
        PageNumber("p", start=0, more="more"),
        "data",
        [{"data": [1], "more": True}, {"data": [2]}],
        ["/v1/items", "/v1/items?p=1"],
    ),
    "page number until a null": (
        PageNumber(),
        "data",
        [{"data": [1]}, {"data": None}],
        ["/v1/items", "/v1/items?page=2"],
    ),
    "link, relative": (
        LinkHeader(),
        None,
        [linked([1], "?page=2"), linked([2], "/v1/items?page=3"), linked([3], None)],
        ["/v1/items", "/v1/items?page=2", "/v1/items?page=3"],
    ),
    "link, absolute at the base URL": (
        LinkHeader(),
        None,
        [linked([1], f"{BASE}/items?page=2#top"), linked([2], None)],
        ["/v1/items", "/v1/items?page=2"],
    ),
    "link, beside the base URL": (
        LinkHeader(),
        None,
        [linked([1], "https://api.example.com:443/v10/items"), linked([2], None)],
        ["/v1/items", "/v10/items"],
    ),
    "URL in the body": (
        NextURL("@odata.nextLink"),
        "value",
        [{"value": [1], "@odata.nextLink": f"{BASE}/items?$skip=1"}, {"value": [2]}],
        ["/v1/items", "/v1/items?$skip=1"],
    ),
    "a function": (
        lambda page: PageRequest(f"/items/{page.data['then']}") if page.data["then"] else None,
        "data",
        [{"data": [1], "then": "b"}, {"data": [2], "then": 0}],
        ["/v1/items", "/v1/items/b"],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_walks_the_whole_list_in_order(colour: Any, rule: str) -> None:
    """Each rule asks for every page once, and the items come in the server's order."""
    by, items, replies, expected = RULES[rule]
    script = Script(replies)
    client = colour.client(BASE, transport=script)
    found = colour.events(paginate(client, "/items", by=by, items=items))
    numbers = [item["id"] if isinstance(item, dict) else item for item in found]
    assert numbers == list(range(1, len(numbers) + 1))
    assert paths(script) == expected
    assert script.left == 0


@pytest.mark.parametrize(
    ("path", "by", "items", "size"),
    [
        ("/items", Cursor("next_cursor"), "data", 3),
        ("/items", Cursor("next_cursor", more="has_more"), "data", 3),
        ("/pages", LinkHeader(), None, 3),
        ("/offset", Offset(total="total"), "data", 3),
        ("/offset", Offset(), "data", 4),
    ],
    ids=["cursor", "cursor and flag", "link", "offset and total", "offset"],
)
def test_the_demo_server_is_walked(
    colour: Any, path: str, by: Any, items: str | None, size: int
) -> None:
    """Over a real socket, each way of paging gives all 23 items."""
    with DemoServer() as server:

        def whole() -> Any:
            client = colour.client(server.url, trust_env=False)
            if not colour.is_async:
                with client:
                    return [item["id"] for item in paginate(client, path, by=by, items=items)]
            return awhole(client)

        async def awhole(client: Any) -> list[int]:
            async with client:
                return [item["id"] async for item in paginate(client, path, by=by, items=items)]

        assert colour.run(whole) == list(range(1, 24))
        assert len(server.requests) == size


def test_pages_have_their_items_response_and_next_request(colour: Any) -> None:
    """`.pages()` gives each page with all that was known about it."""
    client = colour.client(BASE, transport=Script(CURSORS))
    walk = paginate(client, "/items", by=Cursor("next"), items="data", params={"limit": 2})
    first, second, third = colour.events(walk.pages())
    assert (first.items, first.data, first.has_next) == ([1, 2], CURSORS[0], True)
    assert first.response.json() == first.data
    assert first.asked == PageRequest("/items", {"limit": 2})
    assert first.next == second.asked == PageRequest("/items", {"limit": 2, "cursor": "b"})
    assert (third.items, third.next, third.has_next) == ([3], None, False)


def test_a_walk_is_resumed_from_what_a_page_names(colour: Any) -> None:
    """URL and parameters of `Page.next` start a walk where another one ended."""
    script = Script([linked([1], f"{BASE}/items?page=2&a=%20b"), linked([2], None)])
    client = colour.client(BASE, params={"version": "7"}, transport=script)
    [page] = take(colour, paginate(client, "/items", by=LinkHeader()).pages(), 1)
    resumed = paginate(client, page.next.url, params=page.next.params, by=LinkHeader())
    assert colour.events(resumed) == [2]
    assert page.next == PageRequest("/items?page=2&a=%20b")


def test_nothing_is_asked_before_it_is_needed(colour: Any) -> None:
    """The first page is fetched for the first item, the next for an item the first has not."""
    script = Script(CURSORS)
    walk = paginate(
        colour.client(BASE, transport=script), "/items", by=Cursor("next"), items="data"
    )
    assert len(script.requests) == 0
    assert take(colour, walk, 2) == [1, 2]
    assert len(script.requests) == 1
    assert take(colour, walk, 1) == [3]
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("bounds", "expected", "sent"),
    [
        ({"limit": 0}, [], 0),
        ({"max_pages": 0}, [], 0),
        ({"limit": 1}, [1], 1),
        ({"limit": 2}, [1, 2], 1),
        ({"limit": 3}, [1, 2, 3], 3),
        ({"limit": 99}, [1, 2, 3], 3),
        ({"max_pages": 1}, [1, 2], 1),
        ({"max_pages": 2}, [1, 2], 2),
        ({"max_pages": 3, "limit": 1}, [1], 1),
    ],
    ids=str,
)
def test_bounds_end_a_walk_and_cost_no_request(
    colour: Any, bounds: dict[str, Any], expected: list[int], sent: int
) -> None:
    """No page is fetched that lies beyond `limit` items or `max_pages`, by item or by page."""
    for by_page in (False, True):
        script = Script(CURSORS)
        client = colour.client(BASE, transport=script)
        walk = paginate(client, "/items", by=Cursor("next"), items="data", **bounds)
        found = colour.events(walk.pages() if by_page else walk)
        if by_page:
            found = [item for page in found for item in page.items]
        assert found == expected
        assert len(script.requests) == sent


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6), st.none() | st.integers(0, 25), st.data()
)
@settings(max_examples=60)
def test_however_a_list_is_cut_into_pages_it_comes_whole(
    sizes: list[int], limit: int | None, data: st.DataObject
) -> None:
    """The items are those of the list up to the limit, and no page beyond it is asked for."""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    every = list(range(sum(sizes)))
    most = data.draw(st.none() | st.integers(0, 8))

    def serve(request: httpx.Request) -> dict[str, Any]:
        number = int(request.url.params.get("at", "0"))
        page = every[starts[number] : starts[number] + sizes[number]]
        return {"data": page, "at": number + 1 if number + 1 < len(sizes) else None}

    script = Script([serve], forever=True)
    client = penstock.Client(BASE, transport=script)
    walk = paginate(
        client, "/", by=Cursor("at", param="at"), items="data", limit=limit, max_pages=most
    )
    reached = every if most is None else every[: sum(sizes[:most])]
    assert list(walk) == reached[:limit]
    needed = sum(limit is None or start < limit for start in starts)
    assert len(script.requests) == (needed if most is None else min(needed, most))


def test_a_page_cut_by_the_limit_still_tells_whether_there_is_more(colour: Any) -> None:
    """`has_next` is the server's word, wherever the caller stops."""
    client = colour.client(BASE, transport=Script(CURSORS))
    walk = paginate(client, "/items", by=Cursor("next"), items="data", limit=1)
    [page] = colour.events(walk.pages())
    assert (page.items, page.has_next) == ([1], True)


REPEATS: dict[str, tuple[Any, str | None, list[Any], int]] = {
    "one cursor": (Cursor("next"), "data", [{"data": [1], "next": "b"}], 2),
    "two cursors in turn": (
        Cursor("next"),
        "data",
        [{"data": [1], "next": next_} for next_ in ("a", "b", "a", "b")],
        3,
    ),
    "a link to itself": (LinkHeader(), None, [linked([1], "/v1/items")], 1),
    "one link": (LinkHeader(), None, [linked([1], f"{BASE}/items?page=2")], 2),
    "one URL": (NextURL(), "data", [{"data": [1], "next": "?page=2"}], 2),
}


@pytest.mark.parametrize("kind", REPEATS)
def test_a_server_that_repeats_itself_ends_in_an_error(colour: Any, kind: str) -> None:
    """What was asked for is not asked for again: after the items there are, the walk raises."""
    by, items, replies, pages = REPEATS[kind]
    script = Script(replies, forever=True)
    walk = paginate(colour.client(BASE, transport=script), "/items", by=by, items=items)
    assert take(colour, walk, pages) == [1] * pages
    with pytest.raises(PaginationError, match="the walk would never end") as caught:
        take(colour, walk, 1)
    assert len(script.requests) == pages
    assert (caught.value.method, len(caught.value.attempts)) == ("GET", 1)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), PaginationError)


def test_every_page_goes_through_the_whole_stack(colour: Any) -> None:
    """Each page is a call of its own: retried, with the key, the headers and the operation."""
    clock = VirtualClock()
    script = Script([CURSORS[0], 503, CURSORS[2]], clock=clock)
    operations = []
    client = colour.client(
        BASE,
        api_key=KEY,
        transport=script,
        clock=clock,
        stack=Stack.standard().append(
            penstock.on_request(lambda r: operations.append(penstock.Call.of(r).operation))
        ),
    )
    walk = paginate(
        client,
        "/items",
        by=Cursor("next"),
        items="data",
        options={"operation": "items.list"},
        headers={"X-Tenant": "acme"},
    )
    assert colour.events(walk) == [1, 2, 3]
    assert operations == ["items.list"] * 3
    assert {r.headers["Authorization"] for r in script.requests} == {f"Bearer {KEY}"}
    assert {r.headers["X-Tenant"] for r in script.requests} == {"acme"}
    assert len(clock.sleeps) == 1


def test_a_failed_page_is_asked_for_again_by_the_next_step(colour: Any) -> None:
    """After an error the iterator stands where it stood: no item is lost, none comes twice."""
    script = Script(
        [CURSORS[0], httpx.ReadError("cut"), Reply(text="<html>"), CURSORS[1], CURSORS[2]]
    )
    client = colour.client(BASE, transport=script, max_retries=0)
    walk = paginate(client, "/items", by=Cursor("next"), items="data")
    assert take(colour, walk, 2) == [1, 2]
    with pytest.raises(ConnectionFailed):
        take(colour, walk, 1)
    with pytest.raises(DecodeError, match="not JSON"):
        take(colour, walk, 1)
    assert colour.events(walk) == [3]


def test_a_failed_page_raises_its_status_even_where_calls_do_not(colour: Any) -> None:
    """A page that failed has no items, so `raise_for_status=False` on a client is no quiet end."""
    script = Script([CURSORS[0], Reply(404, json={"detail": "gone"})])
    client = colour.client(BASE, transport=script, raise_for_status=False)
    walk = paginate(client, "/items", by=Cursor("next"), items="data")
    assert take(colour, walk, 2) == [1, 2]
    with pytest.raises(NotFound):
        take(colour, walk, 1)


def test_a_failed_page_is_read_as_one_where_the_walk_itself_says_so(colour: Any) -> None:
    """`raise_for_status=False` given to the walk stands; the error is then the missing items."""
    script = Script([Reply(404, json={"detail": "gone"})])
    client = colour.client(BASE, transport=script)
    walk = paginate(client, "/i", by=Cursor("next"), items="data", raise_for_status=False)
    with pytest.raises(DecodeError, match=r"\(status 404\) has no list at 'data'"):
        colour.events(walk)


FOREIGN = "https://evil.example/items?page=2"


@pytest.mark.parametrize(
    "target",
    [
        FOREIGN,
        "//evil.example/items",
        "http://api.example.com/v1/items?page=2",
        "https://api.example.com:8443/v1/items",
        "https://api.example.com.evil.example/v1/items",
        "https://api.example.com@evil.example/v1/items",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("base", [BASE, None], ids=["with base_url", "without"])
def test_a_next_page_at_another_origin_is_refused(colour: Any, target: str, base: Any) -> None:
    """A server cannot send the walk elsewhere: the items so far come, then an error, no request."""
    script = Script([linked([1], target)])
    client = colour.client(base, transport=script)
    walk = paginate(client, "/items" if base else f"{BASE}/items", by=LinkHeader())
    assert take(colour, walk, 1) == [1]
    with pytest.raises(PenstockError):
        take(colour, walk, 1)
    assert len(script.requests) == 1


@pytest.mark.parametrize("base", [BASE, None], ids=["with base_url", "without"])
def test_an_allowed_foreign_page_gets_no_credentials(colour: Any, base: Any) -> None:
    """`allow_absolute=True` fetches the page, without keys, parameters or headers of ours."""
    script = Script([linked([1], FOREIGN), linked([2], None)])
    client = colour.client(
        base, headers={"X-Mine": "client"}, params={"token": "client"}, transport=script
    )
    walk = paginate(
        client,
        "/items" if base else f"{BASE}/items",
        by=LinkHeader(),
        allow_absolute=True,
        api_key=KEY,
        headers={"X-Own": "call", "Accept": "application/json"},
        params={"secret": "call"},
    )
    assert colour.events(walk) == [1, 2]
    home, away = script.requests
    assert home.headers["Authorization"] == f"Bearer {KEY}"
    assert home.url.params == httpx.QueryParams(token="client", secret="call")
    assert str(away.url) == FOREIGN
    assert {"authorization", "x-mine", "x-own"} & set(away.headers) == set()
    assert away.headers["Accept"] == "application/json"


def test_a_walk_is_at_home_where_it_began(colour: Any) -> None:
    """Begun at another origin than the base URL's, it keeps its headers there and nowhere else."""
    script = Script([linked([1], "?page=2"), linked([2], f"{BASE}/items"), linked([3], None)])
    walk = paginate(
        colour.client(BASE, transport=script),
        "https://b.example/items",
        by=LinkHeader(),
        allow_absolute=True,
        headers={"X-Own": "call"},
    )
    assert colour.events(walk) == [1, 2, 3]
    assert [request.url.host for request in script.requests] == [
        "b.example",
        "b.example",
        "api.example.com",
    ]
    assert ["x-own" in request.headers for request in script.requests] == [True, True, False]


def test_the_clients_own_credential_goes_where_its_auth_lets_it(colour: Any) -> None:
    """`auth_origins` stays the one place that says which other origins may have the key."""
    script = Script([linked([1], "https://b.example/items"), linked([2], None)])
    stack = Stack.standard().replace(Auth, Auth(auth_origins=["https://b.example"]))
    client = colour.client(BASE, api_key=KEY, stack=stack, transport=script)
    walk = paginate(client, "/items", by=LinkHeader(), allow_absolute=True)
    assert colour.events(walk) == [1, 2]
    assert script.requests[1].headers["Authorization"] == f"Bearer {KEY}"


def test_a_body_is_not_sent_to_another_origin(colour: Any) -> None:
    """What the caller sends to one origin does not follow a link to another."""
    script = Script([{"data": [1], "next": FOREIGN}])
    client = colour.client(BASE, transport=script)
    walk = paginate(
        client, "/s", method="POST", json={"q": 1}, by=NextURL(), items="data", allow_absolute=True
    )
    assert take(colour, walk, 1) == [1]
    with pytest.raises(PaginationError, match="a body is not sent there"):
        take(colour, walk, 1)


def test_a_link_of_a_redirected_page_is_judged_by_where_the_walk_began(colour: Any) -> None:
    """A relative link on another origin leads to that origin, and is refused."""
    script = Script([Reply(302, headers={"Location": FOREIGN}), linked([1], "?page=3")])
    walk = paginate(colour.client(BASE, transport=script), "/items", by=LinkHeader())
    assert take(colour, walk, 1) == [1]
    with pytest.raises(PaginationError, match=r"another origin, https://evil\.example/items"):
        take(colour, walk, 1)


def test_the_query_of_a_link_stands(colour: Any) -> None:
    """Neither the call's parameters nor the client's change a link, beyond what is not in it."""
    script = Script([linked([1], "/v1/items?limit=5&page=2&flag"), linked([2], None)])
    client = colour.client(BASE, params={"limit": 10, "version": "7"}, transport=script)
    walk = paginate(client, "/items", by=LinkHeader(), params={"limit": 5, "page": 1})
    assert colour.events(walk) == [1, 2]
    assert script.requests[1].url.params == httpx.QueryParams("limit=5&page=2&flag=&version=7")


def test_counting_starts_from_what_was_sent(colour: Any) -> None:
    """An offset counts on from the first one, whether the path or a parameter gives it."""
    for url, params in (("/items?offset=10", {}), ("/items", {"offset": "10"})):
        script = Script([{"data": [1, 2], "total": 13}, {"data": [3], "total": 13}])
        client = colour.client(BASE, transport=script)
        walk = paginate(client, url, by=Offset(total="total"), items="data", params=params)
        assert colour.events(walk) == [1, 2, 3]
        assert paths(script) == ["/v1/items?offset=10", "/v1/items?offset=12"]


def test_counting_survives_a_redirect(colour: Any) -> None:
    """A redirect that drops the page's number does not start the count again."""
    moved = Reply(302, headers={"Location": "/v1/moved"})
    script = Script([linked([1], None), moved, linked([2], None), linked([], None)])
    walk = paginate(colour.client(BASE, transport=script), "/items", by=PageNumber())
    assert colour.events(walk) == [1, 2]
    assert paths(script)[1:] == ["/v1/items?page=2", "/v1/moved", "/v1/items?page=3"]


def test_links_are_followed_on_the_other_family_too() -> None:
    """On httpx2 a link is resolved, judged and followed by that family's own URLs."""

    def serve(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("page", "1"))
        target = f"?page={number + 1}" if number < 3 else FOREIGN
        return httpx2.Response(200, json=[number], headers={"Link": f"<{target}>; rel=next"})

    client = penstock.Client(BASE, transport=httpx2.MockTransport(serve))
    walk = paginate(client, "/items", by=LinkHeader())
    assert [next(walk) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(PaginationError, match="another origin"):
        next(walk)


def test_a_rule_of_ones_own_pages_in_the_body(colour: Any) -> None:
    """A function from page to request covers what no rule does, such as a cursor in a JSON body."""

    def by(page: penstock.Page[Any]) -> PageRequest | None:
        cursor = page.field("next")
        return cursor and PageRequest(page.asked.url, json={**page.asked.json, "from": cursor})

    script = Script([{"data": [1], "next": "b"}, {"data": [2], "next": None}])
    client = colour.client(BASE, transport=script)
    walk = paginate(client, "/search", method="POST", json={"q": "x"}, by=by, items="data")
    assert colour.events(walk) == [1, 2]
    assert script.bodies == [b'{"q":"x"}', b'{"q":"x","from":"b"}']


@pytest.mark.parametrize(
    "url", ["https://[::1/", "mailto:x@example.com", "/../admin", "//b.example"]
)
def test_a_rule_of_ones_own_is_judged_like_any_other(colour: Any, url: str) -> None:
    """A URL nothing may be sent to is refused, whichever rule made it."""
    script = Script([Reply(json=[1])])
    walk = paginate(colour.client(BASE, transport=script), "/", by=lambda _: PageRequest(url))
    assert take(colour, walk, 1) == [1]
    with pytest.raises(InvalidOption):
        take(colour, walk, 1)
    assert len(script.requests) == 1


def test_items_may_be_made_by_a_function(colour: Any) -> None:
    """A function from the parsed body makes the items, and their type is known."""

    def names(data: Any) -> list[str]:
        return [f"item-{number}" for number in data["data"]]

    client = colour.client(BASE, transport=Script(CURSORS))
    walk = paginate(client, "/items", by=Cursor("next"), items=names)
    assert colour.events(walk) == ["item-1", "item-2", "item-3"]
    plain, other = penstock.Client(BASE), penstock.AsyncClient(BASE)
    assert_type(paginate(plain, "/", by=LinkHeader(), items=names), Pages[str])
    assert_type(paginate(other, "/", by=LinkHeader(), items=names), AsyncPages[str])
    assert_type(paginate(plain, "/", by=LinkHeader()), Pages[Any])
    assert_type(paginate(other, "/", by=LinkHeader(), items="data"), AsyncPages[Any])


@pytest.mark.parametrize(
    ("body", "by", "items", "said"),
    [
        ({"data": {}}, Cursor("next"), "data", "has no list at 'data'"),
        ({"rows": []}, Cursor("next"), "data", "has no list at 'data'"),
        ({"rows": []}, Cursor("next"), None, "is not a list: say where its items are"),
        ({"data": [], "next": [KEY]}, Cursor("next"), "data", "a cursor at 'next' and has list"),
        ({"data": [], "next": True}, Cursor("next"), "data", "a cursor at 'next' and has bool"),
        ({"data": [], "m": 1}, Cursor("next", more="m"), "data", "at 'next' and has nothing"),
        ({"data": [1], "t": KEY}, Offset(total="t"), "data", "whole number at 't' and has str"),
        ({"data": [1], "t": True}, PageNumber(pages="t"), "data", "at 't' and has bool"),
        ({"data": [], "next": {"a": KEY}}, NextURL(), "data", "a URL at 'next' and has dict"),
    ],
)
def test_a_body_of_another_shape_is_a_decode_error(
    colour: Any, body: Any, by: Any, items: str | None, said: str
) -> None:
    """What is not where it should be is named by path and type, never by value."""
    script = Script([Reply(json=body, headers={"X-Request-Id": "req-1"})])
    client = colour.client(BASE, transport=script)
    with pytest.raises(DecodeError) as caught:
        colour.events(paginate(client, "/items", by=by, items=items))
    assert said in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.request_id == "req-1"
    assert (caught.value.url, caught.value.__context__) == (f"{BASE}/items", None)


def test_a_link_that_is_no_url_is_an_error_with_nothing_underneath(colour: Any) -> None:
    """What the URL parser raises never reaches the caller."""
    client = colour.client(BASE, transport=Script([linked([1], "https://[::1/")]))
    with pytest.raises(PaginationError, match="not a URL") as caught:
        colour.events(paginate(client, "/items", by=LinkHeader()))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("by", [PageNumber(), LinkHeader()], ids=repr)
def test_a_response_a_middleware_made_is_a_page_too(colour: Any, by: Any) -> None:
    """A cache may answer for the server: what was asked is known without a send."""

    async def cache(request: Any, call_next: Any) -> Any:
        number = int(request.url.params.get("page", "1"))
        link = f"<?page={number + 1}>; rel=next"
        return httpx.Response(200, json=[number], headers={"Link": link})

    script = Script()
    client = colour.client(BASE, stack=Stack([cache]), transport=script)
    assert colour.events(paginate(client, "/items", by=by, max_pages=3)) == [1, 2, 3]
    assert len(script.requests) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": "cursor"}, "by must be a rule such as Cursor"),
        ({"by": LinkHeader}, "by must be a rule such as Cursor"),
        ({"items": 3}, "items must be a path such as 'data'"),
        ({"limit": -1}, "limit must be an integer >= 0"),
        ({"limit": 1.5}, "limit must be an integer >= 0"),
        ({"max_pages": True}, "max_pages must be an integer >= 0"),
        ({"tiemout": 1}, "did you mean 'timeout'"),
        ({"content": b"x"}, "'content' is no option"),
        ({"options": 5}, "options must be RequestOptions or a dict"),
        ({"client": httpx.Client()}, "client must be a Client or AsyncClient"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(wrong: dict[str, Any], said: str) -> None:
    """A mistake raises where it was made, not when the first page is asked for."""
    given = {"client": penstock.Client(BASE), "url": "/items", "by": LinkHeader(), **wrong}
    call: Callable[..., Any] = paginate
    with pytest.raises(InvalidOption, match=said):
        call(**given)


def test_an_offset_that_is_no_number_is_refused(colour: Any) -> None:
    """A walk cannot count on from what is not a whole number."""
    client = colour.client(BASE, transport=Script([Reply(json=[1])]))
    walk = paginate(client, "/items", by=Offset(), params={"offset": "ten"})
    with pytest.raises(InvalidOption, match="the parameter offset must be a whole number"):
        colour.events(walk)


def test_reprs_show_no_value(colour: Any) -> None:
    """A page and what asks for one are printed without items, cursors and keys."""
    client = colour.client(BASE, transport=Script([{"data": [KEY], "next": KEY}]))
    walk = paginate(
        client, "/items?token=secret-key", by=Cursor("next"), items="data", params={"key": KEY}
    )
    [page] = take(colour, walk.pages(), 1)
    assert repr(page) == "<Page of 1 items, has next>"
    assert repr(page.next) == "PageRequest('/items?token=REDACTED', params of ['key', 'cursor'])"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<b>; rel="next"', "b"),
        ("<b>; rel=next", "b"),
        ("<b>;REL=NEXT", "b"),
        ('<b> ; rel = "next"', "b"),
        ('<a>; rel="prev", <b>; rel="next"', "b"),
        ('<b>; rel="last next"', "b"),
        ('<a>; title="a, <x>; rel=next"; rel="prev", <b>; rel=next', "b"),
        (r'<a>; title="\", <x>; rel=next"; rel=prev, <b>; rel=next', "b"),
        ("<b,c;d>; rel=next", "b,c;d"),
        ("<>; rel=next", ""),
        ('<a>; rel=prev; rel=next, <b>; rel="next"', "b"),
        ('<a>; rel=next; anchor="#x", <b>; rel=next', "b"),
        ("<a>; crossorigin; rel=next", "a"),
        ("<a>; rel=nextish", None),
        ("<a>", None),
        ("", None),
        ('<a; rel="next"', None),
        ("garbage", None),
    ],
)
def test_a_link_header_is_read_as_rfc_8288_says(header: str, expected: str | None) -> None:
    """The first link with the relation, not about another resource, is the one."""
    assert link_of(header, "next") == expected


@given(st.text(alphabet='<>;,="\\ relnxt', max_size=60))
@settings(max_examples=150)
def test_no_link_header_breaks_the_reader(header: str) -> None:
    """Whatever a server sends, the answer is a target that is in it, or None."""
    target = link_of(header, "next")
    assert target is None or target in header


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", 1),
        ("a", {"b": 1}),
        ("list.0.id", 1),
        ("list.-1.id", 2),
        ("a.b.c", UNSET),
        ("list.7", UNSET),
        ("list.id", UNSET),
        ("missing", UNSET),
        ("dotted.key", 3),
        ("in.dotted.key", 4),
        ("null", None),
        ("null.x", UNSET),
        ("text.0", UNSET),
        ("null..", UNSET),
    ],
)
def test_a_path_finds_a_field_or_nothing(path: str, expected: object) -> None:
    """Dots separate keys and indices, a whole key goes first, and what is not there is UNSET."""
    data = {
        "a": {"b": 1},
        "list": [{"id": 1}, {"id": 2}],
        "dotted.key": 3,
        "in": {"dotted.key": 4},
        "null": None,
        "text": "abc",
    }
    assert field_of(data, path) == expected
    assert field_of(data, "") is data
