"""`penstock config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

KEY = "sk-0123456789-abcdefgh"

FILE = """
timeout = 5
[profiles.staging]
timeout = 7
"""


@pytest.fixture
def file(environ: dict[str, str]) -> Path:
    path = Path("penstock.toml")
    path.write_text(FILE)
    return path


def row(result: Result, path: str) -> str:
    return next(line for line in result.output.splitlines() if line.startswith(f"{path} "))


def test_every_setting_has_its_source(invoke: Callable[..., Result], file: Path) -> None:
    """Variable, file with line, and default are told apart."""
    result = invoke("config", "show", env={"PENSTOCK_RETRY__MAX_RETRIES": "5"})
    assert result.exit_code == 0
    assert row(result, "retry.max_retries").split() == [
        "retry.max_retries",
        "5",
        "environment",
        "PENSTOCK_RETRY__MAX_RETRIES",
    ]
    assert row(result, "timeout").split()[:3] == ["timeout", "5.0", "project"]
    assert "penstock.toml:2 timeout" in row(result, "timeout")
    assert row(result, "deadline").split() == ["deadline", "none", "default"]


def test_a_secret_is_masked(invoke: Callable[..., Result]) -> None:
    """Its last four characters show, in the table and in JSON alike."""
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        result = invoke(*arguments, env={"PENSTOCK_API_KEY": KEY})
        assert "****efgh" in result.output
        assert KEY not in result.output


def test_a_profile(invoke: Callable[..., Result], file: Path) -> None:
    """It is named, and with `--all` what it overruled is there too."""
    result = invoke("config", "show", "--all", "--profile", "staging")
    lines = result.output.splitlines()
    assert lines[0] == "profile: staging"
    at = lines.index(row(result, "timeout"))
    assert lines[at].split()[1] == "7.0"
    assert lines[at + 1].split()[:2] == ["overruled", "5"]


@pytest.mark.filterwarnings("ignore")
def test_a_variable_that_sets_nothing(invoke: Callable[..., Result]) -> None:
    """With `--all` it is named."""
    result = invoke("config", "show", "--all", env={"PENSTOCK_TIMEOUTT": "5"})
    assert result.stdout.splitlines()[-1] == "unread: PENSTOCK_TIMEOUTT sets nothing"


def test_as_json(invoke: Callable[..., Result], file: Path) -> None:
    """It is one document."""
    document = json.loads(invoke("config", "show", "--json").output)
    assert document["schema"] == 1
    (timeout,) = [value for value in document["values"] if value["path"] == "timeout"]
    assert (timeout["value"], timeout["source"]["line"]) == ("5.0", 2)


def test_files(invoke: Callable[..., Result], file: Path) -> None:
    """Every file that was looked for is there, with what became of it."""
    states = {
        line.split()[-1]: line.partition("  ")[0]
        for line in invoke("config", "files").output.splitlines()
    }
    assert states[str(file.absolute())] == "read"
    assert "not found" in states.values()
    document = json.loads(invoke("config", "files", "--json").output)
    assert (document["schema"], document["files"][0]["used"]) == (1, True)


def test_a_file_that_is_wrong(invoke: Callable[..., Result]) -> None:
    """It is a line on standard error that names file, line and cure, and exit code 3."""
    Path("mine.toml").write_text("timeuot = 5\n")
    result = invoke("config", "show", "--config", "mine.toml")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("penstock: timeuot: ")
    assert "mine.toml:1" in result.stderr
