"""`evals.runs`: starting evaluations, and waiting for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.clients.pareta import EvalRun, NotFoundError, ParetaError
from penstock.testing import Reply

from .pareta_support import Rig, parts_of

STARTED = {"run_id": "run_1", "status": "queued"}
ROSTER = {
    "frontier_models": [
        {"id": "big-1", "vendor": "acme", "vision": True, "benchmarked": True},
        {"id": "big-2"},
    ]
}


def state(status: str, **more: Any) -> dict[str, Any]:
    """Return what the server says of a run."""
    return {"run": {"id": "run_1", "status": status, **more}, "results": []}


def create(client: Any, **more: Any) -> Any:
    """Evaluate one model on a set that is there."""
    return client.evals.runs.create(**{"eval_set": "es_1", "models": ["qwen"], **more})


def test_a_run_on_a_set_is_one_request(colour: Any) -> None:
    """The run comes back with id and status, and the candidates are the models."""
    rig = Rig(colour, STARTED)
    run = rig.run(create)
    assert (run.id, run.status, run.is_terminal, run.results) == ("run_1", "queued", False, [])
    assert rig.sent == ["POST /v1/eval-runs"]
    assert rig.body() == {"eval_set_id": "es_1", "candidate_model_ids": ["qwen"]}


def test_a_set_is_made_of_rows_first(colour: Any) -> None:
    """With task and rows a set is made, and evaluated on."""
    rig = Rig(colour, {"eval_set": {"id": "es_9"}}, STARTED)
    given = {"eval_set": None, "task": "t1", "items": [{"a": 1}], "name": "mine"}
    rig.run(lambda client: create(client, **given))
    assert rig.sent == ["POST /v1/eval-sets", "POST /v1/eval-runs"]
    assert parts_of(rig.script)["name"][2] == b"mine"
    assert rig.body(1)["eval_set_id"] == "es_9"


@pytest.mark.parametrize(
    ("frontier", "candidates"),
    [
        (None, ["qwen"]),
        ("none", ["qwen"]),
        ([], ["qwen"]),
        (["big-2"], ["qwen", "big-2"]),
        (("big-1",), ["qwen", "big-1"]),
        ("all", ["qwen", "big-1", "big-2"]),
        ("benchmarked", ["qwen", "big-1"]),
    ],
)
def test_the_frontier_is_named_or_chosen(frontier: Any, candidates: list[str], colour: Any) -> None:
    """Vendors' models are ids, all of the task's, or those benchmarked on it."""
    rig = Rig(
        colour, *([ROSTER] if isinstance(frontier, str) and frontier != "none" else []), STARTED
    )
    rig.run(lambda client: create(client, frontier=frontier, task="t1"))
    assert rig.body(-1)["candidate_model_ids"] == candidates
    if len(rig.sent) == 2:
        assert rig.sent[0] == "GET /v1/eval/frontier-models?task=t1"


def test_the_task_of_the_set_chooses_the_frontier(colour: Any) -> None:
    """Without a task, that of the set is looked up; without one there, nothing is started."""
    rig = Rig(colour, {"eval_set": {"id": "es_1", "task_id": "t7"}}, ROSTER, STARTED)
    rig.run(lambda client: create(client, frontier="all", models=None))
    assert rig.sent == [
        "GET /v1/eval-sets/es_1",
        "GET /v1/eval/frontier-models?task=t7",
        "POST /v1/eval-runs",
    ]
    rig = Rig(colour, {"eval_set": {"id": "es_1"}})
    with pytest.raises(ValueError, match="needs a task"):
        rig.run(lambda client: create(client, frontier="all"))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"models": []}, ValueError),
        ({"models": None}, ValueError),
        ({"models": "qwen"}, TypeError),
        ({"frontier": "some"}, ValueError),
        ({"frontier": 3}, TypeError),
        ({"eval_set": None}, ValueError),
        ({"eval_set": None, "task": "t1"}, ValueError),
        ({"eval_set": None, "items": [{}]}, ValueError),
        ({"eval_set": None, "task": "t1", "items": []}, ValueError),
        ({"eval_set": None, "task": "t1", "items": [{}], "models": []}, ValueError),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_sent(
    given: Any, error: type[Exception], colour: Any
) -> None:
    """No set is made for a run that cannot be started."""
    rig = Rig(colour)
    with pytest.raises(error):
        rig.run(lambda client: create(client, **given))
    assert rig.sent == []


def test_a_keyword_that_stands_for_nobody_starts_nothing(colour: Any) -> None:
    """A run needs at least one candidate."""
    rig = Rig(colour, {"frontier_models": [{"id": "big-2"}]})
    with pytest.raises(ValueError, match="gives none"):
        rig.run(lambda client: create(client, models=[], frontier="benchmarked", task="t1"))


def test_a_run_without_an_id_is_an_error(colour: Any) -> None:
    """An answer that does not say which run was started is a `ParetaError`."""
    assert Rig(colour, {}).error(create).message == "the body has no run_id"


def test_a_run_knows_its_results_and_what_it_cost(colour: Any) -> None:
    """A run reads through its envelope."""
    answer = {
        "run": {
            "id": "run_1",
            "eval_set_id": "es_1",
            "status": "failed",
            "candidate_model_ids": ["qwen"],
            "error_detail": "no rows",
            "total_cost_micro_usd": 1_239_999,
        },
        "results": [
            {
                "model_id": "qwen",
                "kind": "open",
                "quality_mean": 0.9,
                "quality_ci_low": 0.8,
                "quality_ci_high": 0.95,
                "mean_cost_micro_usd": 12,
                "n_succeeded": 9,
                "error_count": 1,
            }
        ],
    }
    rig = Rig(colour, answer)
    run = rig.run(lambda client: client.evals.runs.retrieve("run_1"))
    assert rig.sent == ["GET /v1/eval-runs/run_1"]
    assert (run.id, run.eval_set_id, run.status, run.is_terminal) == (
        "run_1",
        "es_1",
        "failed",
        True,
    )
    assert (run.candidate_models, run.error_detail) == (["qwen"], "no rows")
    assert (run.cost, run.cost_micro_usd) == (Decimal("1.23"), 1_239_999)
    result = run.results[0]
    assert {name: getattr(result, name) for name in result} == answer["results"][0]
    assert run["run"]["status"] == "failed"


@pytest.mark.parametrize(
    ("micro", "dollars"),
    [
        (None, "0.00"),
        (0, "0.00"),
        (5, "0.00"),
        (9_999, "0.00"),
        (10_000, "0.01"),
        (999_999, "0.99"),
        (1_000_000, "1.00"),
        (10**15 + 1, "1000000000.00"),
    ],
)
def test_costs_are_rounded_down_to_cents(micro: int | None, dollars: str) -> None:
    """`cost` never overstates a charge, and always has its cents."""
    run = EvalRun(state("completed", total_cost_micro_usd=micro))
    assert (str(run.cost), run.cost_micro_usd) == (dollars, micro or 0)
    assert EvalRun({}).cost_micro_usd == 0


def test_waiting_looks_again_until_the_run_is_over(colour: Any) -> None:
    """A run is looked at every `poll_interval` seconds, and the last look is returned."""
    rig = Rig(colour, STARTED, state("queued"), state("running"), state("completed"))
    run = rig.run(lambda client: create(client, wait=True))
    assert (run.status, rig.clock.sleeps) == ("completed", [3.0, 3.0])
    assert rig.sent == ["POST /v1/eval-runs", *["GET /v1/eval-runs/run_1"] * 3]
    rig = Rig(colour, state("running"), state("failed"))
    waited = rig.run(lambda client: client.evals.runs.wait("run_1", poll_interval=0.5))
    assert (waited.status, rig.clock.sleeps) == ("failed", [0.5])


@pytest.mark.parametrize(
    ("timeout", "sleeps"), [(900.0, [3.0] * 300), (10.0, [3.0, 3.0, 3.0, 1.0]), (0.0, [])]
)
def test_waiting_has_a_deadline_of_its_own(
    timeout: float, sleeps: list[float], colour: Any
) -> None:
    """After `timeout` seconds waiting is an error, with one last look at the very end."""
    rig = Rig(colour, state("running"), forever=True)
    error = rig.error(lambda client: client.evals.runs.wait("run_1", timeout=timeout))
    assert (type(error), error.message) == (
        ParetaError,
        f"eval run run_1 did not finish within {timeout:.0f}s",
    )
    assert (rig.clock.sleeps, len(rig.sent)) == (sleeps, len(sleeps) + 1)


def test_the_time_of_the_looks_counts(colour: Any) -> None:
    """The deadline is a wall clock's: slow answers use it up like sleeps."""
    rig = Rig(colour, Reply(json=state("running"), delay=40.0), forever=True)
    rig.error(lambda client: client.evals.runs.wait("run_1", timeout=100.0))
    assert (len(rig.sent), rig.clock.sleeps) == (3, [3.0, 3.0])


def test_a_look_is_tried_again_like_any_request(colour: Any) -> None:
    """A transient failure of one look does not end the wait; a refusal does."""
    rig = Rig(colour, state("running"), 503, state("completed"))
    assert rig.run(lambda client: client.evals.runs.wait("run_1")).status == "completed"
    rig = Rig(colour, state("running"), Reply(404, json={"detail": "gone"}))
    assert type(rig.error(lambda client: client.evals.runs.wait("run_1"))) is NotFoundError


def test_progress_is_shown_after_every_look(colour: Any) -> None:
    """The callback gets the run each time, in an async client awaited if it is async."""
    seen: list[str | None] = []

    def show(run: EvalRun) -> None:
        seen.append(run.status)

    async def show_async(run: EvalRun) -> None:
        seen.append(run.status)

    for callback in (show, show_async) if colour.is_async else (show,):
        seen.clear()
        rig = Rig(colour, STARTED, state("queued"), state("running"), state("completed"))
        rig.run(lambda client, cb=callback: create(client, wait=True, on_progress=cb))
        assert seen == ["queued", "running", "completed"]


def test_raw_gives_the_last_response(colour: Any) -> None:
    """Of several requests, `with_raw_response` gives the last one's response."""
    rig = Rig(colour, STARTED, Reply(json=state("completed"), headers={"X-Last": "1"}))
    raw = rig.run(lambda client: create(client.with_raw_response, wait=True))
    assert (raw.headers["x-last"], raw.parsed.status) == ("1", "completed")


def test_the_roster_may_be_of_a_task(colour: Any) -> None:
    """`frontier_models` gives all vendors' models, or those for a task."""
    rig = Rig(colour, ROSTER, ROSTER, {})
    models = rig.run(lambda client: client.evals.frontier_models())
    assert [(m.id, m.vendor, m.vision, m.benchmarked) for m in models] == [
        ("big-1", "acme", True, True),
        ("big-2", None, False, False),
    ]
    rig.run(lambda client: client.evals.frontier_models("t 1"))
    assert rig.run(lambda client: client.evals.frontier_models(task="")) == []
    path = "GET /v1/eval/frontier-models"
    assert rig.sent == [path, f"{path}?task=t+1", path]
