"""Prompts: access, what they tell of themselves, and their variables."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clients.bayt import ContextItem, Prompt, interpolate

from .bayt_support import PROMPT

FIELDS = {
    "id": "pmt_1",
    "title": "Support",
    "content": PROMPT["content"],
    "generator": PROMPT["content"],
    "system": "You are {{persona}}.",
    "critique": "",
    "description": "Answers customers",
    "category": "support",
    "namespace": "workspace",
    "slug": "support",
    "version": "v1",
    "is_draft": False,
    "package_name": "@workspace/support:v1",
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_an_attribute_and_an_item(name: str) -> None:
    """Each field is had both ways."""
    prompt = Prompt(PROMPT)
    assert (getattr(prompt, name), prompt[name]) == (FIELDS[name], FIELDS[name])


def test_the_context_is_an_attribute_and_an_item() -> None:
    """Files and URLs come as `ContextItem`s both ways."""
    prompt = Prompt(PROMPT)
    assert [item.id for item in prompt.context] == ["ctx_1", "ctx_2"]
    assert prompt["context"] == prompt.context
    assert all(isinstance(item, ContextItem) for item in prompt.context)


@pytest.mark.parametrize("name", ["systemPrompt", "workspaceSlug", "packageName", "tags"])
def test_bayts_own_names_and_unknown_fields_are_kept(name: str) -> None:
    """What Bayt sends is there under its name, known or not."""
    prompt = Prompt(PROMPT)
    assert (prompt[name], getattr(prompt, name), prompt.get(name)) == (PROMPT[name],) * 3
    assert name in prompt


def test_what_is_missing_reads_as_nothing() -> None:
    """Missing texts are empty, a missing version is the draft's, any other item is None."""
    prompt = Prompt({})
    texts = ["id", "title", "content", "generator", "system", "critique", "category"]
    assert [prompt[name] for name in texts] == [""] * len(texts)
    assert (prompt.description, prompt["description"], prompt["nonsense"]) == (None, None, None)
    assert (prompt.version, prompt.is_draft, prompt.context) == ("v0", True, [])
    assert (prompt.get("nonsense", 7), prompt.get("version"), "nonsense" in prompt) == (
        *(7, "v0"),
        False,
    )
    assert Prompt({"title": None, "context": None}).title == ""
    assert Prompt({"context": None}).has_context() is False


def test_a_name_that_is_nothing_is_an_attribute_error() -> None:
    """An attribute nobody knows is an error, unlike an item."""
    with pytest.raises(AttributeError, match="nonsense"):
        _ = Prompt(PROMPT).nonsense


def test_a_method_is_no_item() -> None:
    """Items are fields, not methods."""
    assert (Prompt(PROMPT)["to_dict"], Prompt(PROMPT).get("keys")) == (None, None)


@pytest.mark.parametrize(
    ("data", "is_draft"),
    [
        ({"version": "v0"}, True),
        ({"version": "v1", "is_draft": True}, True),
        ({"version": "v1"}, False),
    ],
)
def test_drafts(data: dict[str, Any], is_draft: bool) -> None:
    """`v0` is the draft, and so is what Bayt says is one."""
    assert Prompt(data).is_draft is is_draft


def test_a_whole_package_name_is_taken_apart() -> None:
    """Where Bayt sends the whole name as `packageName`, slug and package name are right too."""
    prompt = Prompt({"packageName": "@acme/support:v1", "version": "v1"})
    assert (prompt.namespace, prompt.slug, prompt.package_name) == (
        *("acme", "support"),
        "@acme/support:v1",
    )
    assert Prompt({**prompt.to_dict(), "workspaceSlug": "other"}).namespace == "other"


def test_contexts() -> None:
    """Files and URLs are told apart."""
    prompt = Prompt(PROMPT)
    assert [item.id for item in prompt.get_file_contexts()] == ["ctx_1"]
    assert [item.id for item in prompt.get_url_contexts()] == ["ctx_2"]
    assert (prompt.has_context(), Prompt({}).has_context()) == (True, False)


def test_has() -> None:
    """A prompt tells whether it has a system prompt and a critique."""
    prompt = Prompt({"systemPrompt": "s", "critiquePrompt": ""})
    assert (prompt.has_system_prompt(), prompt.has_critique_prompt()) == (True, False)


def test_a_prompt_as_a_mapping() -> None:
    """`keys`, `values`, `items` and `to_dict` give what Bayt sent; changing it changes nothing."""
    prompt = Prompt({"id": "p", "title": "T"})
    assert (prompt.keys(), prompt.values()) == (["id", "title"], ["p", "T"])
    assert prompt.items() == [("id", "p"), ("title", "T")]
    assert (dict(prompt), {**prompt}, list(prompt), len(prompt)) == (
        *({"id": "p", "title": "T"}, {"id": "p", "title": "T"}),
        *(["id", "title"], 2),
    )
    prompt.to_dict()["title"] = "other"
    assert prompt.title == "T"


def test_a_prompt_shows_its_title() -> None:
    """Its text is its title, its repr its name; neither shows what is in it."""
    prompt = Prompt(PROMPT)
    assert (str(prompt), repr(prompt)) == ("Support", "<Prompt 'Support' @workspace/support:v1>")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_a_prompt_can_be_copied_and_pickled(again: Any) -> None:
    """Copies and pickles are equal to it."""
    prompt = again(Prompt(PROMPT))
    assert (type(prompt), prompt) == (Prompt, PROMPT)


def test_a_file_of_the_context() -> None:
    """A file has a name, a size and a media type, and no URL."""
    item = ContextItem(PROMPT["context"][0])
    assert (item.is_file(), item.is_url(), item.type, item.label) == (True, False, "file", "FAQ")
    assert (item.file_name, item.file_size, item.mime_type) == ("faq.pdf", 52428, "application/pdf")
    assert (item.url, item.url_fetched_at, item.created_at) == (None, None, 1705497600000)
    assert (item["file_name"], item["fileName"], item["nonsense"]) == ("faq.pdf", "faq.pdf", None)
    assert (str(item), repr(item)) == (
        "FAQ (file)",
        "<ContextItem type='file' name='faq.pdf' size=52428>",
    )


def test_a_url_of_the_context() -> None:
    """A URL has a URL and the time it was fetched, and nothing of a file's."""
    item = ContextItem(PROMPT["context"][1])
    assert (item.is_file(), item.is_url(), item.type, item.label) == (False, True, "url", None)
    assert (item.url, item.url_fetched_at) == ("https://kb.example.com/", 17)
    assert (item.file_name, item.file_size, item.mime_type) == (None, None, None)
    assert str(item) == "https://kb.example.com/"
    assert repr(item) == "<ContextItem type='url' url='https://kb.example.com/'>"


def test_a_context_without_names() -> None:
    """Items without a name say so, and a query in a URL shows in no repr."""
    assert (str(ContextItem({"type": "file"})), str(ContextItem({}))) == (
        "Untitled file",
        "Untitled URL",
    )
    assert "secret" not in repr(ContextItem({"url": "https://x.example.com/?token=secret"}))
    assert repr(ContextItem({})) == "<ContextItem type='url' url=''>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{name}}", {"name": "name"}),
        ("{{ name }}", {"name": "name"}),
        ("{{name:type}}", {"name": "name", "type": "type"}),
        (
            "{{name:type // description}}",
            {"name": "name", "type": "type", "description": "description"},
        ),
        (
            "{{ n : number//how many: 1, 2 }}",
            {"name": "n", "type": "number", "description": "how many: 1, 2"},
        ),
        ("{{name // description}}", {"name": "name", "description": "description"}),
        ("{{name:}}", {"name": "name"}),
        ("{{name:a/b}}", {"name": "name", "type": "a/b"}),
        (
            "{{u:string // see https://x.example.com}}",
            {"name": "u", "type": "string", "description": "see https://x.example.com"},
        ),
        ("{{{name}}}", {"name": "name"}),
        ("{{first\nname}}", {"name": "first\nname"}),
    ],
)
def test_the_forms_of_a_variable(text: str, expected: dict[str, str]) -> None:
    """A variable is a name, maybe with a type, maybe with a description."""
    assert Prompt({"content": f"a {text} b"}).extract_variables() == [expected]


@pytest.mark.parametrize(
    "text", ["", "{}", "{{}}", "{{ }}", "{{:string}}", "{name}", "{{name}", "{{a{b}}"]
)
def test_what_is_no_variable(text: str) -> None:
    """Braces without a name are no variable."""
    assert Prompt({"content": text}).extract_variables() == []


def test_variables_of_all_texts() -> None:
    """Generator, system and critique are looked through in order, each name once."""
    prompt = Prompt(
        {
            "content": "{{a}} {{b:string}} {{a:number}}",
            "systemPrompt": "{{c}} {{b}}",
            "critiquePrompt": "{{d}}",
        }
    )
    found = prompt.extract_variables()
    assert found == [{"name": "a"}, {"name": "b", "type": "string"}, {"name": "c"}, {"name": "d"}]


def test_variables_of_what_was_written() -> None:
    """Where Bayt sends the texts as they were written, their variables count."""
    written = {"content": "{{a}}", "systemPrompt": None, "critiquePrompt": "{{b}}"}
    prompt = Prompt({"content": "filled {{c}}", "versionContent": written})
    assert [variable["name"] for variable in prompt.extract_variables()] == ["a", "b"]
    assert prompt.version_content == written


TYPED: list[tuple[str, Any, Any]] = [
    *[(kind, "text", 7) for kind in ("string", "str", "text", "String")],
    *[(kind, 7.5, "7") for kind in ("number", "int", "integer")],
    *[(kind, False, 1) for kind in ("boolean", "bool")],
    *[(kind, (1,), "1") for kind in ("array", "list")],
    *[(kind, {"a": 1}, [1]) for kind in ("object", "dict")],
    ("number", 7, True),
]


@pytest.mark.parametrize(("kind", "fits", "does_not"), TYPED)
def test_types_of_variables(kind: str, fits: Any, does_not: Any) -> None:
    """A value has the variable's type."""
    prompt = Prompt({"content": f"{{{{v:{kind}}}}}"})
    assert prompt.validate_variables({"v": fits}) == {}
    problem = prompt.validate_variables({"v": does_not})["v"]
    assert problem.startswith("Expected ")
    assert problem.endswith(f", got {type(does_not).__name__}")


def test_missing_and_unexpected_variables() -> None:
    """Each name that is missing or unexpected has its message; an unknown type fits everything."""
    prompt = Prompt({"content": "{{a}} {{b:date}}"})
    assert prompt.validate_variables({"b": 1, "c": 2}) == {
        "a": "Missing required variable: a",
        "c": "Unexpected variable: c",
    }


def test_interpolate() -> None:
    """Values take the place of variables in whatever form; what has no value stays."""
    prompt = Prompt({"content": "{{a}} {{ a:number // how many }} {{b}}", "systemPrompt": "{{a}}!"})
    assert prompt.interpolate({"a": 1}) == "1 1 {{b}}"
    assert prompt.interpolate({"a": 1, "b": 2}, b=3) == "1 1 3"
    assert prompt.interpolate({"a": 1}, template=prompt.system) == "1!"
    assert prompt.interpolate() == prompt.content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", "é"),
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        ([1, "a"], '[1, "a"]'),
        ({"a": None}, '{"a": null}'),
    ],
)
def test_values_as_text(value: Any, text: str) -> None:
    """Lists and dicts go in as JSON, everything else as its `str()`."""
    assert interpolate("<{{v}}>", {"v": value}) == f"<{text}>"


def test_a_value_is_not_looked_at_again() -> None:
    """Braces in a value are text: nobody's input can pull in another variable."""
    given = {"question": "{{secret}} \\1", "secret": "s"}
    assert interpolate("{{question}} {{secret}}", given) == "{{secret}} \\1 s"


@settings(max_examples=60)
@given(
    st.text("ab{}:/ ", max_size=30),
    st.dictionaries(st.sampled_from(["a", "b", "ab"]), st.text("xy", max_size=3)),
)
def test_only_known_variables_change(template: str, values: dict[str, str]) -> None:
    """A text whose variables have no value comes out as it went in."""
    known = {found["name"] for found in Prompt({"content": template}).extract_variables()}
    if not known & values.keys():
        assert interpolate(template, values) == template
