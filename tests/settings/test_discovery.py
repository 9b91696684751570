"""Files nobody named: where they are looked for, and what they may not do."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from penstock.settings import Settings, SettingsError, SettingsWarning

from .support import Acme, Place, problems


def looked_for(loaded: Settings) -> list[tuple[str, bool, bool]]:
    """Return the path, found and used of every file that was looked for."""
    return [(file.path, file.found, file.used) for file in loaded.explain().files]


def test_every_file_looked_for_is_told(place: Place) -> None:
    """`explain` lists each candidate by rank, found or not, and why one was passed over."""
    below = place.project / "src/app"
    below.mkdir(parents=True)
    os.chdir(below)
    place.write("src/pyproject.toml", '[project]\ndependencies = ["penstock"]')
    place.write("penstock.toml", "timeout = 3")
    loaded = place.load()
    assert looked_for(loaded) == [
        (str(below / "penstock.toml"), False, False),
        (str(below / "pyproject.toml"), False, False),
        (str(place.project / "src/penstock.toml"), False, False),
        (str(place.project / "src/pyproject.toml"), True, False),
        (str(place.project / "penstock.toml"), True, True),
        (str(place.home / ".config/penstock/config.toml"), False, False),
    ]
    assert loaded.explain().files[3].note == "has no table [tool.penstock]"


def test_the_nearest_directory_wins_and_nothing_is_merged_across(place: Place) -> None:
    """A file hides every file above it, whichever of its two names it has."""
    place.write("penstock.toml", "deadline = 3")
    place.write("sub/pyproject.toml", "[tool.penstock]\ntimeout = 4")
    os.chdir(place.project / "sub")
    assert place.load().given() == {"timeout": 4.0}


def test_its_own_file_beats_pyproject_in_the_same_directory(place: Place) -> None:
    """`penstock.toml` hides `[tool.penstock]` beside it."""
    place.write("pyproject.toml", "[tool.penstock]\ntimeout = 4")
    assert (
        place.load()
        .explain()["timeout"]
        .source.detail.endswith("pyproject.toml:2 tool.penstock.timeout")
    )
    place.write("penstock.toml", "deadline = 3")
    assert place.load().given() == {"deadline": 3.0}


@pytest.mark.parametrize("stop", ["repository", "worktree", "home"])
def test_the_search_ends_at_the_repository_or_at_home(place: Place, stop: str) -> None:
    """Nothing above a repository's root or the home directory is read."""
    root = place.home / "code" if stop != "home" else place.home
    (root / "deep").mkdir(parents=True)
    if stop == "repository":
        (root / ".git").mkdir()
    if stop == "worktree":
        place.write(root / ".git", "gitdir: elsewhere")
    os.chdir(root / "deep")
    place.write(root.parent / "penstock.toml", "timeout = 3")
    assert place.load().given() == {}
    place.write(root / "penstock.toml", "timeout = 4")
    assert place.load().given() == {"timeout": 4.0}


def test_a_linked_home_is_home(place: Place, tmp_path: Path) -> None:
    """The search ends at the home directory under whatever name it goes."""
    (tmp_path / "link").symlink_to(place.home)
    place.write(tmp_path / "penstock.toml", "timeout = 3")
    os.chdir(place.home)
    assert Settings.load(environ={"HOME": str(tmp_path / "link")}).given() == {}


def test_a_file_of_another_user_is_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write to a shared directory does not configure us; a warning says what to do."""
    place.write("penstock.toml", "timeout = 3")
    monkeypatch.setattr(os, "geteuid", lambda: place.project.stat().st_uid + 1)
    with pytest.warns(
        SettingsWarning, match=r"penstock.toml belongs to another user .* config_file="
    ):
        loaded = place.load()
    assert loaded.given() == {}
    assert looked_for(loaded)[0] == (str(place.project / "penstock.toml"), True, False)
    assert place.load(config_file="penstock.toml").timeout == 3.0


def test_a_file_that_may_not_be_opened_is_passed_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A found file that cannot be read is listed with the reason."""
    place.write("penstock.toml", "timeout = 3")

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert place.load().explain().files[0].note == "cannot be read: Permission denied"


def test_what_is_no_file_is_passed_over(place: Place) -> None:
    """A directory or a pipe by our name is not opened."""
    os.mkfifo(place.project / "penstock.toml")
    (place.project / "pyproject.toml").mkdir()
    assert place.load().given() == {}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('base_url = "https://evil.example"', "base_url"),
        ('base-url = "https://evil.example"', "base_url"),
        ('proxy = "http://evil.example"', "proxy"),
        ("verify = false", "verify"),
        ('[headers]\nhost = "evil.example"', "headers.host"),
        ('[profiles.p]\nbase_url = "https://evil.example"', "base_url"),
        ("[profiles.p]\nverify = false", "verify"),
    ],
)
@pytest.mark.parametrize("name", ["penstock.toml", "pyproject.toml"])
def test_a_found_project_file_cannot_redirect_a_key(
    place: Place, text: str, path: str, name: str
) -> None:
    """A project file that was found may not say where a key is sent; the error says who may."""
    if name == "pyproject.toml":
        text = f"[tool.penstock]\n{text}".replace("\n[", "\n[tool.penstock.")
    place.write(name, text)
    with pytest.raises(SettingsError) as caught:
        place.load(environ={"PENSTOCK_BASE_URL": "https://mine.example"})
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.message.startswith("untrusted: ")
    assert str(place.project / name) in problem.source
    assert "config_file=" in problem.hint
    assert "user file" in problem.hint
    assert "evil" not in str(caught.value)


def test_the_users_own_file_may(place: Place) -> None:
    """The user's file says where the user's key goes."""
    place.user('base_url = "https://x.example"\nverify = false')
    loaded = place.load()
    assert (loaded.base_url, loaded.verify) == ("https://x.example", False)


def test_a_subclass_may_guard_more(place: Place) -> None:
    """`guarded` holds a product's own paths too."""

    class Guarded(Acme):
        guarded = Acme.guarded | {"default_model"}

    place.write("acme.toml", 'default_model = "cheap"')
    with pytest.raises(SettingsError, match="default_model: untrusted"):
        place.load(Guarded)


def test_xdg_says_where_the_users_file_is(place: Place, tmp_path: Path) -> None:
    """An absolute `XDG_CONFIG_HOME` counts; a relative one is ignored (XDG Base Directory 0.8)."""
    place.user("timeout = 1")
    place.write(tmp_path / "xdg/penstock/config.toml", "timeout = 2")
    place.write("xdg/penstock/config.toml", "timeout = 3")
    assert place.load(environ={"XDG_CONFIG_HOME": str(tmp_path / "xdg")}).timeout == 2.0
    for elsewhere in ("xdg", "", str(tmp_path / "nowhere")):
        expected = 60.0 if elsewhere.startswith("/") else 1.0
        assert place.load(environ={"XDG_CONFIG_HOME": elsewhere}).timeout == expected


def test_without_a_home_there_is_no_users_file(place: Place) -> None:
    """An environment without a home has no user's file; Windows has its own name for home."""
    place.user("timeout = 1")
    assert Settings.load(environ={}).given() == {}
    assert Settings.load(environ={"USERPROFILE": str(place.home)}).given() == {"timeout": 1.0}


def test_a_directory_that_is_gone_ends_the_search(place: Place) -> None:
    """A process whose working directory was removed still has its user's settings."""
    place.user("timeout = 1")
    gone = place.project / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert place.load().given() == {"timeout": 1.0}


def test_without_a_repository_or_a_home_the_search_ends_at_the_root(tmp_path: Path) -> None:
    """Outside of everything the search goes up to the root and no further."""
    os.chdir(tmp_path.anchor)
    assert [file.path for file in Settings.load(environ={}).explain().files] == [
        f"{tmp_path.anchor}penstock.toml",
        f"{tmp_path.anchor}pyproject.toml",
    ]


def test_every_bad_file_is_told_at_once(place: Place) -> None:
    """What is wrong in one file does not hide what is wrong in another."""
    project = place.write("penstock.toml", "timeuot = 1")
    user = place.user("timeout = ")
    with pytest.raises(SettingsError) as caught:
        place.load(environ={"PENSTOCK_DEADLINE": "-1"})
    assert problems(caught.value) == [
        ("", "is not valid TOML: Invalid value"),
        ("timeuot", "unknown key"),
        ("deadline", "must be a finite number of seconds >= 0"),
    ]
    assert [problem.source for problem in caught.value.problems[:2]] == [
        f"user file {user}:1",
        f"project file {project}:1 timeuot",
    ]


def test_a_broken_pyproject_that_does_not_name_us_is_not_our_business(place: Place) -> None:
    """Another tool's broken file does not break us; one that mentions us does."""
    place.write("pyproject.toml", "[tool.other\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert place.load().given() == {}
    place.write("pyproject.toml", "[tool.penstock\n")
    with pytest.raises(SettingsError, match="is not valid TOML"):
        place.load()
