"""`endpoints`: deploying, operating and measuring."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.clients.pareta import APIConnectionError, Endpoint, ParetaError
from penstock.testing import Reply

from .pareta_support import KEY, Rig, events

ENDPOINT = {"name": "ep_1", "status": "live", "model": "qwen-vl-2", "taskName": "contract-kie"}
PROGRESS = 'event: progress\ndata: {"stage": "pulling", "error": "mirror down, next one"}'
COMPLETE = 'event: complete\ndata: {"endpoint": {"name": "ep_1", "status": "live"}}'
FAILED = 'event: error\ndata: {"message": "no capacity"}'


def deploy(client: Any, **more: Any) -> Any:
    """Deploy, as plainly as can be."""
    return client.endpoints.deploy(task="contract-kie", **more)


def test_a_deployment_is_named_events(colour: Any) -> None:
    """Every event comes with its name and its data, parsed if it is JSON; `[DONE]` is none."""
    others = ": ping", "event: log\ndata: plain text", "data: null", "data: [DONE]"
    rig = Rig(colour, events(PROGRESS, *others, COMPLETE))
    assert rig.read(deploy) == [
        {"event": "progress", "data": {"stage": "pulling", "error": "mirror down, next one"}},
        {"event": "log", "data": "plain text"},
        {"event": "message", "data": None},
        {"event": "complete", "data": {"endpoint": {"name": "ep_1", "status": "live"}}},
    ]
    assert rig.sent == ["POST /v1/endpoints"]
    assert rig.body() == {"task": "contract-kie", "model": "recommended"}
    assert rig.script.requests[0].headers["accept"] == "text/event-stream"


def test_a_deployment_says_what_it_was_given(colour: Any) -> None:
    """Model, name and further fields are part of the request; an empty model is the recommended."""
    rig = Rig(colour, events(COMPLETE), events(COMPLETE))
    rig.read(lambda client: deploy(client, model="qwen-vl-2", name="mine", region="eu"))
    rig.read(lambda client: deploy(client, model=""))
    assert rig.body(0) == {
        "task": "contract-kie",
        "model": "qwen-vl-2",
        "name": "mine",
        "region": "eu",
    }
    assert rig.body(1)["model"] == "recommended"


def test_a_failed_deployment_is_its_last_event(colour: Any) -> None:
    """Without waiting, `error` is an event like the others, and the last."""
    rig = Rig(colour, events(PROGRESS, FAILED, COMPLETE))
    assert [event["event"] for event in rig.read(deploy)] == ["progress", "error"]
    assert rig.script.open == 0


def test_waiting_gives_the_endpoint(colour: Any) -> None:
    """With `wait=True` the endpoint of the `complete` event is returned."""
    rig = Rig(colour, events(PROGRESS, COMPLETE))
    endpoint = rig.run(lambda client: deploy(client, wait=True))
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.id, endpoint.is_live) == ("ep_1", True)
    bare = Rig(colour, events("event: complete\ndata: ok"))
    assert bare.run(lambda client: deploy(client, wait=True)).id is None


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (events(PROGRESS, FAILED), "deploy failed: no capacity"),
        (events("event: error\ndata: no capacity"), "deploy failed: no capacity"),
        (events("event: error\ndata: {}"), "deploy failed: unknown error"),
        (events(f'event: error\ndata: {{"message": "bad {KEY}"}}'), "deploy failed: bad REDACTED"),
        (Reply(204), "deploy failed: no event came"),
    ],
)
def test_waiting_raises_what_failed(reply: Reply, said: str, colour: Any) -> None:
    """With `wait=True` an `error` event is a `ParetaError` that says why, and about which call."""
    error = Rig(colour, reply).error(lambda client: deploy(client, wait=True))
    assert (type(error), error.message) == (ParetaError, said)
    assert (error.method, error.operation) == ("POST", "endpoints.deploy")


@pytest.mark.parametrize("wait", [False, True])
def test_a_deployment_that_breaks_off_is_an_error(wait: bool, colour: Any) -> None:
    """Events that end before the last one are a broken connection, waiting or not."""
    rig = Rig(colour, events(PROGRESS))
    get_error = rig.error if wait else rig.stream_error
    error = get_error(lambda client: deploy(client, wait=wait))
    assert type(error) is APIConnectionError
    assert len(rig.sent) == 1


def test_a_deployment_needs_a_task(colour: Any) -> None:
    """Without a task nothing is sent."""
    rig = Rig(colour)
    with pytest.raises(ValueError, match="task is required"):
        rig.run(lambda client: client.endpoints.deploy(task=""))
    assert rig.sent == []


def test_endpoints_are_listed_and_looked_up(colour: Any) -> None:
    """The list is a plain list; each endpoint knows its id, task and whether it is live."""
    rig = Rig(colour, Reply(json=[ENDPOINT, {"id": "ep_2", "name": "n", "task": "t"}]), ENDPOINT)
    first, second = rig.run(lambda client: client.endpoints.list())
    assert (first.id, first.task, first.model, first.is_live) == (
        "ep_1",
        "contract-kie",
        "qwen-vl-2",
        True,
    )
    assert (second.id, second.name, second.task, second.is_live, second.url) == (
        "ep_2",
        "n",
        "t",
        False,
        None,
    )
    assert rig.run(lambda client: client.endpoints.retrieve("ep_1")) == first
    assert rig.sent == ["GET /v1/endpoints", "GET /v1/endpoints/ep_1"]


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("start", "POST /v1/endpoints/ep%2F1/start"),
        ("stop", "POST /v1/endpoints/ep%2F1/stop"),
        ("delete", "DELETE /v1/endpoints/ep%2F1"),
        ("retrieve", "GET /v1/endpoints/ep%2F1"),
    ],
)
def test_an_id_is_one_part_of_a_path(method: str, sent: str, colour: Any) -> None:
    """An id is quoted into the path; an empty one, which would name them all, is refused."""
    rig = Rig(colour, Reply(204))
    result = rig.run(lambda client: getattr(client.endpoints, method)("ep/1"))
    assert (rig.sent, result) == ([sent], None if method == "delete" else {})
    with pytest.raises(ValueError, match="an id is empty"):
        rig.run(lambda client: getattr(client.endpoints, method)(""))


@pytest.mark.parametrize("name", ["performance", "uptime", "cost", "quality", "activity"])
def test_metrics_are_the_servers_json(name: str, colour: Any) -> None:
    """Each dimension is a GET of its own, with the query parameters it was given."""
    rig = Rig(colour, {"p50": 0.2}, Reply(json=[1]))
    call = lambda client, **params: getattr(client.endpoints.metrics("ep_1"), name)(**params)  # noqa: E731
    assert rig.run(call) == {"p50": 0.2}
    assert rig.run(lambda client: call(client, window="7d", until=None)) == [1]
    assert rig.sent == [
        f"GET /v1/endpoints/ep_1/{name}",
        f"GET /v1/endpoints/ep_1/{name}?window=7d",
    ]
