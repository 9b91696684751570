"""The laws of response objects."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from penstock import ListModel, Model, plain


class Function(Model):
    name: str
    arguments: str


class Tool(Model):
    id: str
    function: Function | None


class Message(Model):
    role: str
    content: str | None
    tools: list[Tool] | None
    by_name: dict[str, Any]
    keys: list[str]


class Longer(Message):
    tools: list[Function]
    mood: str


class Tools(ListModel[Tool]):
    data: list[Tool]
    total: int


DATA = {
    "role": "assistant",
    "tools": [{"id": "1", "function": {"name": "look", "arguments": "{}"}}, "odd"],
    "by_name": {"a": {"b": 1}},
    "extra": {"kept": True},
    "keys": ["one"],
}


def test_a_field_is_had_by_attribute_and_by_item() -> None:
    """What the server sent is had both ways, and both ways it is the same."""
    message = Message(DATA)
    assert (message.role, message["role"]) == ("assistant", "assistant")
    assert message.tools is message["tools"]
    assert isinstance(message.tools[0], Tool)
    assert message.tools[0].function.name == "look"


def test_a_nested_object_is_wrapped_once() -> None:
    """Looking twice at a nested object gives the same object, and its list is the same list."""
    message = Message(DATA)
    assert message.tools is message.tools
    assert Longer(DATA).tools[0] == DATA["tools"][0]


def test_a_subclass_may_declare_a_field_anew() -> None:
    """The nearest annotation of a field is the one that counts."""
    assert [type(tool) for tool in Longer(DATA).tools] == [Function, str]
    assert Longer({"role": "user", "mood": "good"}).role == "user"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, None),
        ({"tools": None}, None),
        ({"tools": "odd"}, "odd"),
        ({"tools": {"id": 1}}, {"id": 1}),
    ],
)
def test_nothing_is_validated(data: dict[str, Any], expected: Any) -> None:
    """A field that is missing reads as None, and one of another shape reads as it came."""
    assert Message(data).tools == expected


def test_what_a_model_does_not_know_is_kept() -> None:
    """An unknown field is there as it came; one that nobody knows is an error that says what is."""
    message = Message(DATA)
    assert message.extra == {"kept": True}
    with pytest.raises(
        AttributeError, match=r"Message has no 'flavour'; it has: role, tools, by_name"
    ):
        _ = message.flavour
    with pytest.raises(AttributeError, match="it has: nothing"):
        _ = Message({}).flavour
    with pytest.raises(KeyError):
        _ = message["flavour"]


def test_a_model_reads_like_a_mapping() -> None:
    """`in`, `len`, `get`, iteration, `dict()` and `**` see the object's keys."""
    message = Message(DATA)
    assert ("role" in message, "content" in message, len(message)) == (True, False, len(DATA))
    assert (message.get("role"), message.get("content", "-"), message.get("none")) == (
        "assistant",
        "-",
        None,
    )
    assert list(message) == list(DATA)
    assert dict(message)["role"] == {**message}["role"] == "assistant"
    assert message.to_dict() is DATA
    assert "role" in dir(message)
    assert "extra" in dir(message)


def test_a_field_called_like_a_method_is_had_by_item_alone() -> None:
    """A method keeps its name, whatever a server calls its fields."""
    message = Message(DATA)
    assert message["keys"] == ["one"]
    assert list(message.keys()) == list(DATA)


def test_models_are_equal_by_content() -> None:
    """A model equals another of the same content, and the plain object; empty, it is still true."""
    assert Message(DATA) == Message(dict(DATA)) == DATA
    assert Message(DATA) != Message({})
    assert bool(Message({}))
    with pytest.raises(TypeError, match="Message is not hashable"):
        hash(Message(DATA))


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_models_copy_and_pickle(clone: Any) -> None:
    """A copy is of the same class and content, looked at or not."""
    message = Message(DATA)
    _ = message.tools
    assert clone(message) == message
    assert type(clone(message)) is Message


def test_a_model_is_read_only() -> None:
    """Nothing can be set on a model: it is what the server sent."""
    with pytest.raises(AttributeError, match="Message is read-only"):
        Message(DATA).role = "user"


def test_a_model_shows_itself() -> None:
    """A repr names the class and has the object."""
    assert repr(Function({"name": "look"})) == "Function({'name': 'look'})"


def test_a_list_model_is_its_data() -> None:
    """It is iterable and sized like its `data`, and empty where the server left that out."""
    tools = Tools({"data": [{"id": "1"}, {"id": "2"}], "total": 7})
    assert [tool.id for tool in tools] == ["1", "2"]
    assert (len(tools), tools.total, tools["data"] is tools.data) == (2, 7, True)
    assert (list(Tools({})), len(Tools({"data": None}))) == ([], 0)


def test_what_was_received_can_be_sent() -> None:
    """Models anywhere in dicts, lists and tuples become the JSON they came as; the rest stays."""
    message = Message(DATA)
    given = [{"role": "user", "content": ["text", 1, None]}, message, {"tools": message.tools[:1]}]
    assert plain(given) == [given[0], DATA, {"tools": DATA["tools"][:1]}]
    assert plain((1, "a", message)) == [1, "a", DATA]
    assert type(plain(message)) is dict


class Answer(Model, absent={"tools": list, "best": lambda: Tool({})}):
    tools: list[Tool]
    best: Tool
    mood: str | None


def test_a_field_may_read_as_empty_where_it_was_left_out() -> None:
    """`absent=` says what a missing field, or a null one, reads as; by item it is what it is."""
    answer = Answer({"best": None})
    assert (answer.tools, answer.best.id, answer.mood, answer["best"]) == ([], None, None, None)
    assert [tool.id for tool in Answer({"tools": [{"id": "1"}]}).tools] == ["1"]
    assert "tools" not in answer


def test_nothing_else_can_be_put_on_a_model() -> None:
    """A misspelt field cannot be set either: a model has room for nothing but its object."""
    with pytest.raises(AttributeError):
        Message(DATA).rloe = "user"  # type: ignore[attr-defined]  # that is the point
