"""Ours against the published pareta package: the same requests, results and errors."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pareta
import pytest
from tests.clients.pareta_support import KEY, MESSAGES, chunk, events, sse

import penstock.clients.pareta as own
from penstock.testing import Reply

from .pareta_support import Case, play_ours, play_theirs

COMPLETION = {
    "id": "c",
    "model": "qwen",
    "created": 1,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "a", "content": "é"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "added": {"x": [1]},
}
ENDPOINT = {"name": "ep_1", "status": "live", "model": "q", "taskName": "t1", "url": "https://x"}
BOARD = {
    "task_id": "t1",
    "metric": "f1",
    "cost_unit": "micro_usd",
    "recommended": "q",
    "models": [{"name": "q", "kind": "open", "quality": 0.9, "context_k": 8, "run_mode": "b"}],
    "frontier": {"name": "big", "cost_per_request_micro_usd": 900},
}
MATCH = {
    "query": "q",
    "matched": True,
    "chosen": {"task_id": "t1", "score": 0.9, "confidence": "high"},
    "candidates": [{"task_id": "t2"}],
    "ambiguous": True,
    "matcher": "m",
}
SET = {"eval_set": {"id": "es_1", "task_id": "t1", "name": "n", "item_count": 2}}
STARTED = {"run_id": "run_1", "status": "queued"}
RUN = {
    "run": {
        "id": "run_1",
        "eval_set_id": "es_1",
        "status": "completed",
        "candidate_model_ids": ["q"],
        "error_detail": None,
        "total_cost_micro_usd": 1_239_999,
    },
    "results": [{"model_id": "q", "kind": "open", "quality_mean": 0.5, "n_succeeded": 3}],
}
RUNNING = {"run": {"id": "run_1", "status": "running"}}
ROSTER = {"frontier_models": [{"id": "a", "vendor": "v", "benchmarked": True}, {"id": "b"}]}
ROWS = [{"text": "Grüße\n"}, {"n": 1, "deep": {"a": [None]}}]
TICKET = {"upload_url": "https://storage.example.com/b?sig=1", "storage_uri": "s3://b"}
PROGRESS = 'event: progress\ndata: {"stage": "pull", "error": "none yet"}'
COMPLETE = 'event: complete\ndata: {"endpoint": {"name": "ep_1", "status": "live"}}'
FAILED = 'event: error\ndata: {"message": "no capacity"}'
LARGE = b"x" * (5 * 1024 * 1024)


def create(pa: Any, **more: Any) -> Any:
    return pa.chat.completions.create(**{"model": "ep_1", "messages": MESSAGES, **more})


def deploy(pa: Any, **more: Any) -> Any:
    return pa.endpoints.deploy(**{"task": "t1", **more})


def upload(pa: Any, file: Any = b"%PDF", **more: Any) -> Any:
    return pa.evals.sets.upload_document("es_1", file, idx=3, field_name="doc", **more)


def evaluate(pa: Any, **more: Any) -> Any:
    return pa.evals.runs.create(**{"eval_set": "es_1", "models": ["q"], **more})


CASES = [
    Case("models", lambda pa: pa.models.list(), ({"data": [{"id": "m", "created": 1}]},)),
    Case("no models", lambda pa: pa.models.list(), ({"data": []},)),
    Case("no models at all", lambda pa: pa.models.list(), ({},)),
    Case("staging", lambda pa: pa.models.list(), ({},), {"base_url": "https://s.example.com/v//"}),
    Case("chat", lambda pa: create(pa, temperature=0.5, stop=None, user="ü"), (COMPLETION,)),
    Case("empty chat", create, ({},)),
    Case("no body", create, (Reply(200),)),
    Case("stream", lambda pa: create(pa, stream=True, n=1), (sse(chunk("a"), chunk("é")),)),
    Case(
        "comments",
        lambda pa: create(pa, stream=True),
        (events(": x", "data: {}", "data: y", "data: [DONE]"),),
    ),
    Case("no model", lambda pa: create(pa, model="")),
    Case("no messages", lambda pa: create(pa, messages=[], stream=True)),
    Case("endpoints", lambda pa: pa.endpoints.list(), (Reply(json=[ENDPOINT, {"id": "e"}]),)),
    Case("endpoint", lambda pa: pa.endpoints.retrieve("ep_1"), (ENDPOINT,)),
    Case("start", lambda pa: pa.endpoints.start("ep_1"), ({"ok": True},)),
    Case("stop", lambda pa: pa.endpoints.stop("ep_1"), (Reply(202),)),
    Case("delete", lambda pa: pa.endpoints.delete("ep_1"), (Reply(204),)),
    Case(
        "deploy", deploy, (events(": x", PROGRESS, "event: log\ndata: text", "data: 1", COMPLETE),)
    ),
    Case("deploy more", lambda pa: deploy(pa, model="", name="n", region="eu"), (events(FAILED),)),
    Case("deploy, wait", lambda pa: deploy(pa, wait=True), (events(PROGRESS, COMPLETE),)),
    Case("deploy, failed", lambda pa: deploy(pa, wait=True), (events(PROGRESS, FAILED),)),
    Case("deploy, retried", lambda pa: deploy(pa, wait=True), (503, events(COMPLETE))),
    Case("no task", lambda pa: deploy(pa, task="", wait=True)),
    *(
        Case(
            name,
            lambda pa, n=name: getattr(pa.endpoints.metrics("ep_1"), n)(window="7d"),
            ({"v": 1},),
        )
        for name in ("performance", "uptime", "cost", "quality", "activity")
    ),
    Case("metrics", lambda pa: pa.endpoints.metrics("ep_1").cost(), (Reply(json=[1]),)),
    Case(
        "tasks", lambda pa: pa.tasks.list(), ({"tasks": [{"id": "t", "has_blob_input": True}, {}]},)
    ),
    Case("no tasks", lambda pa: pa.tasks.list(), ({},)),
    Case("task", lambda pa: pa.tasks.retrieve("t1"), ({"id": "t1", "default_scorer": "f1"},)),
    Case("examples", lambda pa: pa.tasks.retrieve("t1", examples_n=0), ({},)),
    Case("match", lambda pa: pa.tasks.match("invoices", top_k=2), (MATCH,)),
    Case("no match", lambda pa: pa.tasks.match("x"), ({},)),
    Case("blank match", lambda pa: pa.tasks.match(" ")),
    Case("set", lambda pa: pa.evals.sets.create(task="t1", items=ROWS), (SET,)),
    Case("named set", lambda pa: pa.evals.sets.create(task='t"1', items=ROWS, name="ü"), ({},)),
    Case("no rows", lambda pa: pa.evals.sets.create(task="t1", items=[])),
    Case("sets", lambda pa: pa.evals.sets.list(), ({"eval_sets": [{"id": "a"}]},)),
    Case("no sets", lambda pa: pa.evals.sets.list(), ({},)),
    Case("one set", lambda pa: pa.evals.sets.retrieve("es_1"), (SET,)),
    Case("delete set", lambda pa: pa.evals.sets.delete("es_1"), ({},)),
    Case("upload", upload, ({"ok": 1},)),
    Case("upload, typed", lambda pa: upload(pa, LARGE[1:], mime="image/png"), ({"ok": 1},)),
    Case("upload, nothing", lambda pa: upload(pa, 3)),
    Case("upload, large", lambda pa: upload(pa, LARGE), (TICKET, 201, {"ok": 1})),
    Case("upload, refused", lambda pa: upload(pa, LARGE), (TICKET, 403)),
    Case("run", evaluate, (STARTED,)),
    Case(
        "run, rows", lambda pa: evaluate(pa, eval_set=None, task="t1", items=ROWS), (SET, STARTED)
    ),
    Case("run, ids", lambda pa: evaluate(pa, frontier=["b"]), (STARTED,)),
    Case("run, all", lambda pa: evaluate(pa, frontier="all"), (SET, ROSTER, STARTED)),
    Case(
        "run, some", lambda pa: evaluate(pa, frontier="benchmarked", task="t 2"), (ROSTER, STARTED)
    ),
    Case("run, none", lambda pa: evaluate(pa, frontier="none", models=("q", "r")), (STARTED,)),
    Case("run, waited", lambda pa: evaluate(pa, wait=True), (STARTED, RUNNING, RUNNING, RUN)),
    Case("run, late", lambda pa: evaluate(pa, wait=True, timeout=6.0), (STARTED, *[RUNNING] * 3)),
    Case("run, nobody", lambda pa: evaluate(pa, models=[])),
    Case("run, what", lambda pa: evaluate(pa, frontier=3)),
    Case("run, nothing", lambda pa: evaluate(pa, eval_set=None)),
    Case("look", lambda pa: pa.evals.runs.retrieve("run_1"), (RUN,)),
    Case("bare look", lambda pa: pa.evals.runs.retrieve("run_1"), ({},)),
    Case("wait", lambda pa: pa.evals.runs.wait("r", poll_interval=0.5), (RUNNING, 503, RUN)),
    Case("roster", lambda pa: pa.evals.frontier_models(), (ROSTER,)),
    Case("roster of a task", lambda pa: pa.evals.frontier_models("t1"), ({},)),
    Case("retry after", create, (Reply(429, headers={"Retry-After": "2.5"}), 503, COMPLETION)),
    Case("too long", create, (Reply(503, headers={"Retry-After": "99"}), COMPLETION)),
    Case("patient", create, (*[500] * 6, COMPLETION), {"max_retries": 6}),
    Case("clamped", create, (503,), {"max_retries": -3}),
    Case("wire", create, (httpx.ConnectError("x"), httpx.ReadTimeout("y"), COMPLETION)),
    Case("dead wire", create, (httpx.ConnectError("x"),), {"max_retries": 0}),
    Case("slow wire", create, (*[httpx.ConnectTimeout("y")] * 3,)),
    Case(
        "stream, wire", lambda pa: create(pa, stream=True), (httpx.ReadError("x"), sse(chunk("a")))
    ),
    Case(
        "stream, refused", lambda pa: create(pa, stream=True), (Reply(402, json={"detail": "no"}),)
    ),
    *(
        Case(
            f"dropped, {type(error).__name__}",
            lambda pa: create(pa, stream=True),
            (
                Reply(
                    headers={"Content-Type": "text/event-stream"}, chunks=[b"data: {}\n\n", error]
                ),
            ),
        )
        for error in (httpx.ReadError("x"), httpx.ReadTimeout("y"))
    ),
    *(
        Case(
            f"{status}",
            create,
            (Reply(status, json={"detail": f"no {status}"}, headers={"X-Request-Id": "r"}),) * 3,
        )
        for status in (
            400,
            401,
            402,
            403,
            404,
            405,
            408,
            409,
            410,
            418,
            422,
            425,
            429,
            500,
            501,
            502,
            503,
            504,
            505,
            599,
        )
    ),
    *(
        Case(f"body {number}", create, (reply,))
        for number, reply in enumerate(
            [
                Reply(400, json={"detail": [{"loc": ["body", "model"], "msg": "missing"}]}),
                Reply(400, json={"detail": ""}),
                Reply(400, json={}),
                Reply(400, json=["no"]),
                Reply(400, text=" upstream \n"),
                Reply(400),
            ]
        )
    ),
]

SYNC_ALONE = [
    Case("leaderboard", lambda pa: pa.tasks.leaderboard("t1"), (BOARD,)),
    Case("no leaderboard", lambda pa: pa.tasks.leaderboard("t1"), ({},)),
    Case("recommended", lambda pa: pa.tasks.recommended("t1"), (BOARD,)),
]

METHODS = [
    "chat.completions.create",
    "models.list",
    *(f"endpoints.{name}" for name in ("deploy", "list", "retrieve", "start", "stop", "delete")),
    "endpoints.metrics",
    "endpoints.metrics.cost",
    *(f"tasks.{name}" for name in ("list", "retrieve", "match", "leaderboard", "recommended")),
    *(f"evals.sets.{name}" for name in ("create", "list", "retrieve", "delete")),
    "evals.sets.upload_document",
    *(f"evals.runs.{name}" for name in ("create", "retrieve", "wait")),
    "evals.frontier_models",
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_both_do_the_same(case: Case, colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls and answers give the same requests, waits, results and errors."""
    theirs = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    assert play_ours(case, colour) == theirs


@pytest.mark.parametrize("case", SYNC_ALONE, ids=repr)
def test_ours_does_async_what_theirs_does_sync(
    case: Case, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the package has in its sync client alone, ours has in both."""
    theirs = play_theirs(case, is_async=False, monkeypatch=monkeypatch)
    assert play_ours(case, colour) == theirs


def test_every_name_is_here() -> None:
    """Whoever changes one import line finds every public name."""
    assert set(pareta.__all__) - {"__version__"} - set(own.__all__) == set()


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("cls", [own.Pareta, own.AsyncPareta])
def test_every_method_takes_what_theirs_takes(path: str, cls: Any) -> None:
    """Each method takes the same arguments, by the same names, in the same order and kinds."""
    theirs = _parameters(pareta.Pareta(api_key=KEY), path)
    ours = _parameters(cls(api_key=KEY), path)
    assert {name: ours.get(name) for name in theirs} == theirs
    assert [name for name in ours if name in theirs] == list(theirs)


@pytest.mark.parametrize("cls", [own.Pareta, own.AsyncPareta])
def test_the_constructor_takes_what_theirs_takes(cls: Any) -> None:
    """The constructor's arguments are theirs, keyword by keyword."""
    theirs = inspect.signature(pareta.Pareta).parameters
    ours = inspect.signature(cls).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    assert {ours[name].kind for name in theirs} == {inspect.Parameter.KEYWORD_ONLY}


def _parameters(client: Any, path: str) -> dict[str, Any]:
    """Return kind and default of each parameter of a method, those it gathers left out."""
    method: Any = client
    for name in path.split("."):
        method = method("ep_1") if name == "cost" else method
        method = getattr(method, name)
    gathered = inspect.Parameter.VAR_KEYWORD
    return {
        name: (parameter.kind, parameter.default)
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind is not gathered and name != "self"
    }
