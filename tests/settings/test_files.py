"""Settings files the caller names: TOML, JSON and YAML, with file, line and key in every answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from penstock.settings import Settings, SettingsError

from .support import KEY, Acme, Place, problems

if TYPE_CHECKING:
    from pathlib import Path

SAME = {
    "settings.toml": 'timeout = 5\n\n[retry]\nmax-retries = 7\n\n[headers]\n"X-Tenant" = "acme"\n',
    "settings.json": '{\n "timeout": 5,\n "retry": {\n  "max-retries": 7},\n "headers": {\n\n'
    '  "X-Tenant": "acme"}}',
    "settings.yaml": "timeout: 5\n\nretry:\n  max-retries: 7\n\nheaders:\n  X-Tenant: acme\n",
    "settings.yml": "timeout: 5\n\nretry:\n  max-retries: 7\n\nheaders: \n  X-Tenant: acme\n",
}


@pytest.mark.parametrize("name", SAME)
def test_every_format_says_the_same(place: Place, name: str) -> None:
    """The suffix says the format; values, lines and keys come out alike."""
    path = place.write(name, SAME[name])
    loaded = place.load(config_file=path)
    assert (loaded.timeout, loaded.retry.max_retries, loaded.headers) == (
        5,
        7,
        {"X-Tenant": "acme"},
    )
    sources = {row[0]: row[2:] for row in loaded.explain()}
    assert sources["headers.X-Tenant"] == ("file", f"{path}:7 headers.X-Tenant")
    line = {"settings.json": 4}.get(name, 4)
    assert sources["retry.max_retries"] == ("file", f"{path}:{line} retry.max-retries")


def test_a_named_file_is_the_only_one(place: Place) -> None:
    """Naming a file switches discovery off, also for the user's own file."""
    place.user("timeout = 1")
    place.write("penstock.toml", "deadline = 2")
    loaded = place.load(config_file=place.write("mine.toml", "trust_env = false"))
    assert loaded.given() == {"trust_env": False}
    assert [file.kind for file in loaded.explain().files] == ["file"]


def test_a_named_pyproject_is_read_for_its_table(place: Place) -> None:
    """In a `pyproject.toml` our settings are `[tool.penstock]`, wherever it is."""
    path = place.write("sub/pyproject.toml", '[project]\nname = "x"\n[tool.penstock]\ntimeout = 5')
    loaded = place.load(config_file=path)
    assert loaded.explain()["timeout"].source.detail == f"{path}:4 tool.penstock.timeout"
    with pytest.raises(SettingsError, match=r"has no table \[tool.acme\]"):
        place.load(Acme, config_file=path)


def test_a_named_file_may_say_where_to_send(place: Place) -> None:
    """Who names a file trusts it: `base_url`, `proxy` and `verify` count."""
    text = 'base_url = "https://x.example"\nproxy = "http://p.example"\nverify = false'
    loaded = place.load(config_file=place.write("penstock.toml", text))
    assert (loaded.base_url, loaded.proxy, loaded.verify) == (
        "https://x.example",
        "http://p.example",
        False,
    )


def test_paths_may_begin_with_a_tilde(place: Place) -> None:
    """`~` is the home directory, in both named files."""
    place.write(place.home / "mine.toml", "timeout = 5")
    place.write(place.home / "mine.env", "PENSTOCK_DEADLINE=6")
    loaded = place.load(config_file="~/mine.toml", dotenv="~/mine.env")
    assert loaded.given() == {"timeout": 5.0, "deadline": 6.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Timeout = 3", [("Timeout", "did you mean 'timeout'?", 1)]),
        (
            "timeuot = 3\n[retry]\nmax-retris = 4",
            [
                ("timeuot", "did you mean 'timeout'?", 1),
                ("retry.max-retris", "did you mean 'max_retries'?", 3),
            ],
        ),
        ("max_retries = 3", [("max_retries", "did you mean 'retry.max_retries'?", 1)]),
        (
            "tracing.x = 1\nlogging = {y = 2}",
            [
                ("tracing.x", "known here: enabled, stream_span_end", 1),
                ("logging.y", "known here: enabled, backend, level", 2),
            ],
        ),
        ("[profiles.x]\ntimeot = 3", [("profiles.x.timeot", "did you mean 'timeout'?", 2)]),
    ],
)
def test_unknown_keys_are_all_told(
    place: Place, text: str, expected: list[tuple[str, str, int]]
) -> None:
    """Every unknown key is told with its line and what was probably meant, in each profile too."""
    path = place.write("mine.toml", text)
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=path)
    told = [(problem.path, problem.hint, problem.source) for problem in caught.value.problems]
    assert told == [
        (key, hint, f"settings file {path}:{line} {key}") for key, hint, line in expected
    ]


def test_two_spellings_of_one_key_are_an_error(place: Place) -> None:
    """A key may have hyphens or underscores, not both at once."""
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=place.write("mine.toml", "trust-env = true\ntrust_env = false"))
    assert problems(caught.value) == [("trust_env", "is given twice")]


MALFORMED = [
    ("x.toml", "timeout = ", "is not valid TOML: Invalid value", 1),
    ("x.toml", 'a = 1\nbase_url = "x\n', "is not valid TOML: Illegal character '\\n'", 2),
    ("x.toml", "a = [1,\n2", "is not valid TOML: Unclosed array", 2),
    ("x.toml", "a = " + "9" * 5000, "is not valid TOML: a number is too long", 0),
    ("x.toml", "a = " + "[" * 50_000, "is nested too deeply", 0),
    ("x.json", '{\n"timeout" 5}', "is not valid JSON: Expecting ':' delimiter", 2),
    ("x.json", "9" * 5000, "is not valid JSON: a number is too long", 0),
    ("x.json", "[" * 100_000, "is nested too deeply", 0),
    ("x.json", "[1]", "must hold keys and values at its top", 0),
    ("x.yaml", "a: b: c", "is not valid YAML", 1),
    ("x.yaml", "timeout: 1\nretry: [1\n", "is not valid YAML", 3),
    ("x.yaml", "timeout: 1\nretry: !!python/object/apply:os.system [ls]\n", "is not valid YAML", 2),
    ("x.yaml", "day: 2001-99-99", "is not valid YAML", 0),
    ("x.yaml", "- 1", "must hold keys and values at its top", 0),
    ("x.ini", "timeout=1", "has a suffix that says no format", 0),
    ("x", "timeout=1", "has a suffix that says no format", 0),
]


@pytest.mark.parametrize(("name", "text", "message", "line"), MALFORMED)
def test_a_malformed_file_is_named(
    place: Place, name: str, text: str, message: str, line: int
) -> None:
    """Whatever is wrong with a file, the error names it, and the line where there is one."""
    path = place.write(name, text)
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=path)
    (problem,) = caught.value.problems
    assert problem.message.startswith(message)
    assert problem.source == f"settings file {path}" + (f":{line}" if line else "")


def test_a_file_that_cannot_be_read_is_named(place: Place) -> None:
    """A file that is missing, a directory, not text or no path at all is told as such."""
    place.write("latin.toml", "").write_bytes(b'user_agent = "\xe9"')
    (place.project / "dir.toml").mkdir()
    told = {}
    for name in ("gone.toml", "dir.toml", "latin.toml", "nul\0.toml"):
        with pytest.raises(SettingsError) as caught:
            place.load(config_file=name)
        told[name] = caught.value.problems[0].message
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert told == {
        "gone.toml": "does not exist",
        "dir.toml": "cannot be read: Is a directory",
        "latin.toml": "is not UTF-8 text",
        "nul\0.toml": "cannot be read: embedded null byte",
    }


def test_a_byte_order_mark_is_no_error(place: Place) -> None:
    """Editors that write a BOM write settings files too."""
    for name, text in (
        ("a.toml", "timeout = 5"),
        ("a.json", '{"timeout": 5}'),
        ("a.yaml", "timeout: 5"),
    ):
        path = place.write(name, "")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert place.load(config_file=path).timeout == 5.0


@pytest.mark.parametrize(
    ("name", "text"), [("x.toml", "# nothing"), ("x.yaml", "# nothing"), ("x.json", "{}")]
)
def test_an_empty_file_sets_nothing(place: Place, name: str, text: str) -> None:
    """A file without keys is a file that says nothing."""
    assert place.load(config_file=place.write(name, text)).given() == {}


def test_yaml_with_nothing_under_a_key_sets_nothing(place: Place) -> None:
    """A table whose keys are all commented out is an empty table."""
    path = place.write("x.yaml", "headers:\n  # X-A: b\nretry:\nprofiles: {}\n")
    assert place.load(config_file=path).given() == {}


def test_yaml_keys_that_are_no_text_are_unknown_keys(place: Place) -> None:
    """YAML reads `on` as a boolean; as a key it is an unknown one, not a crash."""
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=place.write("x.yaml", "on: 1\n2: x\nheaders: {1: a}\n"))
    assert problems(caught.value) == [("True", "unknown key"), ("2", "unknown key")]


def test_aliases_in_yaml_cannot_explode(place: Place) -> None:
    """A document whose aliases multiply, or that holds itself, is read in no time."""
    bomb = "\n".join(
        ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 40))]
    )
    for text in (bomb, "a0: &a\n  b: *a"):
        with pytest.raises(SettingsError, match="a0: unknown key"):
            place.load(config_file=place.write("x.yaml", text))


def test_yaml_without_its_extra_names_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML the error says which extra to install; other formats need none."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=place.write("x.yaml", "timeout: 5"))
    (problem,) = caught.value.problems
    assert problem.hint == 'install it with the extra: pip install "penstock[yaml]"'
    assert place.load(config_file=place.write("x.toml", "timeout = 5")).timeout == 5.0


@pytest.mark.parametrize("text", ['"none"', '"Off"'])
def test_toml_can_say_none(place: Place, text: str) -> None:
    """TOML has no null: `none` and `off` stand for it where no text may stand."""
    path = place.write("x.toml", f"timeout = {text}\nuser_agent = {text}")
    loaded = place.load(config_file=path)
    assert (loaded.timeout, loaded.user_agent) == (None, text.strip('"'))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("retry = 5", "retry"),
        ("headers = 5", "headers"),
        ("profiles = 5", "profiles"),
        ("profiles.x = 5", "profiles"),
    ],
)
def test_a_value_where_a_table_belongs_is_an_error(place: Place, text: str, path: str) -> None:
    """A table that is no table is told with its line."""
    with pytest.raises(SettingsError) as caught:
        place.load(config_file=place.write("x.toml", f"\n{text}"))
    (problem,) = caught.value.problems
    assert (problem.path, problem.message[:12]) == (path, "must be a ta")
    assert ":2 " in problem.source


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_products_own_key_is_read(place: Place, suffix: str) -> None:
    """A field's further keys count in files only; they and its name exclude each other."""
    text = {"toml": f'acme_api_key = "{KEY}"', "json": json.dumps({"acme_api_key": KEY})}[suffix]
    loaded = place.load(Acme, config_file=place.write(f"config.{suffix}", text))
    assert loaded.require("api_key").get_secret_value() == KEY
    assert loaded.explain()["api_key"].source.name == "acme_api_key"
    with pytest.raises(SettingsError, match="unknown key"):
        Acme(acme_api_key=KEY)
    with pytest.raises(SettingsError, match="is given twice"):
        place.load(
            Acme, config_file=place.write("x.toml", f'acme_api_key = "{KEY}"\napi-key = "{KEY}"')
        )


def test_relative_paths_are_relative_to_the_working_directory(place: Place) -> None:
    """A file is named as `open` would name it."""
    path: Path = place.write("x.toml", "timeout = 5")
    assert (
        Settings.load(config_file=path.name, environ={}).explain()["timeout"].source.file
        == "x.toml"
    )
