"""Penstock over a client of the caller's, driven through a case."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from penstock.testing.faults.driving import LONG, Ours

if TYPE_CHECKING:
    from penstock.testing.faults.case import Case
    from penstock.testing.faults.run import Run
    from penstock.testing.faults.server import FaultServer

FAMILIES = ("httpx", "httpx2")
"""The libraries whose clients a caller may have."""


class OverClient(Ours):
    """Drives Penstock with `http_client=`.

    Args:
        colour: `sync`, `asyncio` or `trio`.
        family: The library the caller's client is of.
    """

    def __init__(self, colour: str, family: str) -> None:
        super().__init__(colour, family)
        self.name = f"Penstock over a client of {family}, {colour}"

    def takes(self, case: Case) -> bool:
        """Tell whether *case* is not about redirects or the environment, which are the client's."""
        return super().takes(case) and case.group != "rd" and not case.ask.environ

    def _sending(self, server: FaultServer, run: Run) -> dict[str, Any]:
        http: Any = import_module(self._engine)
        given: dict[str, Any] = {"limits": http.Limits(max_connections=1), "timeout": LONG}
        if run.proxy is not None and not run.case.ask.environ:
            given["proxy"] = run.proxy
        if run.case.tls is not None:
            authority = server.certificates.authority
            given["verify"] = import_module("ssl").create_default_context(cafile=authority)
        made = http.AsyncClient if self._is_async else http.Client
        return {"http_client": made(**given)}

    async def _closed(self, client: Any) -> None:
        theirs = client._wire.client
        await super()._closed(client)
        if self._is_async:
            await theirs.aclose()
        else:
            theirs.close()
