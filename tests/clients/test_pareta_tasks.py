"""`tasks`: the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.clients.pareta import Leaderboard, TaskMatch

from .pareta_support import Rig

BOARD = {
    "task_id": "t1",
    "metric": "f1",
    "cost_unit": "micro_usd",
    "recommended": "qwen-vl-2",
    "models": [{"name": "qwen-vl-2", "kind": "open", "quality": 0.9, "run_mode": "batch"}],
    "frontier": {"name": "big-1", "cost_per_request_micro_usd": 900, "context_k": 128},
}


def test_the_catalog_is_listed(colour: Any) -> None:
    """The tasks come out of their envelope as a plain list."""
    rig = Rig(colour, {"tasks": [{"id": "t1", "has_blob_input": True}, {"id": "t2"}]}, {})
    tasks = rig.run(lambda client: client.tasks.list())
    assert [(t.id, t.has_blob_input, t.default_scorer) for t in tasks] == [
        ("t1", True, None),
        ("t2", False, None),
    ]
    assert rig.run(lambda client: client.tasks.list()) == []
    assert rig.sent == ["GET /v1/tasks"] * 2


def test_a_task_comes_with_as_many_examples_as_asked_for(colour: Any) -> None:
    """`examples_n` is a query parameter, 0 too, and is left out unless given."""
    rig = Rig(colour, *[{"id": "t1", "default_scorer": "f1"}] * 3)
    assert rig.run(lambda client: client.tasks.retrieve("t1")).default_scorer == "f1"
    rig.run(lambda client: client.tasks.retrieve("t1", examples_n=3))
    rig.run(lambda client: client.tasks.retrieve("t1", examples_n=0))
    path = "GET /v1/tasks/t1"
    assert rig.sent == [path, f"{path}?examples_n=3", f"{path}?examples_n=0"]


def test_what_is_meant_finds_tasks(colour: Any) -> None:
    """A match has what was chosen and what else would fit."""
    found = {
        "query": "invoices",
        "matched": True,
        "chosen": {"task_id": "t1", "score": 0.9, "confidence": "high"},
        "candidates": [{"task_id": "t1"}, {"task_id": "t2"}],
        "matcher": "embedding",
    }
    rig = Rig(colour, found, {"matched": False})
    match = rig.run(lambda client: client.tasks.match("invoices"))
    assert isinstance(match, TaskMatch)
    assert (match.matched, match.ambiguous, match.query, match.matcher) == (
        True,
        False,
        "invoices",
        "embedding",
    )
    assert (match.chosen.task_id, match.chosen.score, match.chosen.confidence) == (
        "t1",
        0.9,
        "high",
    )
    assert [candidate.task_id for candidate in match.candidates] == ["t1", "t2"]
    none = rig.run(lambda client: client.tasks.match("weather", top_k=1))
    assert (none.matched, none.chosen, none.candidates) == (False, None, [])
    assert rig.sent == ["POST /v1/tasks/match"] * 2
    assert [rig.body(0), rig.body(1)] == [
        {"query": "invoices", "top_k": 5},
        {"query": "weather", "top_k": 1},
    ]


@pytest.mark.parametrize("query", ["", "  \n"])
def test_something_must_be_meant(query: str, colour: Any) -> None:
    """A blank query is a ValueError before anything is sent."""
    rig = Rig(colour)
    with pytest.raises(ValueError, match="query is required"):
        rig.run(lambda client: client.tasks.match(query))
    assert rig.sent == []


def test_models_are_ranked(colour: Any) -> None:
    """A leaderboard has models, the recommended one and the frontier to compare with."""
    rig = Rig(colour, BOARD, BOARD, {})
    board = rig.run(lambda client: client.tasks.leaderboard("t1"))
    assert isinstance(board, Leaderboard)
    assert (board.task_id, board.metric, board.cost_unit) == ("t1", "f1", "micro_usd")
    assert [(m.name, m.kind, m.quality, m.run_mode) for m in board.models] == [
        ("qwen-vl-2", "open", 0.9, "batch")
    ]
    assert (board.frontier.cost_per_request_micro_usd, board.frontier.context_k) == (900, 128)
    assert rig.run(lambda client: client.tasks.recommended("t1")) == "qwen-vl-2"
    assert rig.run(lambda client: client.tasks.recommended("t1")) is None
    assert rig.sent == ["GET /v1/tasks/t1/leaderboard"] * 3
    assert (Leaderboard({}).models, Leaderboard({}).frontier) == ([], None)
