"""BabyAPI: each example of its document runs with only its import changed; so does its twin."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock.demo import DemoServer

from .babyapi_examples import CLIENT, EXAMPLES, Example

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "baby-key-0123456789"
_SENDS = {"create", "infer"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoServer]:
    """A demo server that the environment names as BabyAPI."""
    with DemoServer(api_key=KEY) as demo:
        monkeypatch.setenv("BABYAPI_API_KEY", KEY)
        monkeypatch.setenv("BABYAPI_BASE_URL", demo.url)
        monkeypatch.delenv("BABYAPI_DEFAULT_MODEL", raising=False)
        yield demo


class Twin(ast.NodeTransformer):
    """Makes the async twin of an example: the same calls, awaited."""

    def visit_alias(self, node: ast.alias) -> ast.alias:
        return ast.alias("AsyncBabyAPI", "BabyAPI") if node.name == "BabyAPI" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        is_send = isinstance(node.func, ast.Attribute) and node.func.attr in _SENDS
        return ast.Await(node) if is_send else node

    def visit_For(self, node: ast.For) -> ast.stmt:
        self.generic_visit(node)
        if not isinstance(node.iter, ast.Call):
            return node
        return ast.AsyncFor(node.target, node.iter, node.body, node.orelse)

    def visit_With(self, node: ast.With) -> ast.stmt:
        self.generic_visit(node)
        return ast.AsyncWith(node.items, node.body)


def run(example: Example, colour: Any) -> dict[str, Any]:
    """Run an example in its own namespace, and close its client."""
    source = example.source if example.has_client else CLIENT + example.source
    tree: ast.Module = ast.parse(source.replace("from babyapi", "from penstock.clients.babyapi"))
    if colour.is_async:
        tree = ast.fix_missing_locations(Twin().visit(tree))
    code = compile(tree, example.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {}

    async def arun() -> None:
        running = eval(code, names)
        if inspect.isawaitable(running):
            await running
        await names["client"].aclose()

    if colour.is_async:
        anyio.run(arun, backend=colour.name)
    else:
        eval(code, names)
        names["client"].close()
    return names


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(example: Example, colour: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The example, and its async twin, print what they should."""
    run(example, colour)
    assert capsys.readouterr().out == example.prints


def test_the_configuration_is_used(server: DemoServer, colour: Any) -> None:
    """What the example of a configuration says is what the client has."""
    example = next(example for example in EXAMPLES if example.name == "configuration")
    client = run(example, colour)["client"]
    assert (client.base_url, client.default_model) == (server.url, "mistral")
    assert client.options.headers == {"x-app": "my-sideproject"}


def test_the_options_are_used(server: DemoServer, colour: Any) -> None:
    """The headers of the examples' request options are sent."""
    for name in ("request options", "request options as a dict"):
        run(next(example for example in EXAMPLES if example.name == name), colour)
    sent = [
        (request.headers.get("x-trace"), request.headers.get("x-app"))
        for request in server.requests
    ]
    assert sent == [("abc123", None), (None, "demo")]
