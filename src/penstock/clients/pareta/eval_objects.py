"""What comes back from evaluations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from penstock import Model

MICRO_USD_PER_CENT = 10_000


class EvalSet(Model):
    """Rows to evaluate models on.

    Attributes:
        id: Its id.
        task_id: The task they are of.
        name: Its name.
        item_count: How many rows it has.
        scoring_strategy: How answers are scored.
    """

    id: str | None
    task_id: str | None
    name: str | None
    item_count: int | None
    scoring_strategy: str | None


class EvalResult(Model):
    """How one model did in a run.

    Attributes:
        model_id: The task's public alias for it.
        kind: `open` or `frontier`.
        quality_mean: Its mean score.
        quality_ci_low: Where the confidence interval of the mean begins.
        quality_ci_high: Where it ends.
        mean_cost_micro_usd: What one row cost on average, in millionths of a dollar.
        n_succeeded: How many rows it answered.
        error_count: How many it did not.
    """

    model_id: str | None
    kind: str | None
    quality_mean: float | None
    quality_ci_low: float | None
    quality_ci_high: float | None
    mean_cost_micro_usd: int | None
    n_succeeded: int | None
    error_count: int | None


class FrontierModel(Model, absent={"vision": bool, "benchmarked": bool}):
    """A vendor's model to evaluate against.

    Attributes:
        id: Its id.
        vendor: Whose it is.
        vision: Whether it reads images.
        benchmarked: Whether it is on the task's leaderboard; said where a task was given.
    """

    id: str | None
    vendor: str | None
    vision: bool
    benchmarked: bool


class EvalRun(Model, absent={"run": dict, "results": list}):
    """A run: `{"run": {…}, "results": […]}`.

    Attributes:
        run: The run itself.
        results: How each model did, as far as it is known.
    """

    run: dict[str, Any]
    results: list[EvalResult]

    @property
    def id(self) -> str | None:
        """Its id."""
        return self.run.get("id")

    @property
    def eval_set_id(self) -> str | None:
        """The rows the models are evaluated on."""
        return self.run.get("eval_set_id")

    @property
    def status(self) -> str | None:
        """Where it stands: `completed` and `failed` are final."""
        return self.run.get("status")

    @property
    def is_terminal(self) -> bool:
        """Whether it is over."""
        return self.status in {"completed", "failed"}

    @property
    def candidate_models(self) -> list[str]:
        """The models it evaluates."""
        return list(self.run.get("candidate_model_ids") or ())

    @property
    def error_detail(self) -> str | None:
        """Why it failed."""
        return self.run.get("error_detail")

    @property
    def cost_micro_usd(self) -> int:
        """What was billed, in millionths of a dollar."""
        return int(self.run.get("total_cost_micro_usd") or 0)

    @property
    def cost(self) -> Decimal:
        """What was billed, in dollars, rounded down to whole cents."""
        return Decimal(self.cost_micro_usd // MICRO_USD_PER_CENT).scaleb(-2)
