"""`penstock batch`."""

from __future__ import annotations

import io
import json
import re
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.cli.batch_lines import Requests, count_checked
from penstock.cli.tally import Tally
from penstock.demo import DemoServer

from .conftest import API_KEY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from click.testing import Result

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def ask(environ: dict[str, str]) -> Callable[..., None]:
    """Write `in.jsonl`: a line for each URL, its id its number; what is a text goes in as it is."""

    def write(*requests: Any) -> None:
        Path("in.jsonl").write_text(
            "".join(
                f"{it if isinstance(it, str) else json.dumps({'custom_id': str(number), **it})}\n"
                for number, it in enumerate(requests)
            )
        )

    return write


def get(url: str) -> dict[str, Any]:
    return {"method": "GET", "url": url}


def answers() -> dict[str, dict[str, Any]]:
    """Return the lines of `out.jsonl` by their ids."""
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert len(lines) == len({line["custom_id"] for line in lines})
    return {line["custom_id"]: line for line in lines}


@pytest.fixture
def batch(invoke: Callable[..., Result]) -> Callable[..., Result]:
    return lambda *more, **options: invoke("batch", "in.jsonl", "out.jsonl", *more, **options)


def test_every_request_is_sent_with_its_body(
    batch: Callable[..., Result], ask: Callable[..., None], at_server: str, server: DemoServer
) -> None:
    """Each line is sent with the settings' key, and its answer written under its id."""
    ask({"method": "POST", "url": "/v1/chat/completions", "body": CHAT}, get("/v1/models"), "")
    result = batch()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("2 sent in ")
    assert {request.bearer for request in server.requests} == {API_KEY}
    assert [json.loads(request.body) for request in server.requests if request.body] == [CHAT]
    first = answers()["0"]
    assert first["error"] is None
    assert first["response"]["status_code"] == 200
    assert first["response"]["request_id"].startswith("demo-")
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "You said: hello"


def test_running_it_again_goes_on(
    batch: Callable[..., Result], ask: Callable[..., None], at_server: str, server: DemoServer
) -> None:
    """A second run sends only what failed."""
    ask(get("/status/200"), get("/status/200?fault=400%3Btimes%3D1"))
    assert batch().exit_code == 4
    sent = len(server.requests)
    again = batch()
    assert (again.exit_code, len(server.requests) - sent) == (0, 1)
    assert "1 sent" in again.stdout
    assert "1 answered before" in again.stdout
    assert [it["response"]["status_code"] for it in answers().values()] == [200, 200]


def test_what_was_retried_and_failed_is_said(
    batch: Callable[..., Result], ask: Callable[..., None], at_server: str
) -> None:
    """The end says what was sent, retried and failed, and how."""
    ask(
        get("/status/200"),
        get("/status/200?fault=503%3Bretry-after%3D0%3Btimes%3D1&key=x"),
        get("/status/404"),
    )
    said = batch()
    assert said.exit_code == 4
    assert "3 sent" in said.stdout
    assert "1 retried (1 repeat)" in said.stdout
    assert "1 failed" in said.stdout
    assert "\n  2: 404 Not Found: You asked for status 404 (" in said.stdout
    document = json.loads(batch("--json").stdout)
    failure = document["failures"][0]
    assert (failure["custom_id"], failure["status"]) == ("2", 404)
    counts = {
        name: value for name, value in document.items() if name not in {"failures", "total_s"}
    }
    assert counts == {
        "schema": 1,
        "requests": 3,
        "restored": 2,
        "sent": 1,
        "retried": 0,
        "repeats": 0,
        "failed": 1,
        "unsent": 0,
    }


@pytest.mark.parametrize(
    ("urls", "code"),
    [
        (["/status/200"], 0),
        (["/status/404", "/status/403"], 4),
        (["/status/500"], 5),
        (["/status/200?fault=drop"], 6),
        (["/status/200?fault=hang"], 7),
        (["/status/404", "/status/500"], 1),
        (["/status/404", "/status/200"], 4),
    ],
)
def test_exit_codes(
    batch: Callable[..., Result],
    ask: Callable[..., None],
    at_server: str,
    urls: list[str],
    code: int,
) -> None:
    """If all that failed did so in one way, the shell is told which; else it is 1."""
    ask(*map(get, urls))
    assert batch("--max-retries", "0", "--timeout", "0.3").exit_code == code


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["nonsense"], "line 1: not JSON: Expecting value at column 1"),
        ([get("/x"), "[]"], "line 2: not an object"),
        (["", '{"custom_id": "a", "url": "/x"}'], "line 2: method must be text"),
        (['{"method": "GET"}'], "line 1: custom_id and url must be text"),
        ([get("/x"), json.dumps({"custom_id": "0", **get("/y")})], "line 2: its custom_id is that"),
    ],
)
def test_a_mistake_costs_nothing(
    batch: Callable[..., Result],
    ask: Callable[..., None],
    at_server: str,
    server: DemoServer,
    lines: list[Any],
    said: str,
) -> None:
    """A line that is no request is named before anything is sent or written."""
    ask(*lines)
    result = batch()
    assert (result.exit_code, server.requests) == (2, [])
    assert said in result.stderr
    assert not Path("out.jsonl").exists()


def test_a_path_below_nothing_costs_nothing(
    batch: Callable[..., Result], ask: Callable[..., None], server: DemoServer
) -> None:
    """Without a base URL a path is refused, and an absolute URL is not."""
    ask(get(f"{server.url}/status/200"), get("/status/200"))
    result = batch()
    assert (result.exit_code, server.requests) == (2, [])
    assert "line 2: its url is a path, and there is no base URL" in result.stderr
    assert not Path("out.jsonl").exists()
    ask(get(f"{server.url}/status/200"))
    batch()
    assert len(server.requests) == 1


def test_a_file_that_is_no_output_is_refused(
    invoke: Callable[..., Result],
    batch: Callable[..., Result],
    ask: Callable[..., None],
    at_server: str,
) -> None:
    """Neither the input, nor what holds something else, nor what cannot be opened is written to."""
    ask(get("/status/200"))
    assert invoke("batch", "in.jsonl", "in.jsonl").exit_code == 2
    Path("out.jsonl").write_text("notes of mine\n")
    assert batch().exit_code == 2
    assert Path("out.jsonl").read_text() == "notes of mine\n"
    missing = invoke("batch", "in.jsonl", "missing/out.jsonl")
    assert (missing.exit_code, "cannot write" in missing.stderr) == (2, True)
    assert invoke("batch", "nowhere.jsonl", "out.jsonl").exit_code == 2


def test_a_dash_is_what_it_is_everywhere(
    invoke: Callable[..., Result],
    ask: Callable[..., None],
    at_server: str,
    server: DemoServer,
) -> None:
    """`-` is standard input, and standard output, which has the results and nothing else."""
    ask(get("/status/200"), get("/status/404"))
    result = invoke("batch", "-", "-", input=Path("in.jsonl").read_text())
    assert result.exit_code == 4
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {it["custom_id"]: it["response"]["status_code"] for it in lines} == {"0": 200, "1": 404}
    assert result.stderr.startswith("2 sent in ")
    assert [path.name for path in Path().iterdir()] == ["in.jsonl"]
    counted = invoke("batch", "in.jsonl", "-", "--json")
    assert len(counted.stdout.splitlines()) == 2
    assert json.loads(counted.stderr)["restored"] == 0
    assert len(server.requests) == 4


def test_a_file_may_have_that_name(
    invoke: Callable[..., Result], ask: Callable[..., None], at_server: str
) -> None:
    """`./-` is a file, to read and to write."""
    ask(get("/status/200"))
    assert invoke("batch", "in.jsonl", "./-").stdout.startswith("1 sent")
    assert invoke("batch", "in.jsonl", "./-").stdout.startswith("0 sent")
    Path("in.jsonl").replace("-")
    assert invoke("batch", "./-", "out.jsonl").stdout.startswith("1 sent")


def test_what_comes_from_a_pipe_is_checked_first(
    invoke: Callable[..., Result], at_server: str, server: DemoServer
) -> None:
    """Input that comes only once is read to its end before anything is sent."""
    line = json.dumps({"custom_id": "0", **get("/status/200")})
    result = invoke("batch", "-", "out.jsonl", input=f"{line}\nnonsense\n")
    assert (result.exit_code, server.requests) == (2, [])
    assert "-, line 2: not JSON" in result.stderr


def test_what_is_added_meanwhile_is_not_sent() -> None:
    """Only the lines that were counted are requests: results may end up in the same file."""
    line = json.dumps({"custom_id": "0", **get("/x")}).encode() + b"\n"
    file = io.BytesIO(line)
    requests = Requests(file, None, count_checked(file, "in.jsonl", "https://api.example.com"))
    file.seek(0, io.SEEK_END)
    file.write(b'{"custom_id": "0", "response": null}\n')
    assert [request.id for request in requests] == ["0"]


def test_a_reader_that_leaves_ends_it(
    spawn: Callable[..., subprocess.Popen[str]], ask: Callable[..., None]
) -> None:
    """Nothing more is sent when nobody reads the results, and no traceback says so."""
    ask(*[get("/status/200")] * 500)
    with (
        DemoServer() as server,
        spawn("batch", "in.jsonl", "-", "--concurrency", "1", "--base-url", server.url) as process,
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["custom_id"] == "0"
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(timeout=20) == 1
        assert len(server.requests) < 500
    assert re.fullmatch(r"\d+ sent in [^,]+, \d+ not sent\n", said)


@pytest.mark.parametrize(
    ("base_path", "url", "path"),
    [
        ("", "/v1/models", "/v1/models"),
        ("/v1", "/v1/models", "/v1/models"),
        ("/openai/v1/", "/v1/models", "/openai/v1/models"),
        ("/v1", "/v10/models", "/v1/v10/models"),
        ("/api", "/v1/models", "/api/v1/models"),
    ],
)
def test_the_version_stands_once(
    batch: Callable[..., Result],
    ask: Callable[..., None],
    at_server: str,
    server: DemoServer,
    base_path: str,
    url: str,
    path: str,
) -> None:
    """A path that begins as the base URL ends does not name the version twice."""
    ask(get(url))
    batch("--base-url", at_server + base_path)
    assert [request.path for request in server.requests] == [path]


def test_the_key_stays_at_home(
    batch: Callable[..., Result], ask: Callable[..., None], at_server: str
) -> None:
    """An absolute URL is sent as it is, without the key."""
    with DemoServer() as elsewhere:
        ask(get(f"{elsewhere.url}/echo"))
        assert batch().exit_code == 0
        assert [request.bearer for request in elsewhere.requests] == [None]
    assert API_KEY not in Path("out.jsonl").read_text()


def test_an_interrupt_says_what_was_done(
    spawn: Callable[..., subprocess.Popen[str]],
    ask: Callable[..., None],
) -> None:
    """Ctrl-C ends it at once; what was answered is in the file and need not be sent again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ask(get("/status/200"), get(f"http://127.0.0.1:{silent.getsockname()[1]}/"))
        with (
            DemoServer() as server,
            spawn(
                "batch", "in.jsonl", "out.jsonl", "--concurrency", "1", "--base-url", server.url
            ) as process,
        ):
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "1 sent" in out
    assert "1 not sent: run it again" in out
    assert "interrupted" in err
    assert list(answers()) == ["0"]


def test_a_server_moves_no_cursor(capsys: Any) -> None:
    """What a server says, or a file, is shown without the characters a terminal obeys."""
    from penstock.bulk import BulkResult

    tally = Tally(1, "out.jsonl")
    tally.add(BulkResult(0, "\x1b[2Jid", None, error=ValueError("\x1b[31m")))
    tally.say(1.0, as_json=False)
    assert "\x1b" not in capsys.readouterr().out
