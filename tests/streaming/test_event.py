"""Event: lazily parsed JSON that never leaks its text."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import TYPE_CHECKING, assert_type

import pytest
from pydantic import BaseModel

from penstock.errors import DecodeError, InvalidOption
from penstock.streaming import Event

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_JSON = ["", "{", "{} {}", "[DONE]", "'a'", "\u2028null", "[" * 200_000, "9" * 5000]


@pytest.mark.parametrize(
    ("raw", "data"),
    [('{"a": [1, "\u2028"]}', {"a": [1, "\u2028"]}), (' \t\n"x"\r\n', "x"), ("null ", None)],
)
def test_data(raw: str, data: object) -> None:
    """Data is the JSON the text holds, with or without whitespace around it."""
    event = Event(raw)
    assert event.data == data
    assert event.json() == data


def test_data_is_parsed_once() -> None:
    """Data is parsed when first read and then kept."""
    event = Event("[]")
    assert event.data is event.data
    assert event.json() is event.data


@pytest.mark.parametrize("raw", NOT_JSON, ids=lambda raw: raw[:8])
def test_not_json(raw: str) -> None:
    """Text that is not JSON, or cannot be parsed, is no data; `json` says so with our error."""
    event = Event(raw)
    assert event.data is None
    with pytest.raises(DecodeError, match=rf"\({len(raw)} characters\) is not JSON") as caught:
        event.json()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("raw", "done"),
    [("[DONE]", True), (" [DONE]\n", True), ("[DONE]x", False), ("[done]", False), ("", False)],
)
def test_done(raw: str, done: bool) -> None:
    """An event is the end marker if its text is exactly that, less whitespace around it."""
    assert Event(raw).done == done


@pytest.mark.parametrize("parsed", [False, True])
@pytest.mark.parametrize("duplicate", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies(duplicate: Callable[[Event], Event], parsed: bool) -> None:
    """A copied or pickled event is the same event, whether its data was read before or not."""
    event = Event('{"a": 1}', "e", "7", 5)
    if parsed:
        assert event.data == {"a": 1}
    twin = duplicate(event)
    assert (twin.raw, twin.event, twin.id, twin.retry) == ('{"a": 1}', "e", "7", 5)
    assert twin.data == {"a": 1}


def test_repr_shows_no_content() -> None:
    """A repr tells an event's type, id and length, not its text."""
    assert repr(Event("secret", "e", "7")) == "<Event 'e' id='7' with 6 characters>"


class Tick(BaseModel):
    seq: int


def test_a_model() -> None:
    """The data comes as what pydantic makes of it, and an error shows none of it."""
    assert assert_type(Event('{"seq": 7}').parse(Tick), Tick) == Tick(seq=7)
    assert Event("[1, 2]").parse(list[int]) == [1, 2]
    for raw, said in [
        ('{"seq": "hush"}', r"^the event's data does not fit Tick: \$\.seq: int_parsing$"),
        ("hush", "^the event's data is not JSON: expected value at line 1 column 1$"),
    ]:
        with pytest.raises(DecodeError, match=said) as caught:
            Event(raw).parse(Tick)
        assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_model_and_a_long_key() -> None:
    """The keys in an error are not longer than a log takes."""
    with pytest.raises(DecodeError) as caught:
        Event(json.dumps({"k" * 1000: "x"})).parse(dict[str, int])
    assert str(caught.value) == "the event's data does not fit the model, in too many ways"


def test_what_is_no_model() -> None:
    """Something pydantic cannot validate is the caller's mistake."""
    with pytest.raises(InvalidOption):
        Event("{}").parse(5)
