"""The vendors' models there are to evaluate against, and how they are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from penstock import Colour
from penstock.clients.pareta.eval_objects import FrontierModel
from penstock.clients.pareta.resource import Options, ParetaResource, query

Frontier = Sequence[str] | Literal["all", "benchmarked", "none"] | None
"""Which of them to evaluate against: their ids, a keyword, or none."""

_KEYWORDS = ("all", "benchmarked", "none")


class Roster(ParetaResource[Colour]):
    """The vendors' models."""

    async def fetch(self, task: str | None, request_options: Options) -> list[FrontierModel]:
        """Return them; with a task, those that can read its inputs."""
        return await self._many(
            FrontierModel,
            "/v1/eval/frontier-models",
            below="frontier_models",
            operation="evals.frontier_models",
            request_options=request_options,
            **query(task=task or None),
        )

    async def ids(self, keyword: str, task: str | None, request_options: Options) -> list[str]:
        """Return the ids of those that *keyword* stands for.

        Raises:
            ValueError: There is no task.
        """
        if not task:
            msg = f"frontier={keyword!r} needs a task: pass task=…, or the models' ids"
            raise ValueError(msg)
        models = await self.fetch(task, request_options)
        return [m.id for m in models if m.id and (keyword == "all" or m.benchmarked)]


def chosen(frontier: Frontier) -> tuple[Sequence[str], str]:
    """Return the ids that were given, and the keyword that stands for others; or neither.

    Raises:
        TypeError: *frontier* is neither.
        ValueError: It is an unknown keyword.
    """
    if frontier is None or frontier == "none":
        return (), ""
    if isinstance(frontier, list | tuple):
        return frontier, ""
    known = f"use one of {', '.join(_KEYWORDS)}, or a list of ids"
    if not isinstance(frontier, str):
        msg = f"frontier cannot be {type(frontier).__name__}: {known}"
        raise TypeError(msg)
    if frontier not in _KEYWORDS:
        msg = f"unknown frontier keyword {frontier!r}: {known}"
        raise ValueError(msg)
    return (), frontier
