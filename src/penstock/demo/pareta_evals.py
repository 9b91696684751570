"""Pareta's evaluations: sets of rows, and runs on them that are over at the second look."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from typing import TYPE_CHECKING, Any

from penstock.demo.fields import whole_number
from penstock.demo.pareta_api import FRONTIER_MODEL, OPEN_MODELS, detailed, known_task
from penstock.demo.responses import APIError, DemoResponse, json_response
from penstock.demo.routing import Route
from penstock.demo.signed import signed_url

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

_MOST_ROWS = 100_000
_ROW_COST = 2_500  # millionths of a dollar that every model takes for a row


def multipart(request: DemoRequest) -> dict[str, bytes]:
    """Read a `multipart/form-data` body (RFC 7578).

    Returns:
        The bytes of each part, by name.

    Raises:
        APIError: 400, when the body is none.
    """
    kind = request.headers.get("content-type") or ""
    head = f"Content-Type: {kind}\r\n\r\n".encode("utf-8", "replace")
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise APIError(400, "The body must be multipart/form-data")
    parts = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            parts[name] = payload
    return parts


def _text(parts: dict[str, bytes], name: str) -> str:
    if name not in parts:
        raise APIError(422, f"The part '{name}' is missing")
    return parts[name].decode("utf-8", "replace")


def _rows(lines: str) -> int:
    """Count the rows of JSON Lines, or raise `APIError` 422 when one is no JSON object."""
    rows = [line for line in lines.splitlines() if line.strip()]
    for number, row in enumerate(rows, 1):
        try:
            fine = isinstance(json.loads(row), dict)
        except (ValueError, RecursionError):
            fine = False
        if not fine:
            raise APIError(422, f"Row {number} is not a JSON object")
    if not rows:
        raise APIError(422, "There are no rows")
    return len(rows)


@detailed
def frontier_models(request: DemoRequest) -> DemoResponse:
    """List the vendors' models; with a task, each says whether it is benchmarked on it."""
    task_id = request.param("task")
    models: list[dict[str, Any]] = [
        {"id": FRONTIER_MODEL, "vendor": "penstock", "vision": True},
        {"id": f"{FRONTIER_MODEL}-next", "vendor": "penstock", "vision": True},
    ]
    if task_id:
        known_task(task_id)
        models = [{**model, "benchmarked": model["id"] == FRONTIER_MODEL} for model in models]
    return json_response({"frontier_models": models})


def _result(model: str, rows: int) -> dict[str, Any]:
    quality = 0.9 if model in OPEN_MODELS else 0.95
    return {
        "model_id": model,
        "kind": "frontier" if model.startswith(FRONTIER_MODEL) else "open",
        "quality_mean": quality,
        "quality_ci_low": round(quality - 0.02, 2),
        "quality_ci_high": round(quality + 0.02, 2),
        "mean_cost_micro_usd": _ROW_COST,
        "n_succeeded": rows,
        "error_count": 0,
    }


class Evals:
    """The eval sets and runs of one server; none at first."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, Any]] = {}
        self._runs: dict[str, dict[str, Any]] = {}
        self._made = 0
        self._lock = threading.Lock()

    def routes(self) -> tuple[Route, ...]:
        """Give the routes to sets, runs and frontier models."""
        return (
            Route("GET", "/v1/eval-sets", detailed(self._every)),
            Route("POST", "/v1/eval-sets", detailed(self._create)),
            Route("GET", "/v1/eval-sets/{id}", detailed(self._retrieve)),
            Route("DELETE", "/v1/eval-sets/{id}", detailed(self._delete)),
            Route("POST", "/v1/eval-sets/{id}/attach-blob", detailed(self._attach)),
            Route("POST", "/v1/eval-sets/{id}/blob-upload-url", detailed(self._upload_url)),
            Route("POST", "/v1/eval-sets/{id}/blob-upload-complete", detailed(self._uploaded)),
            Route("POST", "/v1/eval-runs", detailed(self._start)),
            Route("GET", "/v1/eval-runs/{id}", detailed(self._look)),
            Route("GET", "/v1/eval/frontier-models", frontier_models),
        )

    def _known(self, set_id: str) -> dict[str, Any]:
        if set_id not in self._sets:
            raise APIError(404, f"There is no eval set {set_id}")
        return self._sets[set_id]

    def _every(self, _request: DemoRequest) -> DemoResponse:
        with self._lock:
            return json_response({"eval_sets": list(self._sets.values())})

    def _create(self, request: DemoRequest) -> DemoResponse:
        parts = multipart(request)
        task_id = known_task(_text(parts, "task_id"))
        rows = _rows(_text(parts, "items"))
        name = _text(parts, "name")
        with self._lock:
            self._made += 1
            set_id = f"es_demo_{self._made}"
            made = {
                "id": set_id,
                "task_id": task_id,
                "name": name,
                "item_count": rows,
                "scoring_strategy": "exact_match",
            }
            self._sets[set_id] = made
        return json_response({"eval_set": made}, status=201)

    def _retrieve(self, _request: DemoRequest, set_id: str) -> DemoResponse:
        with self._lock:
            return json_response({"eval_set": self._known(set_id)})

    def _delete(self, _request: DemoRequest, set_id: str) -> DemoResponse:
        with self._lock:
            del self._sets[self._known(set_id)["id"]]
        return DemoResponse(204)

    def _attach(self, request: DemoRequest, set_id: str) -> DemoResponse:
        """Take a document for a field of a row."""
        parts = multipart(request)
        with self._lock:
            self._known(set_id)
        row = whole_number(_text(parts, "idx"), "idx", low=0, high=_MOST_ROWS)
        field = _text(parts, "field_name")
        return json_response({"idx": row, "field_name": field, "size": len(parts.get("file", b""))})

    def _upload_url(self, request: DemoRequest, set_id: str) -> DemoResponse:
        """Give a signed URL to send a large document to."""
        with self._lock:
            self._known(set_id)
        name = f"{set_id}-{request.fields().text('field_name')}"
        return json_response(
            {"upload_url": signed_url(request, name), "storage_uri": f"demo://{name}"}
        )

    def _uploaded(self, request: DemoRequest, set_id: str) -> DemoResponse:
        """Take note of a large document that was sent."""
        with self._lock:
            self._known(set_id)
        fields = request.fields()
        return json_response({name: fields.text(name) for name in ("field_name", "storage_uri")})

    def _start(self, request: DemoRequest) -> DemoResponse:
        fields = request.fields()
        models = fields.texts("candidate_model_ids")
        with self._lock:
            set_id = self._known(fields.text("eval_set_id"))["id"]
            self._made += 1
            run_id = f"run_demo_{self._made}"
            self._runs[run_id] = {
                "id": run_id,
                "eval_set_id": set_id,
                "candidate_model_ids": models,
                "status": "queued",
                "rows": self._sets[set_id]["item_count"],
            }
        return json_response({"run_id": run_id, "status": "queued"}, status=201)

    def _look(self, _request: DemoRequest, run_id: str) -> DemoResponse:
        """Give a run: `running` at the first look, `completed` with its results from then on."""
        with self._lock:
            if run_id not in self._runs:
                raise APIError(404, f"There is no eval run {run_id}")
            run = self._runs[run_id]
            run["status"] = "running" if run["status"] == "queued" else "completed"
            document = dict(run)
        if document["status"] == "running":
            return json_response({"run": document, "results": []})
        rows, models = document["rows"], document["candidate_model_ids"]
        document["total_cost_micro_usd"] = _ROW_COST * rows * len(models)
        return json_response({"run": document, "results": [_result(name, rows) for name in models]})
