"""Pareta's catalog of tasks, and the endpoints that are deployed for them.

Refusals have Pareta's shape, `{"detail": …}`.
"""

from __future__ import annotations

import functools
import re
import threading
from typing import TYPE_CHECKING, Any

from penstock.demo.fields import whole_number
from penstock.demo.responses import APIError, DemoResponse, json_response, named_events
from penstock.demo.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.demo.requests import DemoRequest

OPEN_MODELS = ("demo-large", "demo-small")
FRONTIER_MODEL = "demo-frontier"

_TASKS = {
    "contract-kie": "Extract parties and terms from a contract",
    "invoice-kie": "Extract amounts from an invoice",
    "support-triage": "Route a support question to a team",
}
_EXAMPLES = 3
_METRICS: dict[str, dict[str, Any]] = {
    "performance": {"p50_ms": 120, "p95_ms": 310},
    "uptime": {"uptime": 1.0},
    "cost": {"total_cost_micro_usd": 0},
    "quality": {"quality_mean": 0.9},
    "activity": {"requests": 0},
}


def detailed(handler: Callable[..., DemoResponse]) -> Callable[..., DemoResponse]:
    """Make a handler refuse in Pareta's shape."""

    @functools.wraps(handler)
    def answer(*args: Any) -> DemoResponse:
        try:
            return handler(*args)
        except APIError as refusal:
            return json_response({"detail": refusal.message}, status=refusal.status)

    return answer


def known_task(task_id: str) -> str:
    """Give the id of a task, or raise `APIError` 404 when there is none of that id."""
    if task_id not in _TASKS:
        raise APIError(404, f"There is no task {task_id}")
    return task_id


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower()))


def _task(task_id: str) -> dict[str, Any]:
    return {
        "id": task_id,
        "description": _TASKS[task_id],
        "default_scorer": "exact_match",
        "has_blob_input": task_id.endswith("kie"),
    }


@detailed
def tasks(_request: DemoRequest) -> DemoResponse:
    """List the tasks."""
    return json_response({"tasks": [_task(task_id) for task_id in _TASKS]})


@detailed
def task(request: DemoRequest, task_id: str) -> DemoResponse:
    """Give a task, with as many examples as were asked for."""
    asked = request.param("examples_n") or "1"
    count = whole_number(asked, "examples_n", low=0, high=_EXAMPLES)
    examples = [{"input": f"Input {number}"} for number in range(1, count + 1)]
    return json_response({**_task(known_task(task_id)), "examples": examples})


@detailed
def match(request: DemoRequest) -> DemoResponse:
    """Find the tasks that share words with a query, those that share the most first."""
    fields = request.fields()
    query = fields.text("query")
    asked = _words(query)
    shared = {name: len(asked & _words(f"{name} {text}")) for name, text in _TASKS.items()}
    ranked = sorted((name for name in shared if shared[name]), key=lambda name: -shared[name])
    candidates = [
        {
            "task_id": name,
            "score": round(shared[name] / len(asked), 3),
            "confidence": "high" if 2 * shared[name] >= len(asked) else "low",
        }
        for name in ranked[: fields.count("top_k") or 5]
    ]
    return json_response(
        {
            "query": query,
            "matched": bool(candidates),
            "chosen": candidates[0] if candidates else None,
            "candidates": candidates,
            "ambiguous": len(ranked) > 1 and shared[ranked[0]] == shared[ranked[1]],
            "matcher": "words",
        }
    )


def _entry(name: str, kind: str, quality: float, cost: int) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "quality": quality,
        "cost_per_request_micro_usd": cost,
        "context_k": 128,
        "run_mode": "text",
    }


@detailed
def leaderboard(_request: DemoRequest, task_id: str) -> DemoResponse:
    """Rank the models of a task: the same ones for each."""
    large, small = OPEN_MODELS
    frontier = _entry(FRONTIER_MODEL, "frontier", 0.95, 4000)
    return json_response(
        {
            "task_id": known_task(task_id),
            "metric": "accuracy",
            "cost_unit": "micro_usd",
            "recommended": large,
            "models": [_entry(large, "open", 0.93, 400), _entry(small, "open", 0.88, 100)],
            "frontier": frontier,
        }
    )


class Endpoints:
    """What is deployed on one server; nothing at first."""

    def __init__(self) -> None:
        self._endpoints: dict[str, dict[str, Any]] = {}
        self._made = 0
        self._lock = threading.Lock()

    def routes(self) -> tuple[Route, ...]:
        """Give the routes to what is deployed, and to the catalog."""
        return (
            Route("GET", "/v1/tasks", tasks),
            Route("POST", "/v1/tasks/match", match),
            Route("GET", "/v1/tasks/{id}", task),
            Route("GET", "/v1/tasks/{id}/leaderboard", leaderboard),
            Route("GET", "/v1/endpoints", detailed(self._every)),
            Route("POST", "/v1/endpoints", detailed(self._deploy)),
            Route("GET", "/v1/endpoints/{id}", detailed(self._retrieve)),
            Route("DELETE", "/v1/endpoints/{id}", detailed(self._delete)),
            Route("POST", "/v1/endpoints/{id}/{verb}", detailed(self._switch)),
            Route("GET", "/v1/endpoints/{id}/{dimension}", detailed(self._metric)),
        )

    def _known(self, endpoint_id: str) -> dict[str, Any]:
        if endpoint_id not in self._endpoints:
            raise APIError(404, f"There is no endpoint {endpoint_id}")
        return self._endpoints[endpoint_id]

    def _every(self, _request: DemoRequest) -> DemoResponse:
        with self._lock:
            return json_response(list(self._endpoints.values()))

    def _deploy(self, request: DemoRequest) -> DemoResponse:
        """Deploy a model, told as two `progress` events and `complete`, or `error`."""
        fields = request.fields()
        task_id = known_task(fields.text("task"))
        asked = fields.text("model") if "model" in fields.values else "recommended"
        model = OPEN_MODELS[0] if asked == "recommended" else asked
        if model not in OPEN_MODELS:
            return named_events([("error", {"message": f"{task_id} has no model {model}"})])
        name = fields.text("name") if "name" in fields.values else ""
        with self._lock:
            self._made += 1
            endpoint_id = f"ep_demo_{self._made}"
            endpoint = {
                "id": endpoint_id,
                "name": name or endpoint_id,
                "model": model,
                "taskName": task_id,
                "status": "live",
                "url": f"http://{request.headers.get('host') or 'localhost'}/v1",
            }
            self._endpoints[endpoint_id] = endpoint
            document = dict(endpoint)
        stages = [("progress", {"stage": stage}) for stage in ("pulling", "starting")]
        return named_events([*stages, ("complete", {"endpoint": document})])

    def _retrieve(self, _request: DemoRequest, endpoint_id: str) -> DemoResponse:
        with self._lock:
            return json_response(self._known(endpoint_id))

    def _delete(self, _request: DemoRequest, endpoint_id: str) -> DemoResponse:
        with self._lock:
            del self._endpoints[self._known(endpoint_id)["id"]]
        return DemoResponse(204)

    def _switch(self, _request: DemoRequest, endpoint_id: str, verb: str) -> DemoResponse:
        """Start or stop an endpoint; one that is so already is a conflict."""
        if verb not in {"start", "stop"}:
            raise APIError(404, f"An endpoint does not {verb}")
        status = "live" if verb == "start" else "stopped"
        with self._lock:
            endpoint = self._known(endpoint_id)
            if endpoint["status"] == status:
                raise APIError(409, f"{endpoint_id} is {status} already")
            endpoint["status"] = status
            return json_response(endpoint)

    def _metric(self, _request: DemoRequest, endpoint_id: str, dimension: str) -> DemoResponse:
        """Give a dimension of an endpoint's metrics: the same figures for each."""
        with self._lock:
            self._known(endpoint_id)
        if dimension not in _METRICS:
            raise APIError(404, f"Of an endpoint no {dimension} is measured")
        return json_response({"endpoint_id": endpoint_id, **_METRICS[dimension]})
