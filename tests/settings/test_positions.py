"""The line of every key: what the scanners find is where the parser found it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.settings.positions import json_lines, toml_lines, yaml_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

TRICKY = r'''
# [not.a.table] and key = "not a key"
title = """
[also.not]
fake = 1 \""" still text """""
literal = '"""'
raw = \'\'\'
[nor.this]
x = 1\'\'\'''
dotted.key."with.dot" = 1   # = [
array = [
  1, [2, "]"], # ]
  { inner = 3 },
]
inline = { a = { b = 1 }, c = "}" }
when = 1979-05-27T07:32:00.5+00:00
"quoted \" = key" = 1

[table.'sub table']
1234 = 'a = b'
[[list]]
name = "a"
[ spaced . out ]
last=1'''.replace(r"\'\'\'", "'''")


def test_the_toml_scanner_is_not_fooled() -> None:
    """Strings, comments, arrays and inline tables are not taken for keys or tables."""
    tomllib.loads(TRICKY)
    lines = TRICKY.split("\n")
    assert {
        ".".join(keys): lines[line - 1].split("=")[0].strip()
        for keys, line in toml_lines(TRICKY).items()
    } == {
        "title": "title",
        "literal": "literal",
        "raw": "raw",
        "dotted": 'dotted.key."with.dot"',
        "dotted.key": 'dotted.key."with.dot"',
        "dotted.key.with.dot": 'dotted.key."with.dot"',
        "array": "array",
        "inline": "inline",
        "when": "when",
        'quoted " = key': '"quoted \\"',
        "table": "[table.'sub table']",
        "table.sub table": "[table.'sub table']",
        "table.sub table.1234": "1234",
        "list": "[[list]]",
        "list.name": "name",
        "spaced": "[ spaced . out ]",
        "spaced.out": "[ spaced . out ]",
        "spaced.out.last": "last",
    }


names = st.text(
    st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=6,
)
leaves = st.integers(0, 9) | st.text(st.sampled_from("a\"'\\\n[]{}=#:,"), max_size=6)
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | inner, max_size=3),
    max_leaves=8,
)


def paths(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from paths(value, (*above, key))


def as_toml(tree: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    quoted = {key: json.dumps(key, ensure_ascii=False) for key in tree}
    flat = [
        f"{quoted[k]} = {json.dumps(v, ensure_ascii=False)}\n"
        for k, v in tree.items()
        if not isinstance(v, dict)
    ]
    tables = [
        f"[{'.'.join(json.dumps(part, ensure_ascii=False) for part in (*above, key))}]\n"
        + as_toml(value, (*above, key))
        for key, value in tree.items()
        if isinstance(value, dict)
    ]
    return "".join([*flat, *tables])


@settings(max_examples=60)
@given(trees)
def test_every_key_has_its_line(tree: dict[str, Any]) -> None:
    """For any document of each format, each key of the data is found, on a line that holds it."""
    toml = as_toml(tree)
    assert tomllib.loads(toml) == tree
    documents = [
        (toml, toml_lines(toml)),
        (text := json.dumps(tree, indent=1, ensure_ascii=False), json_lines(text)),
    ]
    for text, found in documents:
        assert set(found) == set(paths(tree))
        lines = text.split("\n")
        for keys, line in found.items():
            assert json.dumps(keys[-1], ensure_ascii=False) in lines[line - 1]


def test_yaml_keys_have_their_line() -> None:
    """Block and flow mappings, merged and repeated ones, give the line of each key."""
    text = "a: &x\n  b: 1\n  c: {d: 2,\n   e: 3}\nf: *x\n? g\n: h\n"
    assert yaml.safe_load(text)["f"]["b"] == 1
    found = {".".join(keys): line for keys, line in yaml_lines(text).items()}
    assert found == {"a": 1, "a.b": 2, "a.c": 3, "a.c.d": 3, "a.c.e": 4, "f": 5, "g": 6}


@pytest.mark.parametrize("text", ["", "# only a comment", "\n\n"])
def test_nothing_has_no_lines(text: str) -> None:
    """An empty document has no keys."""
    assert (toml_lines(text), yaml_lines(text)) == ({}, {})
