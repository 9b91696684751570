"""Where every value came from: for people, for scripts, for JSON."""

from __future__ import annotations

import json

import pytest

from penstock.settings import RetrySettings, Settings, SettingsError

from .support import KEY, Acme, Place


def test_every_leaf_is_there_once_in_the_order_of_the_class() -> None:
    """All leaves are explained, given or not."""
    assert [path for path, *_ in Settings().explain()] == [
        "base_url",
        "api_key",
        "timeout",
        "deadline",
        "headers",
        "proxy",
        "verify",
        "trust_env",
        "engine",
        "user_agent",
        "retry.max_retries",
        "retry.base_delay",
        "retry.max_delay",
        "retry.retry_after_cap",
        "retry.over_cap",
        "tracing.enabled",
        "tracing.stream_span_end",
        "logging.enabled",
        "logging.backend",
        "logging.level",
    ]
    assert {row[2:] for row in Settings().explain()} == {("default", "")}


def test_the_defaults_are_what_the_documents_say() -> None:
    """A setting nobody gave has its documented default."""
    assert {path: shown for path, shown, _, _ in Settings().explain()} == {
        "base_url": "none",
        "api_key": "none",
        "timeout": "60.0",
        "deadline": "none",
        "headers": "{}",
        "proxy": "none",
        "verify": "true",
        "trust_env": "true",
        "engine": "pool",
        "user_agent": "none",
        "retry.max_retries": "2",
        "retry.base_delay": "0.5",
        "retry.max_delay": "8.0",
        "retry.retry_after_cap": "30.0",
        "retry.over_cap": "clamp",
        "tracing.enabled": "true",
        "tracing.stream_span_end": "body",
        "logging.enabled": "true",
        "logging.backend": "auto",
        "logging.level": "info",
    }


def from_everywhere(place: Place) -> Settings:
    place.user("deadline = 90\ntimeout = 50")
    place.write(
        "penstock.toml", 'timeout = 40\n[profiles.x]\ntimeout = 30\n[headers]\nX-Team = "blue"'
    )
    dotenv = place.write(".env", "PENSTOCK_TRUST_ENV=no\n")
    environ = {"PENSTOCK_API_KEY": KEY, "PENSTOCK_HOST": "x"}
    return place.load(environ=environ, dotenv=dotenv, profile="x", retry={"max_retries": 7})


def test_each_source_is_named_exactly(place: Place) -> None:
    """A variable has its name, a file its path, line and key, an argument its call."""
    given = [row for row in from_everywhere(place).explain() if row[2] != "default"]
    project = place.project / "penstock.toml"
    assert given == [
        ("api_key", "****WXYZ", "environment", "PENSTOCK_API_KEY"),
        ("timeout", "30.0", "project", f"{project}:3 profiles.x.timeout"),
        ("deadline", "90.0", "user", f"{place.home}/.config/penstock/config.toml:1 deadline"),
        ("headers.X-Team", "blue", "project", f"{project}:5 headers.X-Team"),
        ("trust_env", "false", "dotenv", f"{place.project}/.env:1 PENSTOCK_TRUST_ENV"),
        ("retry.max_retries", "7", "argument", "Settings.load()"),
    ]


def test_the_text_is_an_aligned_table(place: Place) -> None:
    """Every column begins at the same place in every line, and no line ends in blanks."""
    lines = str(from_everywhere(place).explain()).splitlines()
    assert len(lines) == 21
    starts = [lines[0].index(word) for word in ("SETTING", "VALUE", "SOURCE")]
    assert starts[0] == 0
    for line in lines:
        assert line == line.rstrip()
        assert all(line[start - 2 : start] == "  " for start in starts[1:])
    assert lines[2].split() == ["api_key", "****WXYZ", "environment", "PENSTOCK_API_KEY"]


def test_the_data_holds_everything(place: Place) -> None:
    """`to_dict` survives JSON and has values, what they shadow, files and unread variables."""
    data = from_everywhere(place).explain().to_dict()
    assert json.loads(json.dumps(data)) == data
    assert (data["schema"], data["profile"], data["unread"]) == (1, "x", ["PENSTOCK_HOST"])
    timeout = next(value for value in data["values"] if value["path"] == "timeout")
    project = str(place.project / "penstock.toml")
    user = f"{place.home}/.config/penstock/config.toml"

    def file(kind: str, path: str, line: int, name: str = "timeout") -> dict[str, object]:
        detail = f"{path}:{line} {name}"
        return {"kind": kind, "detail": detail, "name": name, "file": path, "line": line}

    assert timeout == {
        "path": "timeout",
        "value": "30.0",
        "source": file("project", project, 3, "profiles.x.timeout"),
        "shadowed": [
            {"value": "40", "source": file("project", project, 1)},
            {"value": "50", "source": file("user", user, 2)},
        ],
    }
    assert [(each["kind"], each["used"]) for each in data["files"]] == [
        ("dotenv", True),
        ("project", True),
        ("user", True),
    ]


def test_an_explanation_is_a_sequence_of_rows() -> None:
    """It has a length, yields one row for each value, and is indexed by path."""
    explanation = Settings(timeout=3).explain()
    assert len(explanation) == len(list(explanation)) == 20
    assert explanation["timeout"].shown == "3.0"
    with pytest.raises(KeyError):
        explanation["nonsense"]


def test_text_from_outside_cannot_play_with_the_terminal() -> None:
    """A value with control characters is shown escaped."""
    assert Settings(verify="/tmp/\x1b[2Jx").explain()["verify"].shown == r"'/tmp/\x1b[2Jx'"


def test_given_leaves_the_defaults_out(place: Place) -> None:
    """`given` has exactly what a source said, also where it equals the default or is None."""
    made = place.load(environ={"PENSTOCK_TIMEOUT": "none"}, retry={"max_retries": 2}, api_key=KEY)
    assert made.given() == {"timeout": None, "retry.max_retries": 2, "api_key": made.api_key}
    assert Settings().given() == {}
    assert Settings(headers={"X-A": "a"}).given() == {"headers": {"X-A": "a"}}


def test_a_products_own_defaults_are_given() -> None:
    """What a product's class sets otherwise than Penstock counts as given: a client uses it."""

    class Patient(Acme):
        retry: RetrySettings = RetrySettings(max_retries=5)

    url = "https://api.acme.example"
    assert Acme().given() == {"base_url": url}
    assert Patient(timeout=3).given() == {"base_url": url, "timeout": 3.0, "retry.max_retries": 5}


def test_require_returns_what_is_set() -> None:
    """A setting that is there comes back, however it is nested."""
    made = Settings(api_key=KEY, retry={"max_retries": 0})
    assert made.require("api_key").get_secret_value() == KEY
    assert made.require("retry.max_retries") == 0
    assert made.require("verify") is True


def test_require_tells_every_way_to_set_what_is_missing(place: Place) -> None:
    """What is not set is an error that names the argument, each variable and the file's own key."""
    with pytest.raises(SettingsError) as caught:
        Acme().require("api_key")
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == ("api_key", "is not set")
    assert problem.hint == (
        "pass api_key=…, or set ACME_API_KEY or OLD_ACME_KEY or ACMEKEY, "
        f"or write acme_api_key into {place.home}/.config/acme/config.toml"
    )


def test_require_knows_only_settings() -> None:
    """A name that is no setting is the caller's mistake, told with what was meant."""
    with pytest.raises(KeyError, match="did you mean 'api_key'"):
        Settings().require("apikey")
