"""`tasks`: the catalog of what models are benchmarked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import Colour, operation
from penstock.clients.pareta.objects import Leaderboard, Task, TaskMatch
from penstock.clients.pareta.resource import Options, ParetaResource, path_to, query

if TYPE_CHECKING:
    import builtins

_PATH = "/v1/tasks"


class Tasks(ParetaResource[Colour]):
    """`client.tasks`."""

    @operation
    async def list(self, *, request_options: Options = None) -> builtins.list[Task]:
        """List the tasks of the catalog.

        Args:
            request_options: See `penstock.RequestOptions`.

        Raises:
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._many(
            Task, _PATH, below="tasks", operation="tasks.list", request_options=request_options
        )

    @operation
    async def retrieve(
        self, task_id: str, *, examples_n: int | None = None, request_options: Options = None
    ) -> Task:
        """Return a task: its schema, how answers are scored, examples.

        Args:
            task_id: Its id.
            examples_n: How many examples to bring along; the server's choice unless given.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such task.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._one(
            Task,
            "GET",
            path_to(_PATH, task_id),
            operation="tasks.retrieve",
            request_options=request_options,
            **query(examples_n=examples_n),
        )

    @operation
    async def match(
        self, query: str, *, top_k: int = 5, request_options: Options = None
    ) -> TaskMatch:
        """Find the tasks that fit what is meant.

        Args:
            query: What is meant, in plain words.
            top_k: How many candidates to give.
            request_options: See `penstock.RequestOptions`.

        Returns:
            The match: `matched`, `chosen` (the best, or None) and `candidates`.

        Raises:
            ValueError: The query is blank.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        if not query or not query.strip():
            msg = "query is required and must not be blank"
            raise ValueError(msg)
        return await self._one(
            TaskMatch,
            "POST",
            f"{_PATH}/match",
            json={"query": query, "top_k": top_k},
            operation="tasks.match",
            request_options=request_options,
        )

    @operation
    async def leaderboard(self, task_id: str, *, request_options: Options = None) -> Leaderboard:
        """Rank the models of a task by quality and cost.

        Args:
            task_id: The task.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such task.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._ranked(task_id, "tasks.leaderboard", request_options)

    @operation
    async def recommended(self, task_id: str, *, request_options: Options = None) -> str | None:
        """Return the model that `endpoints.deploy(task=…)` takes unless told otherwise.

        Args:
            task_id: The task.
            request_options: See `penstock.RequestOptions`.

        Returns:
            The task's public alias for it, or None if none is recommended.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such task.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return (await self._ranked(task_id, "tasks.recommended", request_options)).recommended

    async def _ranked(self, task_id: str, name: str, request_options: Options) -> Leaderboard:
        return await self._one(
            Leaderboard,
            "GET",
            path_to(_PATH, task_id, "leaderboard"),
            operation=name,
            request_options=request_options,
        )
