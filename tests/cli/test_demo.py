"""`penstock demo`: the whole show, as a person and as a script see it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from penstock.demo.run import SHOW
from penstock.demo.sdk_calls import SDK_CALLS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from click.testing import Result

STATUSES = {
    "wrong-key": (401, "Unauthorized"),
    "deadline": (None, "DeadlineExceeded"),
}
ATTEMPTS = {"flaky": 3, "rate-limited": 2, "dropped": 2, "embeddings": 2, "babyapi": 2}


def test_the_whole_show(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    """Every call has its waterfall, in plain text that fits 80 columns."""
    with spawn("demo", COLUMNS="80") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    heads = re.findall(r"^ ?\d+  (?:GET|POST) ", out, re.MULTILINE)
    assert len(heads) == len(SHOW) == 16
    assert [call.client for call in SDK_CALLS if f"{call.client}: " not in out] == []
    assert re.search(r"^  wait +╌+ +503, backoff 0\.\d\d s$", out, re.MULTILINE)
    assert re.search(r"^  wait +╌+ +429, Retry-After 1\.\d\d s$", out, re.MULTILINE)
    assert re.search(r"^    send 1 +━+ +302 to /redirect/2 ", out, re.MULTILINE)
    assert "AsyncClient: the same calls at once" in out
    assert "├─ GET  CLIENT" in out
    assert "http.retry.scheduled" in out


def test_as_json(invoke: Callable[..., Result]) -> None:
    """Every call is there with what became of it, its spans and its log events."""
    result = invoke("demo", "--async", "--json")
    assert result.exit_code == 0
    document = json.loads(result.output)
    calls = {call["name"]: call for call in document["calls"]}
    assert (document["schema"], list(calls)) == (1, [call.name for call in SHOW])
    clients = {call.name: call.async_client for call in SDK_CALLS}
    for name, call in calls.items():
        assert (call["status"], call["error"]) == STATUSES.get(name, (200, None))
        assert call["attempts"] == ATTEMPTS.get(name, 1)
        assert call["client"] == clients.get(name, "AsyncClient")
        sends = [span for span in call["spans"] if "http.request.method" in span["attributes"]]
        assert len(sends) == call["attempts"] + (3 if name == "redirected" else 0)
        assert call["log"]
    assert "the-key-of-the-demo" not in result.output


def test_a_picture(invoke: Callable[..., Result]) -> None:
    """It is an SVG document that loads nothing from elsewhere."""
    result = invoke("demo", "--async", "--svg", "fall.svg")
    assert result.exit_code == 0
    svg = Path("fall.svg").read_text(encoding="utf-8")
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "url(http" not in svg.replace('"', "")
    assert "attempt" in svg


@pytest.mark.parametrize("option", ["--svg", "--html"])
def test_a_picture_that_cannot_be_saved_is_told_first(
    option: str, invoke: Callable[..., Result]
) -> None:
    """A path nothing can be written to is wrong usage, before anything is played."""
    result = invoke("demo", option, "missing/picture")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no directory missing" in result.stderr
