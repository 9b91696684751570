"""The results file of `client.map`: a run that is started again sends only what is missing."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock import BulkRequest
from penstock.bulk.recorder import Recorder
from penstock.testing import Reply, Script, VirtualClock

from .files import full_disk
from .test_map import BASE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Colour

REQUESTS = [BulkRequest("GET", f"/{name}", id=name) for name in "abc"]


def run(colour: Colour, path: Path, *replies: Any, requests: Any = REQUESTS) -> tuple[Any, Script]:
    """Map over *requests* one by one, and return the results and what was sent."""
    script = Script(replies, forever=True)
    client = colour.client(BASE, transport=script, clock=VirtualClock())
    return colour.events(client.map(requests, concurrency=1, results=path)), script


def named(request: httpx.Request) -> Reply:
    return Reply(json={"path": request.url.path}, headers={"x-request-id": f"r{request.url.path}"})


def failing_b(request: httpx.Request) -> Any:
    return 500 if request.url.path == "/b" else named(request)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_for_each(colour: Colour, path: Path) -> None:
    """Each result is a line in OpenAI's batch format, an error among them."""

    def answer(request: httpx.Request) -> Any:
        if request.url.path == "/b":
            return Reply(404, json={"error": {"message": "no b"}})
        return named(request) if request.url.path == "/a" else httpx.ConnectError("no")

    run(colour, path, answer)
    first, second, third = lines(path)
    assert (first["custom_id"], first["error"]) == ("a", None)
    assert first["response"] == {
        "status_code": 200,
        "request_id": "r/a",
        "content_type": "application/json",
        "body": {"path": "/a"},
    }
    assert second["response"]["status_code"] == 404
    assert second["response"]["body"] == {"error": {"message": "no b"}}
    assert second["error"] is None
    assert third["response"] is None
    assert third["error"]["code"] == "ConnectionFailed"
    assert len({line["id"] for line in lines(path)}) == 3


def test_finished_ones_are_not_sent_again(colour: Colour, path: Path) -> None:
    """A second run sends what failed, gives every result, and leaves a line for each."""
    before, _ = run(colour, path, failing_b)
    assert [type(result.error) for result in before] == [
        type(None),
        penstock.ServerError,
        type(None),
    ]
    after, script = run(colour, path, named)
    assert [request.url.path for request in script.requests] == ["/b"]
    assert [result.get().json() for result in after] == [{"path": f"/{it}"} for it in "abc"]
    assert [result.restored for result in after] == [True, False, True]
    assert after[0].get().headers["x-request-id"] == "r/a"
    assert (after[0].attempts, after[1].attempts) == (0, 1)
    assert sorted(line["custom_id"] for line in lines(path)) == ["a", "b", "c"]


@pytest.mark.parametrize("torn", [b'{"custom_id": "c", "resp', b'{"custom_id": "c"}', b"\xff"])
def test_a_torn_line_is_sent_again(colour: Colour, path: Path, torn: bytes) -> None:
    """A last line that a killed run left unfinished is as if it were not there."""
    run(colour, path, named, requests=REQUESTS[:2])
    with path.open("ab") as file:
        file.write(torn)
    _, script = run(colour, path, named)
    assert [request.url.path for request in script.requests] == ["/c"]
    assert [line["custom_id"] for line in lines(path)] == ["a", "b", "c"]


def test_a_whole_line_without_its_end_is_torn(colour: Colour, path: Path) -> None:
    """Only a line's end tells that it is whole."""
    run(colour, path, named)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    _, script = run(colour, path, named)
    assert [request.url.path for request in script.requests] == ["/c"]
    assert [line["custom_id"] for line in lines(path)] == ["a", "b", "c"]


@pytest.mark.parametrize("content", ["not json\n", '{"a": 1}\n', "[]\n", "1\n2\n"])
def test_another_file_is_left_alone(colour: Colour, path: Path, content: str) -> None:
    """A file that holds something else is an error, and stays as it is."""
    path.write_text(content)
    with pytest.raises(penstock.InvalidOption, match="no result"):
        run(colour, path, named)
    assert path.read_text() == content


def test_two_runs_do_not_mix(colour: Colour, path: Path) -> None:
    """A file that another run writes to is refused, and free again after it."""
    recorder = Recorder(path)
    with pytest.raises(penstock.InvalidOption, match="another run"):
        run(colour, path, named)
    recorder.close()
    assert len(run(colour, path, named)[0]) == 3


def test_an_id_is_sent_once(colour: Colour, path: Path) -> None:
    """Of two requests with one id the second is an error, and in no file."""
    results, script = run(colour, path, named, requests=[*REQUESTS, REQUESTS[0]])
    assert isinstance(results[3].error, penstock.InvalidOption)
    assert len(script.requests) == 3
    assert len(lines(path)) == 3


def test_numbers_are_ids(colour: Colour, path: Path) -> None:
    """Requests without ids are told apart by their place."""
    run(colour, path, named, requests=["/a", "/b"])
    results, script = run(colour, path, named, requests=["/a", "/b", "/c"])
    assert [request.url.path for request in script.requests] == ["/c"]
    assert [result.id for result in results] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b'{"a":[1,2.5,null,"\xc3\xa9"]}'),
        ("application/problem+json; charset=utf-8", b'"text"'),
        ("application/json", b"NaN"),
        ("application/json", b"{broken"),
        ("application/json", b'"\\ud800"'),
        ("text/plain; charset=utf-8", b'"quoted"\nlines\r\n'),
        ("image/png", bytes(range(256))),
        ("text/x-café", b"black"),
        (None, b""),
    ],
)
def test_a_body_comes_back(colour: Colour, path: Path, kind: str | None, content: bytes) -> None:
    """A result from the file has the status and body of the one that was written."""
    headers = {} if kind is None else {"Content-Type": kind.encode()}
    reply = Reply(201, headers=headers, content=content)
    (sent,), _ = run(colour, path, reply, requests=["/x"])
    (restored,), _ = run(colour, path, requests=["/x"])
    assert (sent.restored, restored.restored) == (False, True)
    assert restored.get().status_code == 201
    if content in (b'{"a":[1,2.5,null,"\xc3\xa9"]}', b'"text"', b'"\\ud800"'):
        assert restored.get().json() == sent.get().json()
    else:
        assert restored.get().content == content
    # What is in the file is JSON for everybody.
    json.loads(path.read_bytes(), parse_constant=pytest.fail)


KEY = "a-key-nobody-should-see-4711"


def test_no_secret_is_written(colour: Colour, path: Path) -> None:
    """An error in the file shows no key and no query."""
    script = Script([httpx.ConnectError(f"no way to {KEY}")], forever=True)
    client = colour.client(BASE, transport=script, clock=VirtualClock(), api_key=KEY)
    colour.events(client.map(["/a?token=s3cret"], results=path))
    assert KEY not in path.read_text()
    assert "s3cret" not in path.read_text()


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("raising", [True, False])
def test_a_request_id_is_shown_as_an_error_shows_it(
    colour: Colour, path: Path, status: int, raising: bool
) -> None:
    """A request id in the file has no key in it and is one line; a result from it can be made."""
    odd = f"for {KEY}\u2028\x1b[2J é".encode()
    script = Script([Reply(status, headers={"X-Request-Id": odd})], forever=True)
    client = colour.client(
        BASE, transport=script, clock=VirtualClock(), api_key=KEY, raise_for_status=raising
    )
    colour.events(client.map(["/a"], results=path))
    (line,) = lines(path)
    assert line["response"]["request_id"] == "for REDACTED\\u2028\\x1b[2J é"
    (again,) = colour.events(client.map(["/a"], results=path))
    assert again.restored == (status == 200)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("missing/out.jsonl", FileNotFoundError, "missing/out.jsonl"),
        ("", penstock.InvalidOption, "is a directory: name the file"),
        ("link", penstock.InvalidOption, "link is a link: name the file"),
        ("pipe", penstock.InvalidOption, "pipe is not a regular file"),
        ("/dev/full", penstock.InvalidOption, "/dev/full is not a regular file"),
    ],
)
def test_a_file_that_cannot_be_written_costs_no_request(
    colour: Colour, tmp_path: Path, name: str, error: type[Exception], says: str
) -> None:
    """A results file that cannot be opened is an error that names it, and no lost result."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    sent: list[httpx.Request] = []
    with pytest.raises(error, match=says):
        run(colour, tmp_path / name, sent.append)
    assert sent == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_full_disk_ends_it(colour: Colour, path: Path) -> None:
    """It is an `OSError` that names the file, and leaves no torn line: the next run goes on."""
    line = 200
    with full_disk(3 * line), pytest.raises(OSError, match=r"out\.jsonl") as caught:
        run(colour, path, named, requests=[f"/{number}" for number in range(9)])
    assert caught.value.filename == str(path)
    finished = lines(path)
    assert path.read_bytes().endswith(b"\n")
    assert 0 < len(finished) < 9
    results, script = run(colour, path, named, requests=[f"/{number}" for number in range(9)])
    assert len(script.requests) == 9 - len(finished)
    assert [result.get().json()["path"] for result in results] == [f"/{it}" for it in range(9)]


def test_a_file_that_cannot_be_put_in_order_stays(colour: Colour, path: Path) -> None:
    """Where there is no room to take failures out, the file stays, and nothing is beside it."""
    run(colour, path, failing_b)
    before = path.read_bytes()
    with full_disk(100), pytest.raises(OSError, match="penstock-new"):
        run(colour, path, named)
    assert path.read_bytes() == before
    assert [it.name for it in path.parent.iterdir()] == [path.name]


def test_a_file_in_order_is_for_the_same_eyes(colour: Colour, path: Path) -> None:
    """A file that failures were taken out of keeps its permissions."""
    run(colour, path, failing_b)
    path.chmod(0o600)
    run(colour, path, named)
    assert path.stat().st_mode & 0o777 == 0o600


def test_binary_bodies_are_base64(colour: Colour, path: Path) -> None:
    """A body that is no text is base64 under a name of its own."""
    run(colour, path, Reply(200, content=b"\xff\x00"), requests=["/x"])
    (line,) = lines(path)
    assert base64.b64decode(line["response"]["body_base64"]) == b"\xff\x00"
