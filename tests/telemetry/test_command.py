"""`--otlp`: what a command records arrives at an endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from penstock.cli.group import penstock

from .receiver import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from penstock.demo import DemoServer

    from .receiver import Receiver


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `penstock` in this process, away from the settings of this machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(penstock, arguments, prog_name="penstock", **options)

    return run


@pytest.fixture(autouse=True)
def at_server(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BASE_URL", server.url)


def test_a_request(invoke: Callable[..., Result], receiver: Receiver) -> None:
    """Its spans arrive, the command says under which trace, and the server heard of that trace."""
    result = invoke("request", "GET", "/echo", f"--otlp={receiver.url}")
    assert result.exit_code == 0
    spans = receiver.spans
    assert tree_of(spans) == [["penstock.call", ["GET"]]]
    assert {span.resource["service.name"] for span in spans} == {"penstock"}
    said = f"penstock: exported trace {spans[0].trace_id} to {receiver.url}/v1/traces\n"
    assert result.stderr == said
    headers = dict(json.loads(result.stdout)["headers"])
    assert headers["traceparent"].split("-")[1:3] == [spans[1].trace_id, spans[1].span_id]


def test_without_it_no_server_hears_of_a_trace(invoke: Callable[..., Result]) -> None:
    """A request that is not exported has no `traceparent`: it would lead nowhere."""
    result = invoke("request", "GET", "/echo")
    assert "traceparent" not in dict(json.loads(result.stdout)["headers"])


def test_in_a_process_that_is_instrumented(server: DemoServer, receiver: Receiver) -> None:
    """Spans go where the process has them go, with no option, and the server hears of the trace."""
    program = """
import sys, penstock
from penstock.cli import main
penstock.telemetry.configure("mine", metrics="none")
main(["request", "GET", sys.argv[1] + "/echo"])
"""
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, server.url],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert tree_of(receiver.spans) == [["penstock.call", ["GET"]]]
    assert dict(json.loads(said.stdout)["headers"])["traceparent"]


def test_a_stream(invoke: Callable[..., Result], receiver: Receiver) -> None:
    """The span of its body is exported too."""
    assert invoke("request", "GET", "/ndjson", "--stream", f"--otlp={receiver.url}").exit_code == 0
    assert tree_of(receiver.spans) == [["penstock.call", ["GET"], ["penstock.demo.body"]]]


def test_the_standard_variables(invoke: Callable[..., Result], receiver: Receiver) -> None:
    """Without an endpoint it is the one of the environment, and so is the service's name."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_SERVICE_NAME": "mine"}
    result = invoke("request", "GET", "/status/404", "--otlp", env=variables)
    assert result.exit_code == 4
    assert {span.resource["service.name"] for span in receiver.spans} == {"mine"}


def test_the_demo(invoke: Callable[..., Result], receiver: Receiver) -> None:
    """Every call of the demo is a trace; each has its call's span on top."""
    result = invoke("demo", "--async", "--json", f"--otlp={receiver.url}")
    assert (result.exit_code, "exported everything" in result.stderr) == (0, True)
    calls = json.loads(result.stdout)["calls"]
    roots = {span.span_id for span in receiver.spans if not span.parent_id}
    assert {call["spans"][0]["id"] for call in calls} <= roots
    assert sum(len(call["spans"]) for call in calls) <= len(receiver.spans)


@pytest.mark.parametrize(("command", "code"), [("request", 0), ("demo", 6)])
def test_nobody_listens(
    command: str,
    code: int,
    invoke: Callable[..., Result],
    receiver: Receiver,
) -> None:
    """It is one line on standard error; a request's exit code is still its own."""
    asked = {"request": ["GET", "/echo"], "demo": ["--async", "--json"]}[command]
    variables = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    result = invoke(command, *asked, "--otlp=http://127.0.0.1:9", env=variables)
    assert result.exit_code == code
    assert result.stderr == (
        "penstock: could not export to http://127.0.0.1:9/v1/traces: "
        "is a collector listening there?\n"
    )


def test_switched_off(invoke: Callable[..., Result], receiver: Receiver) -> None:
    """Where the environment switches the SDK off, the command says that nothing went out."""
    variables = {"OTEL_SDK_DISABLED": "true"}
    result = invoke("request", "GET", "/echo", f"--otlp={receiver.url}", env=variables)
    assert result.exit_code == 0
    assert result.stderr == ("penstock: nothing was exported: OTEL_SDK_DISABLED switches it off\n")
    assert receiver.deliveries == []


def test_what_is_no_endpoint(invoke: Callable[..., Result]) -> None:
    """It is wrong usage, so that a forgotten `=` sends no request elsewhere."""
    result = invoke("request", "--otlp", "GET", "/echo", "x")
    assert (result.exit_code, "--otlp=ENDPOINT wants a URL" in result.stderr) == (2, True)
