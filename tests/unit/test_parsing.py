"""`parse`: what comes out for each kind of model, and what an error says and hides."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import traceback
from dataclasses import dataclass
from typing import Annotated, Any, assert_type

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, Json
from typing_extensions import TypedDict

import penstock
from penstock import DecodeError, InvalidOption, parse
from penstock.parsing import _kept_adapter
from penstock.testing import Reply, Script, VirtualClock

SECRET = "hunter2-hunter2"


class Item(BaseModel):
    id: int
    name: str = "none"


class Other(BaseModel):
    id: int
    name: str = "none"


class Exact(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    id: int


@dataclass
class Point:
    x: int
    y: Item


class Row(TypedDict):
    id: int


def answer(body: Any, **kwargs: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(200, content=content, **kwargs)


@pytest.mark.parametrize(
    ("body", "model", "expected"),
    [
        ({"id": 1}, Item, Item(id=1)),
        ([{"id": 1}], list[Item], [Item(id=1)]),
        ({"a": {"id": 1}}, dict[str, Item], {"a": Item(id=1)}),
        ({"x": 1, "y": {"id": 2}}, Point, Point(1, Item(id=2))),
        ({"id": 1}, Row, {"id": 1}),
        (7, int, 7),
        ("text", str, "text"),
        ([1, None], list[int | None], [1, None]),
        (None, Item | None, None),
        ({"any": ["thing"]}, Any, {"any": ["thing"]}),
        (3, Annotated[int, Field(gt=2)], 3),
        (3, Annotated[int, ["cannot be hashed"]], 3),
    ],
    ids=str,
)
def test_a_body_becomes_an_instance_of_its_model(body: Any, model: Any, expected: Any) -> None:
    """Whatever pydantic can validate can be parsed into."""
    assert parse(answer(body), model) == expected


@given(st.lists(st.builds(Item, id=st.integers(), name=st.text())))
@settings(max_examples=30)
def test_what_pydantic_writes_is_parsed_back(items: list[Item]) -> None:
    """Parsing undoes dumping."""
    assert parse(answer([item.model_dump() for item in items]), list[Item]) == items


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_json_has_had_is_read(encoding: str) -> None:
    """`parse` reads what `response.json()` reads."""
    body = '{"id": 1, "name": "façade"}'.encode(encoding)
    assert parse(answer(body), Item) == Item(**answer(body).json())


def test_a_result_has_the_models_type() -> None:
    """Type checkers infer the instance from a class, and from a list of one."""
    response = answer({"id": 1})
    assert_type(parse(response, Item), Item)
    assert_type(parse(response, Row), Row)
    assert_type(parse(answer([]), list[Item]), list[Item])
    assert_type(parse(answer({"x": 1, "y": {"id": 1}}), Point), Point)


@pytest.mark.parametrize(
    ("body", "model", "said"),
    [
        ({"name": SECRET}, Item, "the body does not fit Item: $.id: missing"),
        ({"id": SECRET}, Item, "the body does not fit Item: $.id: int_parsing"),
        ([{"id": 1}, {"id": SECRET}], list[Item], "does not fit list[Item]: $[1].id: int_parsing"),
        ({"id": SECRET, "new": SECRET}, Exact, "Exact: $.id: int_type; $.new: extra_forbidden"),
        ({"x": 1, "y": {"id": SECRET}}, Point, "the body does not fit Point: $.y.id: int_parsing"),
        (SECRET, Item, "the body does not fit Item: $: model_type"),
        ({"a key": SECRET}, dict[str, int], "does not fit dict[str, int]: $['a key']: int_parsing"),
        ({"line\nend": SECRET}, dict[str, int], r"$['line\nend']: int_parsing"),
        ([SECRET] * 8, list[int], "$[4]: int_parsing and 3 more"),
        ({"id": SECRET}, Annotated[Item, "tag"], "does not fit Annotated[Item, 'tag']: $.id:"),
        ([SECRET], list[Json[int]], "does not fit list[Annotated[int, Json]]: $[0]: json_invalid"),
        (b"", Item, "the body is not JSON (no content type): EOF"),
        (
            b'{"id": hunter2-hunter2}',
            Item,
            "the body is not JSON (no content type): expected value at line 1",
        ),
        (b"[" * 5000, Any, "the body is not JSON (no content type): recursion limit"),
        (b'"\xff hunter2-hunter2"', str, "the body is not JSON (no content type): invalid unicode"),
        (b"\xff\xfe{\x00x", Item, "the body is not utf-16-le text"),
    ],
    ids=str,
)
def test_an_error_names_model_path_and_kind_and_no_value(body: Any, model: Any, said: str) -> None:
    """A body that does not fit is a DecodeError that says where and how, never what was there."""
    with pytest.raises(DecodeError) as caught:
        parse(answer(body), model)
    shown = "".join(traceback.format_exception(caught.value))
    assert said in str(caught.value)
    assert SECRET not in shown + repr(caught.value) + str(pickle.dumps(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_error_knows_its_call(colour: Any) -> None:
    """The error has method, URL, request id, operation and attempts of the response's call."""
    clock = VirtualClock()
    script = Script([503, Reply(json={"id": "x"}, headers={"X-Request-Id": "req-1"})], clock=clock)
    client = colour.client("https://api.example.com", transport=script, clock=clock)
    response = colour.run(lambda: client.get("/items/1", params={"q": "x"}, operation="items.get"))
    with pytest.raises(DecodeError) as caught:
        parse(response, Item)
    error = caught.value
    assert (error.method, error.url) == ("GET", "https://api.example.com/items/1?q=REDACTED")
    assert (error.request_id, error.operation) == ("req-1", "items.get")
    assert [attempt.status for attempt in error.attempts] == [503, 200]


def test_an_error_shows_no_key_the_server_echoes() -> None:
    """A credential of the client is taken out of the path it turns up in, however long it is."""
    key = "sk-" + "k" * 600
    script = Script([{key: "x"}])
    client = penstock.Client("https://api.example.com", api_key=key, transport=script)
    with pytest.raises(DecodeError, match="REDACTED") as caught:
        parse(client.get("/"), dict[str, int])
    assert "kkk" not in str(caught.value)


def test_a_response_of_no_client_is_told_from_its_own_request() -> None:
    """A plain httpx response has its method and URL in the error."""
    request = httpx.Request("POST", "https://user:pw@api.example.com/x?token=t")
    with pytest.raises(DecodeError) as caught:
        parse(answer({}, request=request), Item)
    assert caught.value.method == "POST"
    assert caught.value.url == "https://REDACTED:REDACTED@api.example.com/x?token=REDACTED"


def test_a_message_is_bounded() -> None:
    """A body cannot fill a log through the keys in its paths."""
    with pytest.raises(DecodeError) as caught:
        parse(answer({"k" * 100_000: "x"}), dict[str, int])
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("model", [type("Plain", (), {}), 5, "NoSuchModel"], ids=repr)
def test_what_is_no_model_is_an_invalid_option(model: Any) -> None:
    """Something pydantic knows no way to validate is the caller's mistake, not the server's."""
    with pytest.raises(InvalidOption, match="is nothing JSON can be parsed into"):
        parse(answer({}), model)


def test_the_first_of_a_union_that_fits_wins_whatever_was_parsed_before() -> None:
    """`A | B` and `B | A` are equal, and yet each has its own adapter."""
    both = [Item | Other, Other | Item]
    assert both[0] == both[1]
    assert [type(parse(answer({"id": 1}), union)) for union in both] == [Item, Other]


def test_an_adapter_is_made_once_and_the_cache_is_bounded() -> None:
    """Parsing into a model again reuses what was built; models that come and go do not pile up."""
    _kept_adapter.cache_clear()
    for _ in range(3):
        parse(answer([]), list[Item])
    assert (_kept_adapter.cache_info().misses, _kept_adapter.cache_info().hits) == (1, 2)
    limit = _kept_adapter.cache_info().maxsize
    assert limit is not None
    for count in range(limit + 10):
        parse(answer(1), Annotated[int, count])
    assert _kept_adapter.cache_info().currsize == limit


def test_pydantic_is_loaded_by_the_first_parse() -> None:
    """Importing `parse` does not import pydantic."""
    program = "import sys, penstock; penstock.parse; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
