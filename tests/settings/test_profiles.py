"""Named profiles: who chooses, how they rank, and what happens to a wrong name."""

from __future__ import annotations

import pytest

from penstock.settings import SettingsError

from .support import Place, problems

PROJECT = """
timeout = 1
deadline = 1
[retry]
max_retries = 1
[profiles.staging]
timeout = 10
[profiles.prod.retry]
max_retries = 10
"""


def test_nothing_is_chosen_by_itself(place: Place) -> None:
    """Without a choice the base tables hold."""
    place.write("penstock.toml", PROJECT)
    assert (place.load().timeout, place.load().explain().profile) == (1.0, None)


def test_the_choice_is_the_argument_then_the_variable_then_the_files(place: Place) -> None:
    """The argument beats the variable, that the project's default, and that the user's."""
    tables = "".join(f"[profiles.{name}]\ntimeout = {ord(name)}\n" for name in "abcd")
    place.user("default-profile = 'd'")
    place.write("penstock.toml", tables)
    assert place.load().timeout == ord("d")
    place.write("penstock.toml", f"default-profile = 'c'\n{tables}")
    assert place.load().timeout == ord("c")
    environ = {"PENSTOCK_PROFILE": "b"}
    assert place.load(environ=environ).timeout == ord("b")
    loaded = place.load(environ=environ, profile="a")
    assert (loaded.timeout, loaded.explain().profile) == (ord("a"), "a")
    assert place.load(environ={"PENSTOCK_PROFILE": ""}).timeout == ord("c")


def test_a_profile_beats_every_base_and_merges_with_it(place: Place) -> None:
    """The user's profile beats even the project's base; what it does not name stays."""
    place.write("penstock.toml", PROJECT)
    place.user(
        "timeout = 2\n[profiles.staging]\ndeadline = 20\n[profiles.staging.retry]\nbase_delay = 5"
    )
    loaded = place.load(profile="staging")
    assert (loaded.timeout, loaded.deadline) == (10.0, 20.0)
    assert (loaded.retry.max_retries, loaded.retry.base_delay) == (1, 5.0)
    source = loaded.explain()["timeout"].source
    assert (source.kind, source.name, source.line) == ("project", "profiles.staging.timeout", 7)
    assert [shadowed.shown for shadowed in loaded.explain()["timeout"].shadowed] == ["1", "2"]


def test_the_environment_beats_a_profile(place: Place) -> None:
    """A profile ranks below the environment."""
    place.write("penstock.toml", PROJECT)
    assert place.load(environ={"PENSTOCK_TIMEOUT": "3"}, profile="staging").timeout == 3.0


@pytest.mark.parametrize(
    ("name", "hint"),
    [("stagin", "did you mean 'staging'? known: prod, staging"), ("x", "known: prod, staging")],
)
def test_an_unknown_profile_is_an_error(place: Place, name: str, hint: str) -> None:
    """The error says who asked, what was probably meant, and what there is."""
    place.write("penstock.toml", PROJECT)
    sources = []
    for options in ({"profile": name}, {"environ": {"PENSTOCK_PROFILE": name}}):
        with pytest.raises(SettingsError) as caught:
            place.load(**options)
        (problem,) = caught.value.problems
        assert (problem.path, problem.hint) == ("profile", hint)
        sources.append(problem.source)
    assert sources == ["argument of load()", "environment variable PENSTOCK_PROFILE"]


def test_a_wrong_default_is_told_with_its_line(place: Place) -> None:
    """A `default-profile` that no file defines names the file and the line."""
    path = place.write("penstock.toml", f"default-profile = 'none'\n{PROJECT}")
    with pytest.raises(
        SettingsError, match=rf"no profile 'none' \(project file {path}:1 default-profile\)"
    ):
        place.load()
    assert place.load(profile="prod").retry.max_retries == 10


def test_a_profile_without_any_file_is_an_error(place: Place) -> None:
    """Asking for a profile where no file has one is not silently ignored."""
    with pytest.raises(SettingsError, match="no file defines a profile"):
        place.load(profile="staging")


@pytest.mark.parametrize("key", ["default-profile", "default_profile"])
def test_the_default_must_be_text(place: Place, key: str) -> None:
    """Both spellings work, with text."""
    place.write("penstock.toml", f"{key} = 'prod'\n{PROJECT}")
    assert place.load().retry.max_retries == 10
    place.write("penstock.toml", f"{key} = 3\n{PROJECT}")
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert problems(caught.value) == [(key, "must be text")]


def test_slips_in_profiles_nobody_chose_are_told(place: Place) -> None:
    """Keys are checked in every profile; values only where they hold."""
    place.write("penstock.toml", "[profiles.a]\ntimeout = 'soon'\n[profiles.b]\ntimeot = 1")
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert problems(caught.value) == [("profiles.b.timeot", "unknown key")]


def test_a_profile_may_come_from_json_and_yaml(place: Place) -> None:
    """Profiles are no matter of the format."""
    json = place.write("x.json", '{"profiles": {"a": {"timeout": 5}}, "default-profile": "a"}')
    yaml = place.write("x.yaml", "profiles:\n  a:\n    timeout: 5\ndefault-profile: a")
    assert [place.load(config_file=path).timeout for path in (json, yaml)] == [5.0, 5.0]
