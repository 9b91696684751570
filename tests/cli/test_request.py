"""`penstock request`."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import _NamedTextIOWrapper
from tests.security.support import saying
from tests.transport.server import Server

from penstock.cli.bodies import print_body
from penstock.cli.exchange import _body
from penstock.demo import DemoServer

from .conftest import API_KEY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

CHAT = json.dumps(
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
)


def test_the_body_goes_to_standard_output(invoke: Callable[..., Result], at_server: str) -> None:
    """In a pipe it is byte for byte what came, and nothing else is said."""
    result = invoke("request", "GET", "/status/200")
    assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, b'{"status":200}', "")


def test_an_absolute_url_needs_no_base_url(invoke: Callable[..., Result]) -> None:
    """It is sent as it is, even where the settings have a base URL; the key stays at home."""
    with DemoServer() as elsewhere:
        assert invoke("request", "GET", f"{elsewhere.url}/echo").exit_code == 0
        variables = {"PENSTOCK_BASE_URL": "http://127.0.0.1:9", "PENSTOCK_API_KEY": API_KEY}
        assert invoke("request", "GET", f"{elsewhere.url}/echo", env=variables).exit_code == 0
        assert [request.bearer for request in elsewhere.requests] == [None, None]


def test_a_key_is_for_a_base_url(invoke: Callable[..., Result], server: DemoServer) -> None:
    """Where there is none the command line says what to write, and each of that works."""
    variables = {"PENSTOCK_API_KEY": API_KEY}
    result = invoke("request", "GET", f"{server.url}/echo", env=variables)
    assert (result.exit_code, server.requests) == (3, [])
    assert "--base-url" in result.stderr
    assert API_KEY not in result.stderr
    for arguments in (
        [f"{server.url}/echo", "-H", "Authorization:"],
        [f"{server.url}/echo", "-H", "authorization: Basic eDp5"],
        ["/echo", "--base-url", server.url],
    ):
        result = invoke("request", "GET", *arguments, "--no-fail", env=variables)
        assert result.exit_code == 0
    sent = [request.headers.get("authorization") for request in server.requests]
    assert sent == [None, "Basic eDp5", f"Bearer {API_KEY}"]


def test_headers(invoke: Callable[..., Result], at_server: str, server: DemoServer) -> None:
    """They are sent, the last of a name, and one without a value drops what would be."""
    invoke("request", "get", "/echo", "-H", "X-A: 1", "-H", "x-a:  2", "-H", "Accept:")
    (request,) = server.requests
    assert request.headers.all("x-a") == ["2"]
    assert request.headers.get("accept") is None
    assert request.method == "GET"


def test_what_a_server_says_of_itself_steers_no_terminal(invoke: Callable[..., Result]) -> None:
    """The phrase of a status and the headers are shown with control characters spelled out."""
    answer = b"HTTP/1.1 200 a\x1b[31m\r\nX-A: b\x1b[2J\r\nContent-Length: 0\r\n\r\n"
    with Server(saying(answer)) as server:
        shown = invoke("request", "GET", server.url, "-v").stderr
    assert "< HTTP/1.1 200 a\\x1b[31m\n" in shown
    assert "< x-a: b\\x1b[2J\n" in shown


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        (["--json", '{"a": 1.10}'], b'{"a": 1.10}', "application/json"),
        (["--json", "@body.json"], b"[1]", "application/json"),
        (["-d", "a=1"], b"a=1", "application/x-www-form-urlencoded"),
        (["-d", "@-"], b"typed", "application/x-www-form-urlencoded"),
        (["-d", "<a/>", "-H", "content-type: text/xml"], b"<a/>", "text/xml"),
    ],
)
def test_bodies(
    arguments: list[str],
    body: bytes,
    content_type: str,
    invoke: Callable[..., Result],
    at_server: str,
    server: DemoServer,
    tmp_path: Path,
) -> None:
    """A body is sent as it was typed, or as a file or standard input has it."""
    (tmp_path / "body.json").write_text("[1]")
    assert invoke("request", "POST", "/echo", *arguments, input="typed").exit_code == 0
    (request,) = server.requests
    assert (request.body, request.headers.get("content-type")) == (body, content_type)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-H", "hush-hush"],
        ["-H", ": hush-hush"],
        ["--json", '{"hush-hush"'],
        ["--json", "[" * 100_000],
        ["--json", "1", "-d", "2"],
        ["-d", "@missing"],
        ["--timeout", "-1"],
        ["--max-retries", "1.5"],
        ["-H", "X-A: hush-hush\r\nX-B: 1"],
        ["--base-url", "ftp://x"],
    ],
)
def test_wrong_usage(
    arguments: list[str], invoke: Callable[..., Result], at_server: str, server: DemoServer
) -> None:
    """It is exit code 2 before anything is sent, and the message quotes no value."""
    result = invoke("request", "POST", "/echo", *arguments)
    assert (result.exit_code, result.stdout, server.requests) == (2, "", [])
    assert "hush-hush" not in result.stderr


@pytest.mark.parametrize(
    ("path", "arguments", "code", "said"),
    [
        ("/status/404", [], 4, "404 Not Found"),
        ("/status/500", ["--max-retries", "0"], 5, "500 Internal Server Error"),
        ("/slow?seconds=30", ["--timeout", "0.05", "--max-retries", "0"], 7, "took too long"),
        ("/slow?seconds=30", ["--deadline", "0.05"], 7, "deadline"),
        ("http://127.0.0.1:9/", ["--max-retries", "0"], 6, "connection failed"),
        ("/redirect/30", [], 1, "more than 20 redirects"),
        ("/status/200", ["--config", "missing.toml"], 3, "does not exist"),
        ("/status/200", ["--base-url", "http://u:p@x"], 2, "credentials"),
    ],
)
def test_exit_codes(
    path: str,
    arguments: list[str],
    code: int,
    said: str,
    invoke: Callable[..., Result],
    at_server: str,
) -> None:
    """Each kind of failure has its code, and is one line on standard error."""
    result = invoke("request", "GET", path, *arguments)
    assert result.exit_code == code
    assert result.stderr.startswith("penstock: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert API_KEY not in result.output


def test_no_fail(invoke: Callable[..., Result], at_server: str) -> None:
    """With it a status is not a failure, and the body is there as ever."""
    result = invoke("request", "GET", "/status/404", "--no-fail")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["error"]


def test_verbose(invoke: Callable[..., Result], at_server: str) -> None:
    """Headers and waterfall go to standard error, credentials redacted."""
    fault = "X-Demo-Fault: 503;times=1"
    result = invoke("request", "GET", "/echo", "-v", "-H", fault, "-H", "X-My-Token: hush-hush")
    lines = result.stderr.splitlines()
    assert lines[0] == f"> GET {at_server}/echo"
    assert "> authorization: REDACTED" in lines
    assert "> x-my-token: REDACTED" in lines
    assert "< HTTP/1.1 200 OK" in lines
    assert [line.split()[:2] for line in lines[-3:]][::2] == [["attempt", "1"], ["attempt", "2"]]
    assert "503, backoff " in lines[-2]
    assert API_KEY not in result.stderr
    assert "hush-hush" not in result.stderr


def test_verbose_about_a_failure(invoke: Callable[..., Result], at_server: str) -> None:
    """The waterfall of a call that got no answer is shown as well."""
    result = invoke(
        "request", "GET", "/echo", "-v", "--max-retries", "0", "-H", "X-Demo-Fault: drop"
    )
    assert result.exit_code == 6
    (row,) = [line for line in result.stderr.splitlines() if line.startswith("  attempt 1 ")]
    assert "ConnectionFailed" in row


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["GET", "/ndjson"], [f'{{"index":{n}}}' for n in range(5)]),
        (["GET", "/status/200"], ['{"status":200}']),
    ],
)
def test_a_stream(
    arguments: list[str], lines: list[str], invoke: Callable[..., Result], at_server: str
) -> None:
    """Events are a line each; a body that is no stream of events is as it is."""
    result = invoke("request", *arguments, "--stream")
    assert (result.exit_code, result.stdout.splitlines()) == (0, lines)


def test_server_sent_events(invoke: Callable[..., Result], at_server: str) -> None:
    """Their data is a line each, up to the end marker."""
    result = invoke("request", "POST", "/v1/chat/completions", "--json", CHAT, "--stream")
    *chunks, end = result.stdout.splitlines()
    said = [json.loads(chunk)["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    assert ("".join(said), end) == ("You said: hello", "[DONE]")


def test_a_stream_as_json_lines(invoke: Callable[..., Result], at_server: str) -> None:
    """Each event is a document with its name and its data."""
    result = invoke("request", "GET", "/ndjson", "--stream", "--json-output")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"schema": 1, "event": "message", "id": "", "data": {"index": n}} for n in range(5)
    ]


def test_a_stream_that_is_cut(invoke: Callable[..., Result], at_server: str) -> None:
    """What came is printed, and the exit code says that the rest did not."""
    result = invoke("request", "GET", "/ndjson", "--stream", "-H", "X-Demo-Fault: cut=2")
    assert (result.exit_code, len(result.stdout.splitlines())) == (6, 2)


def test_the_whole_outcome_as_json(invoke: Callable[..., Result], at_server: str) -> None:
    """Status, waterfall, redacted headers and the parsed body are one document."""
    document = json.loads(invoke("request", "GET", "/status/200", "--json-output").stdout)
    assert (document["schema"], document["status"], document["attempts"]) == (1, 200, 1)
    assert (document["body_is"], document["body"]) == ("json", {"status": 200})
    assert ["server", "penstock-demo"] in document["headers"]
    assert [row["kind"] for row in document["waterfall"]] == ["attempt"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[1]", ("json", [1])),
        (b"<html>", ("text", "<html>")),
        (b"\x89PNG\x00", ("base64", "iVBORwA=")),
    ],
)
def test_a_body_in_a_document(content: bytes, expected: tuple[str, Any]) -> None:
    """It is parsed JSON, or text, or base64, and says which."""
    assert _body(Answer(content)) == expected  # type: ignore[arg-type]


def test_a_failure_as_json(invoke: Callable[..., Result], at_server: str) -> None:
    """The document tells of a call that got no answer too."""
    result = invoke(
        "request", "GET", "/echo", "--json-output", "--deadline", "0.05", "-H", "X-Demo-Fault: hang"
    )
    document = json.loads(result.stdout)
    assert (result.exit_code, document["status"]) == (7, None)
    assert document["error"] == "DeadlineExceeded"


def test_piped(spawn: Callable[..., subprocess.Popen[str]], at_server: str) -> None:
    """A real process writes the bytes to its output and nothing to its standard error."""
    variables = {"PENSTOCK_BASE_URL": at_server, "PENSTOCK_API_KEY": API_KEY}
    with spawn("request", "GET", "/status/200", **variables) as process:
        said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, ('{"status":200}', ""))


def test_a_reader_that_leaves(spawn: Callable[..., subprocess.Popen[str]], at_server: str) -> None:
    """A closed pipe ends a stream quietly."""
    variables = {"PENSTOCK_BASE_URL": at_server, "PENSTOCK_API_KEY": API_KEY}
    drip = "X-Demo-Fault: drip=0.01"
    with spawn("request", "GET", "/ndjson", "--stream", "-H", drip, **variables) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, "")


def test_an_interrupt(spawn: Callable[..., subprocess.Popen[str]], at_server: str) -> None:
    """Ctrl-C in the middle of a stream is exit code 130 and one line."""
    variables = {"PENSTOCK_BASE_URL": at_server, "PENSTOCK_API_KEY": API_KEY}
    drip = "X-Demo-Fault: drip=0.05"
    with spawn("request", "GET", "/ndjson", "--stream", "-H", drip, **variables) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "penstock: interrupted\n")


def test_a_terminal(
    invoke: Callable[..., Result], at_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON is laid out for a person, in colour where that is wanted."""
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda _: True, raising=False)
    plain = invoke("request", "GET", "/status/200", env={"NO_COLOR": "1"})
    assert plain.stdout == '{\n  "status": 200\n}\n'
    coloured = invoke("request", "GET", "/status/200", env={"TERM": "xterm-256color"})
    assert "\x1b[" in coloured.stdout


class Answer:
    """A response whose body is *content*."""

    encoding = "utf-8"

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.headers: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("content", "shown", "said"),
    [
        (b"plain\x1b[31m text\r\n", "plain[31m text\n", ""),
        (
            b"\x89PNG\x00",
            "",
            "penstock: 5 bytes (no content type) that are no text: send them to a file\n",
        ),
    ],
)
def test_what_a_terminal_must_not_obey(
    content: bytes,
    shown: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Control characters are left out of a text, and what is no text is not shown."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    print_body(Answer(content))  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert (out, err) == (shown, said)
