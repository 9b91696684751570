"""Which source wins, and that it does so leaf by leaf."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings, strategies
from pydantic import Field

from penstock.options import REMOVE, UNSET
from penstock.settings import RetrySettings, Settings, SettingsError

from .support import Acme, Place

LAYERS = ("argument", "environment", "dotenv", "project profile", "user profile", "project", "user")
TEXTS = {
    "project": "timeout = {}",
    "user": "timeout = {}",
    "project profile": "[profiles.p]\ntimeout = {}",
    "user profile": "[profiles.p]\ntimeout = {}",
}


def given_by(place: Place, layers: dict[str, float]) -> dict[str, Any]:
    """Write each layer's timeout where it belongs, and return what `load` needs to see it."""
    options: dict[str, Any] = {"environ": {}}
    for kind in ("project", "user"):
        profile = f"{kind} profile"
        text = "\n".join(TEXTS[k].format(layers[k]) for k in (kind, profile) if k in layers)
        place.write("penstock.toml", text) if kind == "project" else place.user(text)
        if profile in layers:
            options["profile"] = "p"
    if "dotenv" in layers:
        options["dotenv"] = place.write(".env", f"PENSTOCK_TIMEOUT={layers['dotenv']}\n")
    if "environment" in layers:
        options["environ"] = {"PENSTOCK_TIMEOUT": str(layers["environment"])}
    if "argument" in layers:
        options["timeout"] = layers["argument"]
    return options


@pytest.mark.parametrize("count", range(1, len(LAYERS) + 1))
def test_a_layer_beats_every_layer_below_it(place: Place, count: int) -> None:
    """The highest layer that names a leaf wins, and `explain` says it was that one."""
    layers = {name: float(index + 1) for index, name in enumerate(LAYERS)}
    below = dict(list(layers.items())[len(LAYERS) - count :])
    loaded = place.load(**given_by(place, below))
    winner = next(iter(below))
    assert loaded.timeout == layers[winner]
    assert loaded.explain()["timeout"].source.kind == winner.split()[0]
    assert [float(shown) for shown, _ in loaded.explain()["timeout"].shadowed] == list(
        below.values()
    )[1:]


@settings(max_examples=40)
@given(
    strategies.dictionaries(
        strategies.sampled_from(LAYERS), strategies.integers(1, 900).map(float), min_size=1
    )
)
def test_the_winner_is_the_highest_layer(layers: dict[str, float]) -> None:
    """For any assignment of values to layers, the highest layer's value holds."""
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        place = Place(Path(root).resolve())
        patch.chdir(place.project)
        loaded = place.load(**given_by(place, layers))
    assert loaded.timeout == next(layers[name] for name in LAYERS if name in layers)


def test_tables_merge_leaf_by_leaf(place: Place) -> None:
    """Each leaf of a table comes from the highest layer that names that leaf."""
    place.user("[retry]\nmax_retries = 9\nbase_delay = 1.5\nmax_delay = 4")
    place.write("penstock.toml", "[retry]\nmax_retries = 7\nbase_delay = 2.5")
    loaded = place.load(environ={"PENSTOCK_RETRY__MAX_RETRIES": "5"})
    assert loaded.retry == RetrySettings(max_retries=5, base_delay=2.5, max_delay=4)


@pytest.mark.parametrize("given_retry", [{"max_retries": 5}, RetrySettings(max_retries=5)])
def test_an_instance_and_a_dict_of_a_table_mean_the_same(place: Place, given_retry: object) -> None:
    """A table given as an instance sets what was set on it; lower layers keep the rest."""
    loaded = place.load(environ={"PENSTOCK_RETRY__BASE_DELAY": "3"}, retry=given_retry)
    assert (loaded.retry.max_retries, loaded.retry.base_delay) == (5, 3.0)
    assert loaded.explain()["retry.base_delay"].source.kind == "environment"


def test_a_table_set_in_part_keeps_the_rest_of_its_fields_default() -> None:
    """A default instance's own values survive where no source names them."""

    class Patient(Settings):
        retry: RetrySettings = RetrySettings(max_retries=9, base_delay=9.0)

    loaded = Patient.from_env(environ={"PENSTOCK_RETRY__MAX_RETRIES": "7"})
    assert (loaded.retry.max_retries, loaded.retry.base_delay, loaded.retry.max_delay) == (
        7,
        9.0,
        8.0,
    )


def test_headers_merge_by_name_without_case(place: Place) -> None:
    """One header comes out for every name, however each layer spells it."""
    place.user('[headers]\nX-Tenant = "user"\nX-Team = "blue"')
    place.write("penstock.toml", '[headers]\nx-tenant = "project"')
    loaded = place.load(environ={"PENSTOCK_HEADERS__X_TENANT": "environment"})
    assert loaded.headers == {"X-TENANT": "environment", "X-Team": "blue"}


@pytest.mark.parametrize("nothing", [None, REMOVE])
def test_a_higher_layer_can_drop_a_header_of_a_lower_one(place: Place, nothing: object) -> None:
    """A header set to nothing is gone, and another layer's other headers are not."""
    place.user('[headers]\nX-Tenant = "user"\nX-Team = "blue"')
    assert place.load(headers={"x-tenant": nothing}).headers == {"X-Team": "blue"}
    dropped = {"PENSTOCK_HEADERS": json.dumps({"X-Tenant": None})}
    assert place.load(environ=dropped).headers == {"X-Team": "blue"}


def test_headers_of_the_class_merge_too() -> None:
    """A default header holds until some source overrides or drops that very header."""

    class Tagged(Settings):
        headers: dict[str, str] = Field(
            default_factory=lambda: {"X-Sdk": "acme", "X-Lang": "python"}
        )

    assert Tagged(timeout=3).headers == {"X-Sdk": "acme", "X-Lang": "python"}
    assert Tagged(headers={"x-sdk": "mine"}).headers == {"x-sdk": "mine", "X-Lang": "python"}
    dropped = Tagged.load(environ={}, headers={"X-Sdk": None})
    assert dropped.headers == {"X-Lang": "python"}
    assert dropped.replace(timeout=3).headers == {"X-Lang": "python"}


def test_not_given_is_not_none(place: Place) -> None:
    """`UNSET` leaves the layers below in force; `None` is a value."""
    environ = {"PENSTOCK_TIMEOUT": "5", "PENSTOCK_DEADLINE": "9"}
    loaded = place.load(environ=environ, timeout=UNSET, deadline=None)
    assert (loaded.timeout, loaded.deadline) == (5.0, None)


def test_plain_construction_reads_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Settings(…)` and `model_validate` take their arguments and the defaults, nothing else."""
    place.write("penstock.toml", "timeout = 3")
    place.user("timeout = 4")
    monkeypatch.setenv("PENSTOCK_TIMEOUT", "5")
    assert Settings().timeout == 60.0
    assert Settings.model_validate({"deadline": 7}).timeout == 60.0
    assert Settings.model_validate_json('{"deadline": 7}').deadline == 7.0


def test_from_env_reads_no_file(place: Place) -> None:
    """`from_env` knows the environment and the defaults; a profile lives in files."""
    place.write("penstock.toml", "timeout = 3")
    environ = {**place.environ, "PENSTOCK_DEADLINE": "9", "PENSTOCK_PROFILE": "staging"}
    loaded = Settings.from_env(environ=environ, trust_env=False)
    assert (loaded.timeout, loaded.deadline, loaded.trust_env) == (60.0, 9.0, False)
    assert loaded.explain().files == ()


def test_the_process_is_read_unless_an_environment_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without `environ=` the process's variables count, with it they do not."""
    monkeypatch.setenv("PENSTOCK_TIMEOUT", "5")
    assert (Settings.load().timeout, Settings.from_env().timeout) == (5.0, 5.0)
    assert (Settings.load(environ={}).timeout, Settings.from_env(environ={}).timeout) == (
        60.0,
        60.0,
    )


def test_two_classes_read_their_own_names(place: Place) -> None:
    """What one product's sources say never reaches another product."""
    place.write("penstock.toml", "timeout = 3")
    place.write("acme.toml", "timeout = 4")
    environ = {"PENSTOCK_DEADLINE": "5", "ACME_DEADLINE": "6"}
    loaded = [place.load(cls, environ=environ) for cls in (Settings, Acme)]
    assert [(each.timeout, each.deadline) for each in loaded] == [(3.0, 5.0), (4.0, 6.0)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("timeuot", "did you mean 'timeout'?"),
        ("max_retries", "did you mean 'retry.max_retries'?"),
        ("_env_file", "known here: base_url"),
    ],
)
def test_an_unknown_argument_is_an_error(name: str, hint: str) -> None:
    """An argument that is no setting is refused with what was probably meant."""
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: 3})
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (name, "unknown key")
    assert problem.hint.startswith(hint)
