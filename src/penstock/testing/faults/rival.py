"""Any other client, driven through the same cases in a thread that it may be left in."""

from __future__ import annotations

import contextlib
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from penstock.testing.faults.driving import LONG, SHORT, ended_if_it_hangs, environment
from penstock.testing.faults.judging import PATIENCE
from penstock.testing.faults.outcome import LogText, Outcome, shown_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.testing.faults.case import Ask, Case
    from penstock.testing.faults.run import Run
    from penstock.testing.faults.server import FaultServer

FIRST_ERROR = 400  # RFC 9110 §15
DONE = "[DONE]"
"""The data that ends a stream of events, by OpenAI's convention."""


class Rival:
    """Drives a client that is not ours, in a thread, so that one that hangs can be left there.

    Attributes:
        name: The distribution.
        reads: What it can make of an answer by itself.
        typed: Whether it knows what an answer should look like.
        socks: The package it needs for a SOCKS proxy.
    """

    name = ""
    reads: ClassVar[frozenset[str]] = frozenset({"json", "bytes"})
    typed: ClassVar[bool] = False
    socks: ClassVar[str] = "socksio"

    @classmethod
    def is_installed(cls) -> bool:
        """Tell whether the distribution is there."""
        return find_spec(cls.name) is not None

    def takes(self, case: Case) -> bool:
        """Tell whether *case* presumes nothing that this client does not claim to do."""
        if case.proxy_scheme == "socks5" and find_spec(self.socks) is None:
            return False
        return case.ask.read in self.reads and (self.typed or not case.ask.typed)

    def meet(self, server: FaultServer, run: Run) -> Outcome:
        """Have a new client meet the case of *run*, and return what came of it.

        Args:
            server: The server.
            run: A run that has begun.
        """
        outcome, errors = Outcome(), self.errors  # imports the library, which takes its time
        with (
            ended_if_it_hangs(run, outcome),
            LogText() as log,
            environment(run),
            _no_sleeps(outcome.waits),
        ):
            thread = threading.Thread(target=self._whole, args=(server, run, outcome), daemon=True)
            thread.start()
            thread.join(3 * PATIENCE)
        if outcome.error is not None:
            outcome.typed = isinstance(outcome.error, errors)
            outcome.shown = shown_by(outcome.error, log)
        return outcome

    def _whole(self, server: FaultServer, run: Run, outcome: Outcome) -> None:
        started = time.monotonic()
        try:
            client = self.client(server, run)
        except Exception as error:  # noqa: BLE001 - that is what is looked at
            outcome.error, outcome.good = error, run.answer
            return
        with contextlib.closing(client):
            if run.case.ask.warm:
                outcome.good = self._good(client, run)
                run.rested.set()
                if run.case.idle is not None:
                    run.idled.wait(PATIENCE)
            started = time.monotonic()
            try:
                outcome.value = self.ask(client, run)
            except BaseException as error:  # noqa: BLE001 - as above; a RecursionError too
                outcome.error = error
            outcome.seconds = time.monotonic() - started
            run.heal()
            outcome.good = self._good(client, run)

    def _good(self, client: Any, run: Run) -> Any:
        try:
            return self.send(client, "GET", run.good_url, {}, None, LONG).json()
        except Exception as error:  # noqa: BLE001 - that is what is looked at
            return error

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """The classes of what it says it raises."""
        raise NotImplementedError

    def client(self, server: FaultServer, run: Run) -> Any:
        """Return a client for *run*."""
        raise NotImplementedError

    def send(
        self,
        client: Any,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Any:
        """Send a request and return the response."""
        raise NotImplementedError

    def ask(self, client: Any, run: Run) -> Any:
        """Make the call of a case and return what it gives."""
        ask = run.case.ask
        timeout = SHORT if ask.slow else LONG
        response = self.send(client, ask.method, run.url, given_headers(ask), ask.body, timeout)
        if response.status_code >= FIRST_ERROR:
            response.raise_for_status()
        return response.content if ask.read == "bytes" else response.json()


@contextlib.contextmanager
def _no_sleeps(waits: list[float]) -> Iterator[None]:
    """Have `time.sleep` note how long it was to be, and return."""
    with patch.object(time, "sleep", waits.append):
        yield


def given_headers(ask: Ask) -> dict[str, str]:
    """Return the headers of a call, its idempotency key among them."""
    key = {} if ask.key is None else {"Idempotency-Key": ask.key}
    return {**ask.headers, **key}
