"""Random secrets wherever a secret can be, everything switched on, and none of them comes out."""

from __future__ import annotations

import copy
import gzip
import io
import json
import logging
import pickle
import secrets
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import anyio
import pytest

import penstock
from penstock import Stack, telemetry
from penstock.middleware import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .receiver import Receiver

CAPTURED = "authorization,x-api-key,cookie,set-cookie,location,www-authenticate,x-.*"


class Canaries:
    """A fresh secret for each place; `found_in` tells which of them a text shows."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def __getattr__(self, place: str) -> str:
        return self._values.setdefault(place, f"canary-{secrets.token_hex(12)}")

    def found_in(self, content: bytes) -> list[str]:
        shapes: dict[str, Callable[[str], str]] = {
            "": str,
            " quoted": quote,
            " as JSON": json.dumps,
        }
        return [
            place + shape
            for place, value in self._values.items()
            for shape, shaped in shapes.items()
            if shaped(value).encode() in content
        ]


class Handler(BaseHTTPRequestHandler):
    """Answers with secrets of its own, and repeats those it was sent."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.server.sent.append(self.rfile.read(int(self.headers["Content-Length"])))
        getattr(self, "on_" + self.path.strip("/").partition("?")[0])()

    def do_GET(self) -> None:
        self.answer(404)

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        told = {"Set-Cookie": f"session={self.server.canaries.set_cookie}", **headers}
        for name, value in told.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def on_ok(self) -> None:
        self.answer(200)

    def on_echo(self) -> None:
        told = {"error": {"message": f"no such key: {self.headers['Authorization']}"}}
        self.answer(401, json.dumps(told).encode())

    def on_down(self) -> None:
        self.answer(503, b"{}", X_Echo_Token=self.server.canaries.echoed)

    def on_moved(self) -> None:
        canaries = self.server.canaries
        self.answer(303, Location=f"/gone?token={canaries.location}#{canaries.fragment}")

    def on_cut(self) -> None:
        self.answer(200, b"", Content_Length="9")
        self.close_connection = True

    def on_hang(self) -> None:
        self.server.released.wait(10)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Listens on a free loopback port while it is entered."""

    def __init__(self, canaries: Canaries) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.canaries = canaries
        self.sent: list[bytes] = []
        self.released = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any library logs, tracebacks and all."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(before)


def test_no_secret_comes_out(
    colour: Any,
    canaries: Canaries,
    receiver: Receiver,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No span, metric, log line, exported byte, error, repr or pickle shows a secret."""
    for side in ("REQUEST", "RESPONSE"):
        name = f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_{side}"
        monkeypatch.setenv(name, CAPTURED)
    errors: list[BaseException] = []
    shown: list[str] = []
    with (
        Server(canaries) as server,
        telemetry.configure("s", endpoint=receiver.url, set_global=False) as exporting,
    ):

        def client(url: str, **options: Any) -> Any:
            made = colour.client(
                url,
                api_key=canaries.key,
                headers={"X-Api-Key": canaries.header, "Cookie": f"a={canaries.cookie}"},
                params={"access_token": canaries.param},
                stack=Stack.standard().replace(Retry, Retry(base_delay=0.001)),
                tracer_provider=exporting.tracer_provider,
                meter_provider=exporting.meter_provider,
                trust_env=False,
                **options,
            )
            shown.extend((repr(made), repr(vars(made)), repr(made.stack)))
            return made

        def call(made: Any, path: str, **options: Any) -> None:
            errors.append(_outcome(colour, made, path, canaries, options))

        for path in ("/ok", "/echo", "/down", "/moved", "/cut"):
            call(client(server.url), path)
        call(client(server.url), "/hang", timeout=0.1, max_retries=0)
        call(client(server.url), "/ok", cancelled=True)
        closed = "127.0.0.1:1"
        call(client(server.url, proxy=f"http://user:{canaries.proxy}@{closed}"), "/ok")
        call(client(f"http://{closed}"), "/ok")
    assert len(server.sent) >= 6
    assert {type(error).__name__ for error in errors} >= {
        "Unauthorized", "ServiceUnavailable", "NotFound", "ConnectionFailed", "TimedOut",
    }  # fmt: skip
    for error in errors:
        shown += _everything_of(error)
    for delivery in receiver.deliveries:
        zipped = delivery.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(delivery.body) if zipped else delivery.body
        assert canaries.found_in(body) == []
    assert len(receiver.spans) > 15
    assert "http.request.header.x-api-key" in repr(receiver.spans)
    assert "http.call.failed" in log.getvalue()
    assert canaries.found_in(log.getvalue().encode()) == []
    assert canaries.found_in("\n".join(shown).encode()) == []


def _outcome(
    colour: Any, client: Any, path: str, canaries: Canaries, options: dict[str, Any]
) -> BaseException:
    """Make a call that carries a secret in every place; return the error it ended with."""
    cancelled = options.pop("cancelled", False)
    call = {
        "json": {"prompt": canaries.body},
        "attributes": {"acme.note": f"signed with {canaries.key}"},
        "log_fields": {"note": f"signed with {canaries.key}"},
        **options,
    }
    target = f"{path}?signature={canaries.query}"

    async def acall() -> None:
        async with client:
            with anyio.CancelScope() as scope:
                if cancelled:
                    scope.cancel()
                await client.post(target, **call)
        raise LookupError("no error")

    def plain() -> None:
        with client:
            client.post(target, **call)
        raise LookupError("no error")

    try:
        colour.run(acall if colour.is_async else plain)
    except Exception as error:  # noqa: BLE001 - what it shows is looked at
        return error
    raise AssertionError("unreachable")


def _everything_of(error: BaseException) -> list[str]:
    told: list[Any] = [str(error), repr(error), error.args, getattr(error, "__notes__", None)]
    frames = traceback.TracebackException.from_exception(error, capture_locals=False)
    told += [*frames.format(chain=True)]
    if isinstance(error, penstock.PenstockError):
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            told += [str(other), repr(vars(other)), repr(getattr(other, "response", None))]
        told.append(pickle.dumps(error, protocol=0).decode("latin-1"))
    return [item if isinstance(item, str) else repr(item) for item in told]
