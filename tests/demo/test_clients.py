"""The four SDKs against the demo server, over real sockets, in every colour."""

from __future__ import annotations

import json
import subprocess
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

from penstock.clients.bayt import BaytNotFoundError, BaytValidationError
from penstock.clients.pareta import BadRequestError, ConflictError, NotFoundError, ParetaError
from penstock.clients.pareta.eval_sets import INLINE_BELOW
from penstock.demo import DemoServer
from penstock.demo.faults import Fault
from penstock.demo.requests import Headers
from penstock.demo.routes import routes
from penstock.demo.run import API_KEY, play_async, play_sync
from penstock.demo.sdk_calls import SDK_CALLS, SdkCall
from penstock.demo.site import Site
from penstock.demo.wire import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Colour

CALLS = {call.name: call for call in SDK_CALLS}
SAID = "You said: where does water go?"
ROWS = [{"input": "a"}, {"input": "b"}]


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(api_key=API_KEY) as running:
        yield running


class Live:
    """An SDK of one colour on a server.

    Args:
        colour: The colour.
        server: The server, which remembers from one call to the next.
        name: The module of `penstock.clients`.
    """

    def __init__(self, colour: Colour, server: DemoServer, name: str) -> None:
        self._colour = colour
        self._call = CALLS[name]
        self._options = {"base_url": server.url, "api_key": API_KEY}

    def __call__(self, send: Callable[[Any], Any]) -> Any:
        """Return what `send(client)` gives, awaited where it must be."""

        async def in_async() -> Any:
            async with self._call.load(self._call.async_client)(**self._options) as client:
                return await send(client)

        if self._colour.is_async:
            return self._colour.run(in_async)
        with self._call.load(self._call.client)(**self._options) as client:
            return send(client)

    def items(self, send: Callable[[Any], Any]) -> list[Any]:
        """Return everything in the iterator `send(client)` gives."""

        async def in_async() -> list[Any]:
            async with self._call.load(self._call.async_client)(**self._options) as client:
                stream = send(client)
                items = await stream if hasattr(stream, "__await__") else stream
                return [item async for item in items]

        if self._colour.is_async:
            return self._colour.run(in_async)  # type: ignore[no-any-return]
        with self._call.load(self._call.client)(**self._options) as client:
            return list(send(client))


def called(method: str, *args: Any, **named: Any) -> Callable[[Any], Any]:
    """Return what calls a method of a client, named by its path from there."""
    return lambda client: attrgetter(method)(client)(*args, **named)


@pytest.fixture
def pareta(colour: Colour, server: DemoServer) -> Live:
    return Live(colour, server, "pareta")


@pytest.fixture
def bayt(colour: Colour, server: DemoServer) -> Live:
    return Live(colour, server, "bayt")


ANSWERS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "openai_compatible": lambda done: (done.choices[0].message.content, SAID),
    "babyapi": lambda done: (done["output"], SAID),
    "pareta": lambda done: (done.chosen.task_id, "contract-kie"),
    "bayt": lambda done: (done.package_name, "@demo/support:v1"),
}


@pytest.mark.parametrize("call", SDK_CALLS, ids=lambda call: call.name)
def test_the_call_of_the_demo_is_answered(
    colour: Colour, server: DemoServer, call: SdkCall
) -> None:
    """Each SDK's call, with the server's key, comes back with what it asked for."""
    told, expected = ANSWERS[call.name](Live(colour, server, call.name)(call.send))
    assert told == expected
    assert [request.bearer for request in server.requests] == [API_KEY]


@pytest.mark.parametrize("play", [play_sync, play_async])
def test_the_demo_plays_each_sdk(play: Callable[..., Any]) -> None:
    """Each call has its class's name, its waterfall and its spans; a 503 is tried again."""
    prefix = "" if play is play_sync else "Async"
    played = play(SDK_CALLS)
    assert [one.client for one in played] == [prefix + call.client for call in SDK_CALLS]
    assert [one.watched.outcome for one in played] == ["200"] * 4
    assert [one.waterfall.attempts for one in played] == [1, 2, 1, 1]
    assert [len(one.recording.spans) for one in played] == [2, 3, 2, 2]


def test_the_sdks_are_loaded_late() -> None:
    """Importing the demo and the command line loads no SDK."""
    code = (
        "import sys, json, penstock.demo.run, penstock.cli.demo;"
        "print(json.dumps([name for name in sys.modules if name.startswith('penstock.clients')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_an_endpoint_is_deployed_and_operated(pareta: Live) -> None:
    """It is told as events, listed, stopped, started, measured and deleted."""
    assert pareta(lambda client: client.endpoints.list()) == []
    events = pareta.items(lambda client: client.endpoints.deploy(task="contract-kie"))
    assert [event["event"] for event in events] == ["progress", "progress", "complete"]
    (endpoint,) = pareta(lambda client: client.endpoints.list())
    assert endpoint.to_dict() == events[-1]["data"]["endpoint"]
    assert (endpoint.model, endpoint.task, endpoint.is_live) == ("demo-large", "contract-kie", True)
    pareta(lambda client: client.endpoints.stop(endpoint.id))
    assert pareta(lambda client: client.endpoints.retrieve(endpoint.id)).status == "stopped"
    with pytest.raises(ConflictError, match="stopped already"):
        pareta(lambda client: client.endpoints.stop(endpoint.id))
    pareta(lambda client: client.endpoints.start(endpoint.id))
    cost = pareta(lambda client: client.endpoints.metrics(endpoint.id).cost())
    assert cost == {"endpoint_id": endpoint.id, "total_cost_micro_usd": 0}
    pareta(lambda client: client.endpoints.delete(endpoint.id))
    with pytest.raises(NotFoundError) as caught:
        pareta(lambda client: client.endpoints.retrieve(endpoint.id))
    assert caught.value.detail == f"There is no endpoint {endpoint.id}"


def test_deploying_waits_or_fails(pareta: Live) -> None:
    """With `wait` the endpoint comes back; a model there is not is an `error` event."""
    deployed = pareta(
        lambda client: client.endpoints.deploy(
            task="invoice-kie", model="demo-small", name="mine", wait=True
        )
    )
    assert (deployed.name, deployed.model) == ("mine", "demo-small")
    with pytest.raises(ParetaError, match="no model huge"):
        pareta(lambda client: client.endpoints.deploy(task="invoice-kie", model="huge", wait=True))
    with pytest.raises(NotFoundError, match="no task none"):
        pareta(lambda client: client.endpoints.deploy(task="none", wait=True))


def test_the_catalog_is_consistent(pareta: Live) -> None:
    """Every task listed can be retrieved and has a leaderboard, which recommends its first."""
    for task in pareta(lambda client: client.tasks.list()):
        whole = pareta(called("tasks.retrieve", task.id, examples_n=2))
        assert (whole.id, len(whole["examples"])) == (task.id, 2)
        board = pareta(called("tasks.leaderboard", task.id))
        assert (board.task_id, board.recommended) == (task.id, board.models[0].name)
    with pytest.raises(NotFoundError):
        pareta(lambda client: client.tasks.leaderboard("none"))


@pytest.mark.parametrize(
    ("query", "top_k", "candidates", "ambiguous"),
    [
        ("extract the parties from a contract", 5, ["contract-kie", "invoice-kie"], False),
        ("extract the parties from a contract", 1, ["contract-kie"], False),
        ("extract", 5, ["contract-kie", "invoice-kie"], True),
        ("paint a fence", 5, [], False),
        ("?", 5, [], False),
    ],
)
def test_a_match_is_by_words(
    pareta: Live, query: str, top_k: int, candidates: list[str], ambiguous: bool
) -> None:
    """Tasks that share words are candidates, the best is chosen; none shared is no match."""
    match = pareta(lambda client: client.tasks.match(query, top_k=top_k))
    assert [candidate.task_id for candidate in match.candidates] == candidates
    assert (match.matched, match.ambiguous) == (bool(candidates), ambiguous)
    assert (match.chosen and match.chosen.task_id) == (candidates[0] if candidates else None)


def test_a_run_is_over_at_the_second_look(pareta: Live) -> None:
    """A run on new rows is running, then completed, with a result for each model and its cost."""
    looks: list[str] = []
    run = pareta(
        lambda client: client.evals.runs.create(
            task="contract-kie",
            items=ROWS,
            models=["demo-large"],
            frontier="benchmarked",
            wait=True,
            poll_interval=0.001,
            on_progress=lambda run: looks.append(run.status),
        )
    )
    assert looks == ["running", "completed"]
    assert [result.model_id for result in run.results] == ["demo-large", "demo-frontier"]
    assert (run.cost_micro_usd, str(run.cost)) == (10_000, "0.01")
    with pytest.raises(NotFoundError):
        pareta(lambda client: client.evals.runs.create(eval_set="none", models=["demo-large"]))
    with pytest.raises(NotFoundError):
        pareta(lambda client: client.evals.runs.retrieve("none"))


def test_an_eval_set_lives(pareta: Live, server: DemoServer) -> None:
    """It is made, listed, given documents small and large, and deleted."""

    def sets(client: Any) -> Any:
        return client.evals.sets

    made = pareta(lambda client: sets(client).create(task="contract-kie", items=ROWS, name="mine"))
    assert (made.task_id, made.name, made.item_count) == ("contract-kie", "mine", 2)
    assert [one.id for one in pareta(lambda client: sets(client).list())] == [made.id]
    assert pareta(lambda client: sets(client).retrieve(made.id)).to_dict() == made.to_dict()
    place = {"idx": 0, "field_name": "scan"}
    small = pareta(lambda client: sets(client).upload_document(made.id, b"abc", **place))
    assert small == {**place, "size": 3}
    content = bytes(INLINE_BELOW)
    large = pareta(lambda client: sets(client).upload_document(made.id, content, **place))
    assert large == {"field_name": "scan", "storage_uri": f"demo://{made.id}-scan"}
    stored = next(request for request in server.requests if request.method == "PUT")
    assert (stored.body == content, stored.bearer) == (True, None)
    pareta(lambda client: sets(client).delete(made.id))
    with pytest.raises(NotFoundError):
        pareta(lambda client: sets(client).retrieve(made.id))


def test_a_vendor_s_models_say_whether_they_are_benchmarked(pareta: Live) -> None:
    """They say so where a task was given."""
    every = pareta(lambda client: client.evals.frontier_models())
    of_task = pareta(lambda client: client.evals.frontier_models("contract-kie"))
    assert [model.id for model in every] == [model.id for model in of_task]
    assert [model.benchmarked for model in of_task] == [True, False]
    assert "benchmarked" not in every[0].to_dict()


def test_prompts_come_page_by_page(bayt: Live, server: DemoServer) -> None:
    """Following the cursor gives every prompt once, and each can be had by its name."""
    prompts = bayt.items(lambda client: client.iter_prompts(limit=2))
    assert [prompt.slug for prompt in prompts] == ["support", "sales", "legal"]
    assert len(server.requests) == 2
    page = bayt(lambda client: client.list_prompts(limit=3))
    assert (len(page.prompts), page["cursor"], page["hasMore"]) == (3, None, False)
    for prompt in prompts:
        found = bayt(called("get_prompt", prompt.package_name))
        assert found.to_dict() == prompt.to_dict()


def test_a_file_is_had_without_the_key(bayt: Live, server: DemoServer) -> None:
    """The signed URL of a file gives it to whoever has it; it has the size that was said."""
    prompt = bayt(lambda client: client.get_prompt("@demo/support"))
    (item,) = prompt.get_file_contexts()
    content = bayt(lambda client: client.download_context_file(item.id))
    assert content == b"This is turbines.txt.\n"
    assert len(content) == item.file_size
    assert server.requests[-1].bearer is None


def test_what_bayt_has_not_is_refused(bayt: Live) -> None:
    """An unknown prompt or item is not found, and a link is no file."""
    for send in (
        lambda client: client.get_prompt("@demo/none:v1"),
        lambda client: client.get_context_download_url("none"),
    ):
        with pytest.raises(BaytNotFoundError) as caught:
            bayt(send)
        assert caught.value.code == "not_found"
    with pytest.raises(BaytValidationError, match="not a file"):
        bayt(lambda client: client.get_context_download_url("ctx_demo_2"))


@pytest.mark.parametrize(
    ("send", "error"),
    [
        (lambda client: client.evals.sets.create(task="none", items=ROWS), NotFoundError),
        (lambda client: client.tasks.retrieve("contract-kie", examples_n=9), BadRequestError),
        (lambda client: client.tasks.match("extract", top_k=-1), BadRequestError),
        (lambda client: client.endpoints.metrics("none").cost(), NotFoundError),
    ],
)
def test_pareta_refuses_in_its_own_shape(
    pareta: Live, send: Callable[[Any], Any], error: type[Exception]
) -> None:
    """What cannot be is a refusal whose `detail` is a sentence."""
    with pytest.raises(error) as caught:
        pareta(send)
    assert isinstance(caught.value.detail, str)  # type: ignore[attr-defined]


POSTS = [route.path for route in routes() if route.methods == "POST"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"task": 1, "query": []}'])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=a", "é;;"])
def test_a_body_that_is_none_is_turned_down(path: str, body: bytes, kind: str) -> None:
    """No body of any kind makes a route fail: the answer is one of the client's errors."""
    site = Site(api_key=None)
    head = Head("POST", path, path, [], "HTTP/1.1", Headers([("Content-Type", kind)]))
    assert 400 <= site.respond(site.receive(1, head, body), Fault()).status < 500
