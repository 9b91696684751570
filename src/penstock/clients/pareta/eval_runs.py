"""`evals.runs`: models evaluated on rows of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock import Colour, operation
from penstock.clients.pareta.errors import ParetaError
from penstock.clients.pareta.eval_objects import EvalRun
from penstock.clients.pareta.eval_sets import EvalSets, Rows
from penstock.clients.pareta.frontier import Frontier, Roster, chosen
from penstock.clients.pareta.resource import Options, ParetaResource, path_to

_PATH = "/v1/eval-runs"
Progress = Callable[[EvalRun], Any]
"""What is called with a run each time it was looked at; in an async client it may be async."""


class EvalRuns(ParetaResource[Colour]):
    """`client.evals.runs`."""

    @operation
    async def create(
        self,
        *,
        eval_set: str | None = None,
        task: str | None = None,
        items: Rows | None = None,
        models: Sequence[str] | None,
        frontier: Frontier = None,
        name: str | None = None,
        wait: bool = False,
        poll_interval: float = 3.0,
        timeout: float = 900.0,
        on_progress: Progress | None = None,
        request_options: Options = None,
    ) -> EvalRun:
        """Evaluate models. What they compute is charged to the organization's balance.

        Args:
            eval_set: The id of the set to evaluate on; or else
            task: and
            items: the rows to make one of.
            models: The open models, by the task's public aliases.
            frontier: The vendors' models: their ids, `all` of the task, or those that are
                `benchmarked` on it.
            name: What to call a set that is made.
            wait: Whether to return when the run is over.
            poll_interval: Seconds between two looks at it; with *wait*, as the rest.
            timeout: Seconds to wait in all.
            on_progress: Called with the run each time it was looked at.
            request_options: For each of the requests; see `penstock.RequestOptions`.

        Returns:
            The run: as it ended with *wait*, else with its `id` and `status` alone.

        Raises:
            ValueError: There are no models, or neither a set nor task and rows.
            TypeError: *models* is one string, or *frontier* is of another type.
            InsufficientCreditsError: The balance is used up.
            ParetaError: The run is not over after *timeout* seconds; it goes on.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        ids: Sequence[str]
        ids, keyword = chosen(frontier)
        if isinstance(models, str):
            msg = f"models must be a list of ids: [{models!r}]"
            raise TypeError(msg)
        if not (models or ids or keyword):
            msg = "models is required: the ids of the models to evaluate"
            raise ValueError(msg)
        sets = self._sub(EvalSets)
        if eval_set is None:
            if not task or items is None:
                msg = "pass eval_set=…, or task=… and items=… to make one"
                raise ValueError(msg)
            eval_set = (await sets._make(task, items, name, request_options)).id
        if keyword:
            task = task or (await sets._look_up(eval_set or "", request_options)).task_id
            ids = await self._sub(Roster).ids(keyword, task, request_options)
        candidates = [*(models or ()), *ids]
        if not candidates:
            msg = f"models is required: frontier={keyword!r} gives none for this task"
            raise ValueError(msg)
        started = await self._with_fields(
            "run_id",
            method="POST",
            path=_PATH,
            json={"eval_set_id": eval_set, "candidate_model_ids": candidates},
            operation="evals.runs.create",
            request_options=request_options,
        )
        run_id = started["run_id"]
        if wait:
            return await self._await(run_id, poll_interval, timeout, on_progress, request_options)
        return EvalRun({"run": {"id": run_id, "status": started.get("status")}})

    @operation
    async def retrieve(self, run_id: str, *, request_options: Options = None) -> EvalRun:
        """Return a run, with its results as far as they are known.

        Args:
            run_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such run.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._look_at(run_id, request_options)

    @operation
    async def wait(
        self,
        run_id: str,
        *,
        poll_interval: float = 3.0,
        timeout: float = 900.0,
        on_progress: Progress | None = None,
        request_options: Options = None,
    ) -> EvalRun:
        """Wait until a run is over.

        Args:
            run_id: Its id.
            poll_interval: Seconds between two looks at it.
            timeout: Seconds to wait in all. A look that is under way then is let finish, by the
                client's own limits.
            on_progress: Called with the run each time it was looked at.
            request_options: For each look; see `penstock.RequestOptions`.

        Returns:
            The run as it ended; `status` says whether it `completed` or `failed`.

        Raises:
            ValueError: The id is empty.
            ParetaError: It is not over after *timeout* seconds; it goes on.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._await(run_id, poll_interval, timeout, on_progress, request_options)

    async def _await(
        self,
        run_id: str,
        poll_interval: float,
        timeout: float,
        on_progress: Progress | None,
        request_options: Options,
    ) -> EvalRun:
        runtime = self.runtime
        ends = runtime.now() + timeout
        while True:
            run = await self._look_at(run_id, request_options)
            if on_progress is not None:
                answer = on_progress(run)
                if inspect.isawaitable(answer):
                    await answer
            if run.is_terminal:
                return run
            left = ends - runtime.now()
            if left <= 0:
                msg = f"eval run {run_id} did not finish within {timeout:.0f}s"
                raise ParetaError(msg)
            await runtime.sleep(min(poll_interval, left))

    async def _look_at(self, run_id: str, request_options: Options) -> EvalRun:
        return await self._one(
            EvalRun,
            "GET",
            path_to(_PATH, run_id),
            operation="evals.runs.retrieve",
            request_options=request_options,
        )
