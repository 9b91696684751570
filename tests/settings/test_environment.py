"""Environment variables: exact names, no surprises, and a warning for a slip."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from penstock.settings import (
    EnvNames,
    Section,
    Settings,
    SettingsError,
    SettingsWarning,
)

from .support import KEY, Acme, Place, problems


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        (
            "PENSTOCK_BASE_URL",
            "https://api.example.com/v1",
            "base_url",
            "https://api.example.com/v1",
        ),
        ("PENSTOCK_TIMEOUT", "2.5", "timeout", 2.5),
        ("PENSTOCK_TIMEOUT", "none", "timeout", None),
        ("PENSTOCK_TIMEOUT", "Off", "timeout", None),
        ("PENSTOCK_DEADLINE", "90", "deadline", 90.0),
        ("PENSTOCK_PROXY", "http://proxy.example:3128", "proxy", "http://proxy.example:3128"),
        ("PENSTOCK_VERIFY", "false", "verify", False),
        ("PENSTOCK_VERIFY", "1", "verify", True),
        ("PENSTOCK_VERIFY", "/etc/ssl/ca.pem", "verify", "/etc/ssl/ca.pem"),
        ("PENSTOCK_TRUST_ENV", "no", "trust_env", False),
        ("PENSTOCK_USER_AGENT", "none", "user_agent", "none"),
        ("PENSTOCK_RETRY__MAX_RETRIES", "0", "retry.max_retries", 0),
        ("PENSTOCK_RETRY__RETRY_AFTER_CAP", "5", "retry.retry_after_cap", 5.0),
        ("PENSTOCK_RETRY__OVER_CAP", "STOP", "retry.over_cap", "stop"),
        ("PENSTOCK_TRACING__STREAM_SPAN_END", "headers", "tracing.stream_span_end", "headers"),
        ("PENSTOCK_LOGGING__LEVEL", "Warning", "logging.level", "warning"),
        ("PENSTOCK_HEADERS", '{"X-Tenant": "acme"}', "headers", {"X-Tenant": "acme"}),
    ],
)
def test_each_leaf_has_a_variable(variable: str, text: str, path: str, value: object) -> None:
    """A leaf is read from the prefix and its path, joined by two underscores."""
    loaded = Settings.from_env(environ={variable: text})
    assert loaded.given() == {path: value}


@pytest.mark.parametrize("empty", ["", " ", "\t\n"])
def test_an_empty_variable_counts_as_unset(empty: str) -> None:
    """Empty text sets nothing, and the next name of the field is tried."""
    assert (
        Settings.from_env(environ={"PENSTOCK_TIMEOUT": empty, "PENSTOCK_API_KEY": empty}).given()
        == {}
    )
    aliased = Acme.from_env(environ={"ACME_API_KEY": empty, "OLD_ACME_KEY": KEY})
    assert aliased.require("api_key").get_secret_value() == KEY


def test_names_of_a_field_count_in_their_order() -> None:
    """The prefixed name comes first, then the field's own names; `explain` says which it was."""
    names = ["ACME_API_KEY", "OLD_ACME_KEY", "ACMEKEY"]
    for index, name in enumerate(names):
        loaded = Acme.from_env(environ={each: f"key-of-{each}" for each in names[index:]})
        assert loaded.require("api_key").get_secret_value() == f"key-of-{name}"
        assert loaded.explain()["api_key"].source.detail == name


def test_no_bare_name_is_picked_up() -> None:
    """Only full names are read: an `API_KEY` that belongs to something else is not ours."""
    environ = {"API_KEY": KEY, "TIMEOUT": "3", "BASE_URL": "https://x.example", "HEADERS__X": "1"}
    assert Settings.from_env(environ=environ).given() == {}
    assert Acme.from_env(environ=environ) == Acme()


@pytest.mark.parametrize("environ", [{"PENSTOCK_TIMEOUT": "3", "penstock_timeout": "4"}] * 2)
def test_names_count_in_upper_case_only(environ: dict[str, str]) -> None:
    """The order of the environment cannot decide between two spellings: one of them is not read."""
    with pytest.warns(
        SettingsWarning, match="penstock_timeout sets nothing: did you mean PENSTOCK_TIMEOUT"
    ):
        assert Settings.from_env(environ=dict(reversed(environ.items()))).timeout == 3.0


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("PENSTOCK_TIMOUT", "PENSTOCK_TIMEOUT"),
        ("PENSTOCK_RETRY_MAX_RETRIES", "PENSTOCK_RETRY__MAX_RETRIES"),
        ("PENSTOCK_RETRY__MAX_RETRY", "PENSTOCK_RETRY__MAX_RETRIES"),
        ("PENSTOCK_MAX_RETRIES", "PENSTOCK_RETRY__MAX_RETRIES"),
        ("PENSTOCK_APIKEY", "PENSTOCK_API_KEY"),
        ("PENSTOCK_LOG_LEVEL", "PENSTOCK_LOGGING__LEVEL"),
        ("PENSTOCK_PROFIL", "PENSTOCK_PROFILE"),
        ("penstock_api_key", "PENSTOCK_API_KEY"),
    ],
)
def test_a_misspelt_variable_is_a_warning_where_the_caller_stands(slip: str, meant: str) -> None:
    """The warning names what was meant, points at the caller's file, and shows no value."""
    with pytest.warns(SettingsWarning) as caught:
        Settings.from_env(environ={slip: KEY})
    (warning,) = caught
    assert (
        str(warning.message) == f"environment variable {slip} sets nothing: did you mean {meant}?"
    )
    assert Path(warning.filename) == Path(__file__)


def test_foreign_variables_with_our_prefix_are_listed_not_warned_of() -> None:
    """What a service link or a neighbour sets resembles no setting: it is only in `unread`."""
    environ = {"PENSTOCK_SERVICE_HOST": "10.0.0.1", "PENSTOCK_PORT_80_TCP": "tcp://10.0.0.1:80"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = Settings.from_env(environ=environ)
    assert loaded.explain().unread == tuple(environ)


def test_a_header_may_be_a_variable_of_its_own() -> None:
    """`PENSTOCK_HEADERS__X_API` is the header X-API, beats the JSON form, and keeps its case."""
    environ = {
        "PENSTOCK_HEADERS": '{"x-api": "json", "X-Json": "1"}',
        "PENSTOCK_HEADERS__X_API": "variable",
        "PENSTOCK_HEADERS__X_Camel": "2",
    }
    loaded = Settings.from_env(environ=environ)
    assert loaded.headers == {"X-API": "variable", "X-Json": "1", "X-Camel": "2"}
    sources = {
        path: detail for path, _, _, detail in loaded.explain() if path.startswith("headers")
    }
    assert sources == {
        "headers.X-API": "PENSTOCK_HEADERS__X_API",
        "headers.X-Json": "PENSTOCK_HEADERS",
        "headers.X-Camel": "PENSTOCK_HEADERS__X_Camel",
    }


def test_a_table_may_be_json() -> None:
    """One variable may set a whole table; the variable of one leaf beats it."""
    environ = {
        "PENSTOCK_RETRY": '{"max_retries": 5, "base-delay": 1}',
        "PENSTOCK_RETRY__MAX_RETRIES": "6",
    }
    loaded = Settings.from_env(environ=environ)
    assert (loaded.retry.max_retries, loaded.retry.base_delay) == (6, 1.0)


@pytest.mark.parametrize(
    "broken", ['{"X-Api": "sk-live-0123456789abcd', "[1]", "sk-live-0123456789abcd", "[" * 9999]
)
@pytest.mark.parametrize("variable", ["PENSTOCK_HEADERS", "PENSTOCK_RETRY"])
def test_broken_json_is_an_error_that_names_the_variable(variable: str, broken: str) -> None:
    """Text that is no JSON object is refused, and none of it is shown or kept."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ={variable: broken})
    (problem,) = caught.value.problems
    assert problem.path == variable.removeprefix("PENSTOCK_").lower()
    assert problem.source == f"environment variable {variable}"
    assert problem.hint.startswith("write an object such as {")
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "sk-live" not in str(caught.value)


def test_unknown_keys_in_a_json_variable_are_errors() -> None:
    """A table given as JSON is held to its names too."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ={"PENSTOCK_RETRY": '{"max_retris": 5}'})
    (problem,) = caught.value.problems
    assert (problem.path, problem.hint) == ("max_retris", "did you mean 'max_retries'?")
    assert problem.source == "environment variable PENSTOCK_RETRY"


class Shapes(Settings):
    """Fields of every shape that a product may add."""

    class Pool(Section):
        """A table of the product's own."""

        size: Annotated[int, EnvNames("POOL_SIZE")] = 10

    model_config = SettingsConfigDict(env_prefix="SHAPES_")

    tags: list[str] = Field(default_factory=list)
    ports: tuple[int, ...] = ()
    limits: dict[str, int] = Field(default_factory=dict)
    copies: list[str] = Field(default_factory=lambda data: data["tags"])
    anything: Any = None
    either: Annotated[int, "unit"] | None = None
    pool: Pool = Pool()
    ratio: float | None = 0.5
    label: str | None = "x"


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("SHAPES_TAGS", "a, b", "tags", ["a", "b"]),
        ("SHAPES_TAGS", '["a,b"]', "tags", ["a,b"]),
        ("SHAPES_PORTS", "80,443", "ports", (80, 443)),
        ("SHAPES_LIMITS", '{"A_b": 1}', "limits", {"A_b": 1}),
        ("SHAPES_LIMITS__A_b", "2", "limits", {"A_b": 2}),
        ("SHAPES_ANYTHING", '{"a": [1]}', "anything", {"a": [1]}),
        ("SHAPES_POOL__SIZE", "3", "pool.size", 3),
        ("POOL_SIZE", "4", "pool.size", 4),
        ("SHAPES_EITHER", "none", "either", None),
        ("SHAPES_RATIO", "off", "ratio", None),
        ("SHAPES_LABEL", "none", "label", "none"),
    ],
)
def test_fields_of_a_product_are_read_by_their_shape(
    variable: str, text: str, path: str, value: object
) -> None:
    """Lists may have commas, a mapping's keys keep their case, `none` is text where text may be."""
    assert Shapes.from_env(environ={variable: text}).given() == {path: value}


def test_a_leaf_that_is_json_says_so() -> None:
    """A value of no simple type must be JSON."""
    with pytest.raises(SettingsError) as caught:
        Shapes.from_env(environ={"SHAPES_ANYTHING": "{"})
    assert problems(caught.value) == [("anything", "is not valid JSON")]


def test_numbers_from_the_environment_are_checked(place: Place) -> None:
    """Each bad variable is a problem of its own, with its name and a cure."""
    environ = {
        "PENSTOCK_TIMEOUT": "soon",
        "PENSTOCK_RETRY__MAX_RETRIES": "2.5",
        "PENSTOCK_TRUST_ENV": "maybe",
    }
    with pytest.raises(SettingsError) as caught:
        place.load(environ=environ)
    told = {problem.source: (problem.path, problem.hint) for problem in caught.value.problems}
    assert told == {
        "environment variable PENSTOCK_TIMEOUT": ("timeout", "write a number such as 2.5"),
        "environment variable PENSTOCK_RETRY__MAX_RETRIES": (
            "retry.max_retries",
            "write a whole number such as 3; 0 means none",
        ),
        "environment variable PENSTOCK_TRUST_ENV": ("trust_env", "write true or false"),
    }


def test_null_in_json_drops_a_header() -> None:
    """JSON's `null` means what `None` means in Python."""
    loaded = Settings.from_env(environ={"PENSTOCK_HEADERS": json.dumps({"A": "1", "B": None})})
    assert loaded.headers == {"A": "1"}
