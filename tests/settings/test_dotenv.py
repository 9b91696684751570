"""A `.env` the caller names: ours is read, what belongs to others is left alone."""

from __future__ import annotations

import os

import pytest

from penstock.settings import Settings, SettingsError, SettingsWarning

from .support import KEY, Acme, Place


def test_values_know_their_line(place: Place) -> None:
    """Each value names file, line and variable, blank lines and quotes notwithstanding."""
    path = place.write(
        ".env",
        f"# ours\n\n\nexport PENSTOCK_API_KEY='{KEY}'\nPENSTOCK_TIMEOUT = 5 # seconds\n",
    )
    loaded = place.load(dotenv=path)
    assert loaded.require("api_key").get_secret_value() == KEY
    details = {row[0]: row[2:] for row in loaded.explain()}
    assert details["api_key"] == ("dotenv", f"{path}:4 PENSTOCK_API_KEY")
    assert details["timeout"] == ("dotenv", f"{path}:5 PENSTOCK_TIMEOUT")


def test_foreign_variables_are_left_alone(place: Place) -> None:
    """Keys and broken lines of others are no business of ours."""
    text = "DATABASE_URL=postgres://u:hunter2@db/x\n!!!\nACME_TIMEOUT=3\nJUST_A_NAME\nPENSTOCK_TIMEOUT=5\n"
    assert place.load(dotenv=place.write(".env", text)).given() == {"timeout": 5.0}


@pytest.mark.parametrize("line", ["PENSTOCK_TIMEOUT", "PENSTOCK_TIMEOUT=", 'PENSTOCK_TIMEOUT=""'])
def test_a_name_without_a_value_counts_as_unset(place: Place, line: str) -> None:
    """Nothing after the name, or no equals sign at all, sets nothing."""
    assert place.load(dotenv=place.write(".env", line)).given() == {}


@pytest.mark.parametrize("text", ["${HOME}/x", "$HOME/x", "a${b"])
def test_nothing_is_interpolated(place: Place, text: str) -> None:
    """A value is taken as it stands: it never reads another variable."""
    path = place.write(".env", f"PENSTOCK_USER_AGENT={text}")
    assert place.load(dotenv=path).user_agent == text


def test_a_prefixed_alias_works_from_the_file(place: Place) -> None:
    """A field with names of its own is read from a `.env` by each of them."""
    for name in ("ACME_API_KEY", "OLD_ACME_KEY", "ACMEKEY"):
        path = place.write(".env", f"{name}={KEY}\nUNRELATED=1\n")
        assert place.load(Acme, dotenv=path).require("api_key").get_secret_value() == KEY


def test_a_misspelt_name_is_a_warning(place: Place) -> None:
    """A slip in the file is told with its line."""
    path = place.write(".env", "A=1\nPENSTOCK_TIMOUT=5\n")
    with pytest.warns(SettingsWarning, match=r"\.env:2 PENSTOCK_TIMOUT sets nothing: did you mean"):
        place.load(dotenv=path)


def test_a_broken_line_of_ours_is_an_error(place: Place) -> None:
    """An unclosed quote is told with file and line, without the value."""
    path = place.write(".env", f"A=1\nPENSTOCK_API_KEY='{KEY}\n")
    with pytest.raises(SettingsError) as caught:
        place.load(dotenv=path)
    (problem,) = caught.value.problems
    assert problem.source == f".env file {path}:2"
    assert KEY not in str(caught.value)


def test_a_missing_file_is_an_error(place: Place) -> None:
    """A `.env` that was named must be there."""
    with pytest.raises(SettingsError, match="does not exist"):
        place.load(dotenv=place.project / ".env")


def test_no_file_is_read_unless_it_is_named(place: Place) -> None:
    """A `.env` in the working directory is somebody else's until the caller names it."""
    place.write(".env", "PENSTOCK_TIMEOUT=5")
    assert place.load().given() == {}


def test_the_process_keeps_its_environment(place: Place) -> None:
    """Reading a `.env` exports nothing."""
    before = dict(os.environ)
    Settings.load(dotenv=place.write(".env", "PENSTOCK_TIMEOUT=5"))
    assert dict(os.environ) == before


def test_the_file_may_choose_the_profile(place: Place) -> None:
    """`PENSTOCK_PROFILE` counts in a `.env` too, below the process's."""
    place.write("penstock.toml", "[profiles.a]\ntimeout = 1\n[profiles.b]\ntimeout = 2")
    path = place.write(".env", "PENSTOCK_PROFILE=a")
    assert place.load(dotenv=path).timeout == 1.0
    assert place.load(dotenv=path, environ={"PENSTOCK_PROFILE": "b"}).timeout == 2.0
