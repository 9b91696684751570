"""Settings are values: they never change, compare by value, and travel with their sources."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from pydantic import SecretStr

from penstock.settings import RetrySettings, Settings, SettingsError

from .support import KEY, Acme, Place


def made_everywhere(place: Place) -> Settings:
    """Return settings with a value from each kind of source."""
    place.write("penstock.toml", "deadline = 9\n[retry]\nmax_retries = 3")
    environ = {"PENSTOCK_API_KEY": KEY, "PENSTOCK_HEADERS__X_TEAM": "blue"}
    return place.load(environ=environ, timeout=5)


@pytest.mark.parametrize(
    ("path", "name"),
    [("", "timeout"), ("", "nonsense"), ("retry", "max_retries"), ("logging", "level")],
)
def test_no_field_can_be_set_or_deleted(path: str, name: str) -> None:
    """Neither settings nor their tables can be changed, and the error says what can."""
    target: Any = getattr(Settings(), path) if path else Settings()
    with pytest.raises(AttributeError, match="is frozen"):
        setattr(target, name, 3)
    with pytest.raises(AttributeError, match="is frozen"):
        delattr(target, name)


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: headers.__setitem__("X", "y"),
        lambda headers: headers.__delitem__("X-A"),
        lambda headers: headers.update(X="y"),
        lambda headers: headers.setdefault("X", "y"),
        lambda headers: headers.pop("X-A"),
        lambda headers: headers.popitem(),
        lambda headers: headers.clear(),
        lambda headers: headers.__ior__({"X": "y"}),
    ],
)
def test_headers_cannot_change(change: Any) -> None:
    """The headers are a dictionary that only reads."""
    made = Settings(headers={"X-A": "a"})
    with pytest.raises(TypeError, match="frozen settings"):
        change(made.headers)
    assert made.headers == {"X-A": "a"}
    assert {**made.headers, "X": "y"} == {"X-A": "a", "X": "y"}


def test_what_was_passed_in_stays_the_callers() -> None:
    """A dictionary given as argument is not kept."""
    headers = {"X-A": "a"}
    made = Settings(headers=headers)
    headers["X-B"] = "b"
    assert made.headers == {"X-A": "a"}


def test_equality_compares_values_only(place: Place) -> None:
    """The same values from other sources are equal; another class or value is not."""
    place.write("penstock.toml", "timeout = 5")
    from_file, from_argument = place.load(), Settings(timeout=5)
    assert from_file == from_argument
    assert from_file.explain() != from_argument.explain()
    assert from_file != Settings(timeout=6)
    assert Settings() != Acme(base_url=None)
    assert Settings() != 5


def test_settings_are_not_hashable() -> None:
    """Headers are a dictionary, so there is no hash to be wrong."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Settings())


@pytest.mark.parametrize(
    "travel",
    [
        copy.copy,
        copy.deepcopy,
        lambda made: made.model_copy(),
        lambda made: made.model_copy(deep=True),
        *[lambda made, p=protocol: pickle.loads(pickle.dumps(made, p)) for protocol in range(2, 6)],
    ],
)
def test_copies_and_pickles_keep_values_and_sources(place: Place, travel: Any) -> None:
    """What comes out is equal, explains itself the same way, and is as frozen."""
    made = made_everywhere(place)
    other = travel(made)
    assert other == made
    assert other.explain() == made.explain()
    assert other.given() == made.given()
    assert other.require("api_key").get_secret_value() == KEY
    with pytest.raises(TypeError):
        other.headers["X"] = "y"
    with pytest.raises(AttributeError):
        other.timeout = 3


def test_replace_keeps_every_other_value_and_source(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`replace` reads no source again: what it does not name keeps value and source, key by key."""
    made = made_everywhere(place)
    place.write("penstock.toml", "deadline = 99")
    monkeypatch.setenv("PENSTOCK_DEADLINE", "999")
    changed = made.replace(
        timeout=7, retry={"base_delay": 2}, headers={"x-team": "red", "X-New": "1"}
    )
    assert (changed.timeout, changed.deadline) == (7.0, 9.0)
    assert (changed.retry.max_retries, changed.retry.base_delay) == (3, 2.0)
    assert changed.headers == {"x-team": "red", "X-New": "1"}
    before, after = ({v.path: v for v in each.explain().values} for each in (made, changed))
    assert after["deadline"] == before["deadline"]
    assert after["retry.max_retries"] == before["retry.max_retries"]
    assert after["timeout"].source.detail == "Settings.replace()"
    assert [each.source.detail for each in after["timeout"].shadowed] == ["Settings.load()"]
    assert [each.shown for each in after["headers.x-team"].shadowed] == ["blue"]
    assert changed.explain().files == made.explain().files
    assert made.timeout == 5.0


def test_replacing_nothing_changes_nothing(place: Place) -> None:
    """`replace()` without changes is the same settings with the same story."""
    made = made_everywhere(place)
    assert made.replace() == made
    assert made.replace().explain() == made.explain()


def test_an_update_of_a_copy_is_checked() -> None:
    """`model_copy(update=…)` cannot smuggle a value past the checks."""
    with pytest.raises(SettingsError, match="timeout"):
        Settings().model_copy(update={"timeout": -1})
    assert Settings().model_copy(update={"timeout": 3}).timeout == 3.0


def test_replace_takes_a_table_as_instance_or_dict() -> None:
    """A table in `replace` merges in either form."""
    made = Settings(retry={"max_retries": 5})
    for retry in ({"base_delay": 2}, RetrySettings(base_delay=2)):
        assert made.replace(retry=retry).retry == RetrySettings(max_retries=5, base_delay=2)


def test_keys_come_as_text_or_as_secret() -> None:
    """A key may be text or a `SecretStr`; it is kept as `SecretStr`."""
    assert Settings(api_key=KEY) == Settings(api_key=SecretStr(KEY))
    assert isinstance(Settings(api_key=KEY).api_key, SecretStr)
