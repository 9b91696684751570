"""`evals`: models evaluated on rows of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import Colour, operation
from penstock.clients.pareta.eval_runs import EvalRuns
from penstock.clients.pareta.eval_sets import EvalSets
from penstock.clients.pareta.frontier import Roster
from penstock.clients.pareta.resource import Options, ParetaResource

if TYPE_CHECKING:
    from penstock.clients.pareta.eval_objects import FrontierModel


class Evals(ParetaResource[Colour]):
    """`client.evals`."""

    @property
    def sets(self) -> EvalSets[Colour]:
        """Rows to evaluate models on."""
        return self._sub(EvalSets)

    @property
    def runs(self) -> EvalRuns[Colour]:
        """Evaluations."""
        return self._sub(EvalRuns)

    @operation
    async def frontier_models(
        self, task: str | None = None, *, request_options: Options = None
    ) -> list[FrontierModel]:
        """List the vendors' models there are to evaluate against.

        Args:
            task: The task; with it each says whether it is `benchmarked`, and those that cannot
                read the task's inputs are left out.
            request_options: See `penstock.RequestOptions`.

        Raises:
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._sub(Roster).fetch(task, request_options)
