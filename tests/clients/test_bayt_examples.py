"""The examples of Bayt's own documentation run, as they stand and as their async twins."""

from __future__ import annotations

import ast
import inspect
import json
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from penstock import InsecureWarning
from penstock.clients.bayt import AsyncBaytClient, BaytClient
from penstock.testing import Script
from penstock.transport import owned, tls

from .bayt_examples import EXAMPLES, Example
from .bayt_support import KEY, PROMPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Colour


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Script:
    """Bayt, and the machine of whoever reads the page."""
    for name in ("APP_VERSION", "ENVIRONMENT", "INSTANCE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BAYT_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"bayt_api_key": KEY}), "utf-8")
    monkeypatch.setattr(tls, "_stamp", lambda path, source: 0)  # /path/to/ca-bundle.crt is there
    script = Script([PROMPT], forever=True)

    def handle(pools: Any, request: Any) -> Any:
        return script.handle_request(request)

    async def ahandle(pools: Any, request: Any) -> Any:
        return await script.handle_async_request(request)

    monkeypatch.setattr(owned.SyncPools, "handle_request", handle)
    monkeypatch.setattr(owned.AsyncPools, "handle_async_request", ahandle)
    return script


def twin_of(source: str) -> str:
    """Return an example as it is written with the async client."""
    for call in ("client.get_prompt(", "get_support_prompt()", "get_marketing_prompt()"):
        source = source.replace(f" = {call}", f" = await {call}")
    return source


async def run_awaiting(code: Any, names: dict[str, Any]) -> None:
    running = eval(code, names)
    if inspect.isawaitable(running):
        await running


def run(example: Example, colour: Colour) -> dict[str, Any]:
    """Run an example in one colour, and return what it defines."""
    names: dict[str, Any] = {}
    if not colour.is_async:
        exec(f"from penstock.clients.bayt import BaytClient\n{example.source}", names)
        return names
    imported = "from penstock.clients.bayt import AsyncBaytClient as BaytClient"
    source = f"{imported}\n{twin_of(example.source)}"
    code = compile(source, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    colour.run(lambda: run_awaiting(code, names))
    return names


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs(
    colour: Colour, name: str, network: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example makes a client that is what the page says, and its calls give prompts."""
    example = EXAMPLES[name]
    for variable, value in example.environ.items():
        monkeypatch.setenv(variable, value)
    with warnings.catch_warnings():
        if name == "certificates unchecked":
            warnings.simplefilter("ignore", InsecureWarning)
        names = run(example, colour)
    client = names["client"]
    assert type(client) is (AsyncBaytClient if colour.is_async else BaytClient)
    assert len(network.requests) == example.calls
    prompts = [value for name, value in names.items() if name.startswith("prompt")]
    assert [prompt.title for prompt in prompts] == ["Support"] * example.calls
    assert (client.base_url, client.max_retries, client.options.timeout) == (
        *(example.base_url, example.max_retries),
        example.timeout,
    )
    colour.run(lambda: client.get_prompt("@workspace/p1:v1"))
    request = network.requests[-1]
    assert str(request.url) == f"{example.base_url}/v1/prompts/get"
    assert {name: request.headers[name] for name in example.headers} == example.headers


class OneConnection(BaseHTTPRequestHandler):
    """Answers every request with a prompt, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1  # type: ignore[attr-defined]  # counted here

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(PROMPT).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OneConnection) as server:
        server.connections = 0  # type: ignore[attr-defined]  # as above
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_connection_is_reused(colour: Colour) -> None:
    """Three calls of one client go over one connection."""
    with served() as server:
        base_url = f"http://127.0.0.1:{server.server_port}"

        async def calls() -> None:
            async with AsyncBaytClient(KEY, base_url) as client:
                for name in ("p1", "p2", "p3"):
                    await client.get_prompt(f"@workspace/{name}:v1")

        if colour.is_async:
            colour.run(calls)
        else:
            with BaytClient(KEY, base_url) as client:
                for name in ("p1", "p2", "p3"):
                    client.get_prompt(f"@workspace/{name}:v1")
        assert server.connections == 1
