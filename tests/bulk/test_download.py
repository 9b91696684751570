"""`client.download`: whole or not there, and going on where it broke off."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import penstock
from penstock.demo import DemoServer
from penstock.stack import Stack
from penstock.testing import Reply, Script, VirtualClock

from .files import CONTENT, TAG, FileServer, full_disk

if TYPE_CHECKING:
    from tests.conftest import Colour

URL = "https://files.example.com/model.bin"


class Bench:
    """A client of a scripted server, and a directory to download to."""

    def __init__(self, colour: Colour, directory: Path) -> None:
        self.colour = colour
        self.target = directory / "model.bin"

    def download(self, *replies: Any, url: str = URL, **call: Any) -> penstock.Download:
        clock = VirtualClock()
        self.script = Script(replies, clock=clock, forever=True)
        over = {name: call.pop(name) for name in ("stack", "max_retries") if name in call}
        client = self.colour.client(transport=self.script, clock=clock, **over)
        result: penstock.Download = self.colour.run(
            lambda: client.download(url, self.target, **call)
        )
        return result

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.target.parent.iterdir())


@pytest.fixture
def bench(colour: Colour, tmp_path: Path) -> Bench:
    return Bench(colour, tmp_path)


def test_the_file_is_there_and_nothing_else(bench: Bench) -> None:
    """A download leaves the file, and tells where it is, how long, and what brought it."""
    done = bench.download(FileServer())
    assert (done.path, done.size, done.resumed_from) == (bench.target, len(CONTENT), 0)
    assert (done.response.status_code, done.response.headers["etag"]) == (200, TAG)
    assert bench.target.read_bytes() == CONTENT
    assert bench.names == ["model.bin"]
    assert bench.script.open == 0


def test_a_cut_body_is_gone_on_with(bench: Bench) -> None:
    """What came before a break is not asked for again, but for the last byte of it."""
    server = FileServer(cuts=(1000, 500))
    done = bench.download(server)
    assert server.asked == [(None, None), ("bytes=999-", TAG), ("bytes=1498-", TAG)]
    assert (done.size, done.resumed_from) == (len(CONTENT), 1498)
    assert bench.target.read_bytes() == CONTENT
    assert bench.script.open == 0


def test_a_body_that_ends_early_is_cut(bench: Bench) -> None:
    """A body shorter than it was said to be is no file, whatever the transport thinks of it."""
    short = Reply(headers={"Content-Length": "9", "ETag": TAG}, chunks=[b"12345"])
    rest = Reply(206, headers={"Content-Range": "bytes 4-8/9"}, chunks=[b"56789"])
    assert bench.download(short, rest).size == 9
    assert bench.target.read_bytes() == b"123456789"


def test_no_more_than_the_repeats_allowed(bench: Bench) -> None:
    """A body that keeps breaking off is an error after `max_retries` repeats, and no file."""
    server = FileServer(cuts=(100, 100, 100, 100))
    with pytest.raises(penstock.ConnectionFailed) as caught:
        bench.download(server, max_retries=1)
    assert (len(caught.value.attempts), len(server.asked)) == (2, 2)
    assert not bench.target.exists()


def test_the_deadline_holds(bench: Bench) -> None:
    """No repeat begins after the deadline."""
    slow = Reply(headers={"ETag": TAG}, chunks=[b"1", 10.0, httpx.ReadError("cut")])
    with pytest.raises(penstock.PenstockError):
        bench.download(slow, deadline=5, max_retries=9)
    assert len(bench.script.requests) == 1
    assert not bench.target.exists()


def test_the_next_download_goes_on(bench: Bench) -> None:
    """What an earlier download left is gone on with, with the validator it noted."""
    with pytest.raises(penstock.ConnectionFailed):
        bench.download(FileServer(cuts=(1000,)), max_retries=0)
    assert "model.bin" not in bench.names
    server = FileServer()
    done = bench.download(server)
    assert server.asked == [("bytes=999-", TAG)]
    assert (done.resumed_from, bench.target.read_bytes()) == (999, CONTENT)
    assert bench.names == ["model.bin"]


def test_a_part_that_was_whole_is_confirmed(bench: Bench) -> None:
    """A download that was interrupted before its end was noted costs one byte more."""
    _leave_part(bench, CONTENT)
    server = FileServer()
    assert bench.download(server).resumed_from == len(CONTENT) - 1
    assert server.asked == [(f"bytes={len(CONTENT) - 1}-", TAG)]
    assert bench.target.read_bytes() == CONTENT


@pytest.mark.parametrize("why", ["resume=False", "another URL", "no notes", "bad notes"])
def test_what_does_not_belong_is_not_gone_on_with(bench: Bench, why: str) -> None:
    """Without a validator for this very URL a download begins anew."""
    _leave_part(bench, b"x" * 1000)
    notes = bench.target.with_name("model.bin.penstock-part.json")
    if why == "no notes":
        notes.unlink()
    elif why == "bad notes":
        notes.write_text("[]")
    server = FileServer()
    url = f"{URL}?other" if why == "another URL" else URL
    done = bench.download(server, url=url, resume=why != "resume=False")
    assert (server.asked, done.resumed_from) == ([(None, None)], 0)
    assert bench.target.read_bytes() == CONTENT


def test_a_file_that_changed_begins_anew(bench: Bench) -> None:
    """A server whose file is another now sends all of it, and none of the old bytes stay."""
    _leave_part(bench, b"x" * 1000)
    server = FileServer(b"new", tag='"v2"')
    assert bench.download(server).resumed_from == 0
    assert bench.target.read_bytes() == b"new"


@pytest.mark.parametrize(
    "wrong",
    [
        Reply(416, headers={"Content-Range": "bytes */3"}),
        Reply(206, headers={"Content-Range": "bytes 0-9/10"}, content=b"0123456789"),
        Reply(206, headers={"Content-Range": "bytes 999-1999/2000"}, content=b"x" * 1001),
        Reply(206, headers={"Content-Range": "bytes 9-1/2"}, content=b"x"),
        Reply(206, headers={"Content-Range": "items 999-9/10"}, content=b"x"),
        Reply(206, content=b"x"),
        Reply(
            206,
            headers={
                "Content-Range": f"bytes 999-{len(CONTENT) - 1}/{len(CONTENT)}",
                "ETag": '"v2"',
            },
            content=b"x" * (len(CONTENT) - 999),
        ),
    ],
    ids=[
        "416",
        "another place",
        "another size",
        "no sense",
        "another unit",
        "no place",
        "another tag",
    ],
)
def test_a_senseless_answer_begins_anew(bench: Bench, wrong: Reply) -> None:
    """A range that is not the one asked for is not put into the file."""
    _leave_part(bench, CONTENT[:1000])
    server = FileServer()
    assert bench.download(wrong, server).resumed_from == 0
    assert server.asked == [(None, None)]
    assert bench.target.read_bytes() == CONTENT
    assert bench.script.open == 0


def test_a_part_nobody_asked_for_is_refused(bench: Bench) -> None:
    """A 206 to a request without a range is no file."""
    unasked = Reply(206, headers={"Content-Range": "bytes 0-0/9"}, content=b"x")
    with pytest.raises(penstock.ConnectionFailed, match="not asked for"):
        bench.download(unasked)
    assert bench.names == []


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": 'W/"v1"'},
        {},
        {"ETag": TAG, "Accept-Ranges": "none"},
        {"Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT"},
        {
            "Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT",
            "Date": "Fri, 20 Nov 2026 10:00:00 GMT",
        },
        {"Last-Modified": "yesterday", "Date": "today"},
    ],
)
def test_without_a_strong_validator_nothing_is_resumed(
    bench: Bench, headers: dict[str, str]
) -> None:
    """A weak tag, or a date that could stand for two versions, is never put into If-Range."""
    server = FileServer(tag=None, cuts=(1000,), headers=headers)
    done = bench.download(server)
    assert (server.asked, done.resumed_from) == ([(None, None)] * 2, 0)
    assert bench.target.read_bytes() == CONTENT


def test_a_strong_date_will_do(bench: Bench) -> None:
    """Without a tag, a modification well before the answer is a validator."""
    modified = "Fri, 20 Nov 2026 10:00:00 GMT"
    server = FileServer(
        tag=None,
        cuts=(1000,),
        headers={"Last-Modified": modified, "Date": "Fri, 20 Nov 2026 10:00:01 GMT"},
    )
    bench.download(server)
    assert server.asked == [(None, None), ("bytes=999-", modified)]
    assert bench.target.read_bytes() == CONTENT


def test_a_coded_body_is_decoded_and_never_resumed(bench: Bench) -> None:
    """No coding is asked for; one that comes all the same is undone, and its bytes not counted."""
    packed = gzip.compress(CONTENT)
    headers = {"Content-Encoding": "gzip", "ETag": TAG, "Content-Length": str(len(packed))}
    cut = Reply(headers=headers, chunks=[packed[:200], httpx.ReadError("cut")])
    done = bench.download(cut, Reply(headers=headers, chunks=[packed]))
    assert (done.size, done.resumed_from) == (len(CONTENT), 0)
    assert bench.target.read_bytes() == CONTENT
    sent = [(it.headers["accept-encoding"], "range" in it.headers) for it in bench.script.requests]
    assert sent == [("identity", False)] * 2


@pytest.mark.parametrize("stack", [Stack.standard(), Stack.bare()])
@pytest.mark.parametrize("status", [404, 304, 204])
def test_a_status_without_a_file_is_an_error(bench: Bench, stack: Stack, status: int) -> None:
    """What is no file is never written as one, whatever `raise_for_status` and the stack say."""
    with pytest.raises(penstock.StatusError) as caught:
        bench.download(status, stack=stack, raise_for_status=False)
    assert caught.value.status_code == status
    assert bench.names == []
    assert bench.script.open == 0


def test_a_bare_stack_downloads(bench: Bench) -> None:
    """Nothing of the standard stack is needed."""
    assert bench.download(FileServer(), stack=Stack.bare()).size == len(CONTENT)


def test_the_old_file_stays_until_the_new_is_whole(bench: Bench) -> None:
    """A download that fails leaves what was there before."""
    bench.target.write_bytes(b"old")
    with pytest.raises(penstock.ConnectionFailed):
        bench.download(FileServer(cuts=(10,) * 9))
    assert bench.target.read_bytes() == b"old"
    bench.download(FileServer())
    assert bench.target.read_bytes() == CONTENT


def test_a_part_of_no_use_is_removed(bench: Bench) -> None:
    """What cannot be gone on with is not left behind."""
    with pytest.raises(penstock.ConnectionFailed):
        bench.download(FileServer(tag=None, cuts=(10,) * 9))
    assert bench.names == []


def test_an_empty_file(bench: Bench) -> None:
    """A file may have no bytes."""
    assert bench.download(FileServer(b"")).size == 0
    assert bench.target.read_bytes() == b""


def test_two_at_once_do_not_mix(bench: Bench) -> None:
    """Of two downloads to one target the second is refused, and the first comes whole."""
    refused: list[Exception] = []

    def meanwhile(request: httpx.Request) -> Reply:
        try:
            with penstock.Client(transport=Script([FileServer(b"other")])) as other:
                other.download(URL, bench.target)
        except penstock.InvalidOption as error:
            refused.append(error)
        return FileServer()(request)

    bench.download(meanwhile)
    assert len(refused) == 1
    assert bench.target.read_bytes() == CONTENT


def test_the_url_is_not_written_down(bench: Bench) -> None:
    """The notes beside a part show no URL: it may hold a signature."""
    with pytest.raises(penstock.ConnectionFailed):
        bench.download(FileServer(cuts=(10,)), url=f"{URL}?sig=s3cret", max_retries=0)
    notes = bench.target.with_name("model.bin.penstock-part.json").read_text()
    assert "s3cret" not in notes
    assert "example" not in notes


def test_progress_is_told(bench: Bench) -> None:
    """A function hears how many bytes are there, those of an earlier attempt included."""
    told: list[tuple[int, int | None]] = []
    bench.download(FileServer(cuts=(1000,)), progress=lambda *at: told.append(at))
    size = len(CONTENT)
    assert told == [(0, size), (1000, size), (999, size), (size, size)]


@pytest.mark.parametrize("asked", [True, None, False])
def test_a_bar_is_drawn_where_a_person_watches(
    bench: Bench, asked: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A bar is drawn on a terminal, or when asked for, and never with `progress=False`."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: asked is None)
    bench.download(FileServer(), progress=asked)
    assert ("model.bin" in capsys.readouterr().err) is (asked is not False)


def test_no_bar_where_nobody_watches(bench: Bench, capsys: Any) -> None:
    """Standard error that is no terminal stays empty."""
    bench.download(FileServer())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"progress": "bar"}, "progress must be"),
        ({"headers": {"range": "bytes=0-1"}}, "leave Range"),
    ],
)
def test_wrong_arguments(bench: Bench, given: dict[str, Any], said: str) -> None:
    """What cannot work is refused before anything is sent."""
    with pytest.raises(penstock.InvalidOption, match=said):
        bench.download(FileServer(), **given)
    assert bench.script.requests == []
    assert bench.names == []


def test_a_missing_extra_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that is asked for without rich says what to install."""
    monkeypatch.setattr("penstock.progress.find_spec", lambda _: None)
    with pytest.raises(penstock.ConfigurationError, match=r"penstock\[cli\]"):
        bench.download(FileServer(), progress=True)


def test_what_is_no_file_is_no_target(bench: Bench) -> None:
    """A pipe, and so a device or a socket, is refused, also behind a link, and stays what it is."""
    pipe = bench.target.with_name("pipe")
    os.mkfifo(pipe)
    bench.target.symlink_to(pipe)
    with pytest.raises(penstock.InvalidOption, match="is not a regular file"):
        bench.download(FileServer())
    assert bench.script.requests == []
    bench.target = pipe
    with pytest.raises(penstock.InvalidOption, match="is not a regular file"):
        bench.download(FileServer())
    assert bench.script.requests == []
    assert pipe.is_fifo()
    assert bench.names == ["model.bin", "pipe"]


def test_a_file_that_is_replaced_keeps_its_permissions(bench: Bench) -> None:
    """What was private stays private."""
    bench.target.write_bytes(b"old")
    bench.target.chmod(0o600)
    bench.download(FileServer())
    assert (bench.target.stat().st_mode & 0o777, bench.target.read_bytes()) == (0o600, CONTENT)


def test_a_link_leads_nowhere(bench: Bench) -> None:
    """A link to a file is replaced by what was downloaded; the file it named is left alone."""
    other = bench.target.with_name("other.bin")
    other.write_bytes(b"other")
    bench.target.symlink_to(other)
    bench.download(FileServer())
    assert (bench.target.is_symlink(), bench.target.read_bytes()) == (False, CONTENT)
    assert other.read_bytes() == b"other"


def test_over_real_sockets(colour: Colour, tmp_path: Path) -> None:
    """A connection that is cut in the middle of a file is replaced, and the file comes whole."""
    target, size = tmp_path / "file", 3_000_000
    with DemoServer() as server:
        url = f"/file/{size}?fault=cut%3D900000%3Btimes%3D1"
        done = colour.run(lambda: _alone(colour.client(server.url), url, target))
        ranges = [request.headers.get("range") for request in server.requests]
    assert (done.size, target.stat().st_size) == (size, size)
    assert ranges == [None, f"bytes={done.resumed_from}-"]
    assert done.resumed_from == 900_000 - 1
    assert target.read_bytes() == (bytes(range(256)) * 12_000)[:size]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_download_can_go_on(backend: str, tmp_path: Path) -> None:
    """A cancellation leaves no file, and what had come for the next download."""
    target = tmp_path / "model.bin"

    async def main() -> None:
        with anyio.CancelScope() as scope:

            def come(done: int, _total: int | None) -> None:
                if done == 1000:
                    scope.cancel()

            chunks = [CONTENT[:1000], CONTENT[1000:]]
            first = Reply(headers={"ETag": TAG}, chunks=chunks)
            client = penstock.AsyncClient(transport=Script([first], clock=VirtualClock()))
            await client.download(URL, target, progress=come)
        assert scope.cancelled_caught
        assert not target.exists()
        server = FileServer()
        client = penstock.AsyncClient(transport=Script([server]))
        await client.download(URL, target)
        assert [condition for _, condition in server.asked] == [TAG]
        assert target.read_bytes() == CONTENT

    anyio.run(main, backend=backend)


def test_a_redirect_elsewhere_keeps_the_range(bench: Bench) -> None:
    """A range goes along to another origin: files are served from elsewhere than they are named."""
    _leave_part(bench, CONTENT[:1000])
    server = FileServer()
    away = Reply(302, headers={"Location": "https://cdn.example.org/x"})
    assert bench.download(away, server).resumed_from == 999
    assert server.asked == [("bytes=999-", TAG)]


def _alone(client: Any, url: str, target: Path) -> Any:
    """Download with a client that is closed afterwards, in the same event loop."""
    if isinstance(client, penstock.Client):
        with client:
            return client.download(url, target)

    async def main() -> Any:
        async with client:
            return await client.download(url, target)

    return main()


def _leave_part(bench: Bench, content: bytes) -> None:
    """Leave what a download of *content* leaves that is killed at its end."""
    from penstock.download.part import Part

    part = Part(bench.target)
    part.open(resume=True)
    part.begin(URL, {"etag": TAG, "content-length": str(len(CONTENT))})
    part.write([content])
    part.close()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing/model.bin", FileNotFoundError),
        ("file/model.bin", NotADirectoryError),
        ("directory", penstock.InvalidOption),
        ("", penstock.InvalidOption),
        (".", penstock.InvalidOption),
        ("..", penstock.InvalidOption),
    ],
)
def test_a_path_that_cannot_be_written_costs_no_request(
    bench: Bench, name: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path nothing can be written to is an error that names it, before anything is sent."""
    monkeypatch.chdir(bench.target.parent)
    Path("file").touch()
    Path("directory").mkdir()
    bench.target = Path(name)
    with pytest.raises(error, match=name or r"\. is a directory"):
        bench.download(FileServer())
    assert bench.script.requests == []
    assert sorted(str(path) for path in Path().iterdir()) == ["directory", "file"]


@pytest.mark.parametrize("tag", [TAG, None])
@pytest.mark.parametrize("room", [0, 10, 5000, len(CONTENT) - 1])
def test_a_full_disk_is_told(bench: Bench, tag: str | None, room: int) -> None:
    """It is an `OSError` that names the file, after one attempt; what is of no use is removed."""
    with full_disk(room), pytest.raises(OSError, match=r"model\.bin\.penstock-part") as caught:
        bench.download(FileServer(tag=tag), max_retries=5)
    assert caught.value.filename.startswith(str(bench.target))
    assert len(bench.script.requests) == 1
    assert bench.names == []
    assert bench.script.open == 0


def test_what_came_before_the_disk_was_full_is_gone_on_with(bench: Bench) -> None:
    """What is on the disk whole is there for the next download, and no byte more."""
    content = bytes(range(256)) * 10_000
    pieces = [content[: 2**20], content[2**20 : 2**21], content[2**21 :]]
    with full_disk(2**21 + 100), pytest.raises(OSError, match="penstock-part"):
        bench.download(Reply(headers={"ETag": TAG}, chunks=pieces))
    assert bench.download(FileServer(content)).resumed_from == 2**21 - 1
    assert bench.target.read_bytes() == content
    assert bench.names == ["model.bin"]


def test_a_full_disk_gives_the_connection_back(colour: Colour, tmp_path: Path) -> None:
    """After an error of the file no connection is held."""

    async def main() -> None:
        async with penstock.AsyncClient(server.url) as client:
            with full_disk(2**20), pytest.raises(OSError, match="penstock-part"):
                await client.download("/file/5000000", tmp_path / "file")
            assert client.pool_status().active == 0

    with DemoServer() as server:
        if colour.is_async:
            anyio.run(main, backend=colour.name)
            return
        with penstock.Client(server.url) as client:
            with full_disk(2**20), pytest.raises(OSError, match="penstock-part"):
                client.download("/file/5000000", tmp_path / "file")
            assert client.pool_status().active == 0
