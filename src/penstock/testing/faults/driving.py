"""Penstock's own clients, driven through a case: sync, on asyncio, on trio."""

from __future__ import annotations

import contextlib
import inspect
import os
import threading
import time
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, SupportsIndex

import anyio

import penstock
from penstock.clock import SystemClock
from penstock.stepping import run_now
from penstock.testing.faults.judging import PATIENCE
from penstock.testing.faults.outcome import (
    KEY,
    OTHER_KEY,
    LogText,
    Outcome,
    shown_by,
    tasks,
    threads,
    threads_left,
)
from penstock.transport.capabilities import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.testing.faults.case import Ask, Case
    from penstock.testing.faults.run import Run
    from penstock.testing.faults.server import FaultServer

SHORT, LONG = 0.25, 5.0
"""The timeouts of a client, in seconds: where time is what runs out, and where it is not."""

_DEADLINE = 0.5  # seconds: what ends a stream that never falls silent
_NOTICED = 0.02  # seconds: an event loop that was told of something has run by then
_VARIABLES = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("ssl_cert_file", "ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"),
)
"""What of an environment may lead a client elsewhere, or have it trust others."""


@dataclass
class Fits:
    """What a model wants."""

    ok: bool


class HastyClock(SystemClock):
    """Real time and chance, but for sleeps: they are noted, and taken for slept."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._skipped = 0.0

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic() + self._skipped

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self._skipped

    def sleep(self, seconds: SupportsIndex | float, /) -> None:
        """Take *seconds* for slept."""
        self.waits.append(float(seconds))
        self._skipped += float(seconds)

    async def asleep(self, seconds: float) -> None:
        """Take *seconds* for slept."""
        self.sleep(seconds)


@contextlib.contextmanager
def environment(run: Run) -> Iterator[None]:
    """Have the environment be what the case says, and name no proxies or authorities besides."""
    kept = dict(os.environ)
    for name in _VARIABLES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    places = run.places
    for name, value in run.case.ask.environ.items():
        for place, text in places.items():
            value = value.replace(f"{{{place}}}", text)  # noqa: PLW2901 - filled in step by step
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextlib.contextmanager
def ended_if_it_hangs(run: Run, outcome: Outcome) -> Iterator[None]:
    """Have the server leave a client that does not come back."""

    def end() -> None:
        if not run.healed:
            outcome.hung = True
            run.over.set()

    timer = threading.Timer(PATIENCE, end)
    timer.name = "penstock-faults-timer"
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Ours:
    """Drives Penstock.

    Args:
        colour: `sync`, `asyncio` or `trio`.
        engine: What to send with, as in `Client`.
    """

    def __init__(self, colour: str, engine: str = "pool") -> None:
        self.name = f"Penstock, {colour}" if engine == "pool" else f"Penstock on {engine}, {colour}"
        self._colour = colour
        self._engine = engine
        self._is_async = colour != "sync"

    def takes(self, case: Case) -> bool:
        """Tell whether the engine claims to do what *case* presumes."""
        is_async = self._is_async
        return case.proxy_scheme == "http" or TABLE["socks"].by(self._engine, is_async=is_async)

    def meet(self, server: FaultServer, run: Run) -> Outcome:
        """Have a new client meet the case of *run*, and return what came of it.

        Args:
            server: The server.
            run: A run that has begun.
        """
        outcome = Outcome()
        before = threads()
        whole = partial(self._whole, server, run, outcome)
        with ended_if_it_hangs(run, outcome), LogText() as log, environment(run):
            if self._is_async:
                anyio.run(whole, backend=self._colour)
            else:
                run_now(whole())
        if outcome.error is not None:
            outcome.typed = isinstance(outcome.error, penstock.PenstockError)
            outcome.shown = shown_by(outcome.error, log)
        outcome.left += threads_left(before)
        return outcome

    async def _whole(self, server: FaultServer, run: Run, outcome: Outcome) -> None:
        clock = HastyClock()
        before = tasks() if self._is_async else 0
        started = time.monotonic()
        try:
            client = self._client(server, run, clock)
        except penstock.PenstockError as error:
            outcome.error, outcome.good = error, run.answer
            return
        try:
            if run.case.ask.warm:
                await self._warm(client, run)
            started = time.monotonic()
            try:
                outcome.value = await self._ask(client, run)
            except Exception as error:  # noqa: BLE001 - that is what is looked at
                outcome.error = error
            outcome.seconds, outcome.waits = time.monotonic() - started, clock.waits
            run.heal()
            outcome.good = await self._good(client, run)
            outcome.left += self._held(client)
        finally:
            await self._closed(client)
        if self._is_async:
            await anyio.lowlevel.checkpoint()
            if (left := tasks() - before) > 0:
                outcome.left.append(f"{left} tasks")

    def _client(self, server: FaultServer, run: Run, clock: HastyClock) -> Any:
        ask = run.case.ask
        return (penstock.AsyncClient if self._is_async else penstock.Client)(
            run.origin,
            api_key=KEY,
            headers={"X-Api-Key": OTHER_KEY},
            timeout=SHORT if ask.slow else LONG,
            max_retries=ask.retries,
            clock=clock,
            **self._sending(server, run),
        )

    def _sending(self, server: FaultServer, run: Run) -> dict[str, Any]:
        """Return what the client is told of how to send."""
        given: dict[str, Any] = {"engine": self._engine}
        given["limits"] = penstock.Limits(
            max_connections=1,
            max_keepalive_connections=None if self._engine == "aiohttp" else 1,
        )
        if run.proxy is not None and not run.case.ask.environ:
            given["proxy"] = run.proxy
        if run.case.tls is not None:
            given["verify"] = server.certificates.authority
        return given

    def _held(self, client: Any) -> list[str]:
        """Return what *client* still has lent, where it can tell."""
        status = client.pool_status()
        return [f"{status.active} connections in use"] if status and status.active else []

    async def _closed(self, client: Any) -> None:
        await _done(client.aclose() if self._is_async else client.close())

    async def _warm(self, client: Any, run: Run) -> None:
        await _done(client.get(run.good_url, allow_absolute=True))
        run.rested.set()
        if run.case.idle is not None:
            run.idled.wait(PATIENCE)
            if self._is_async:
                await anyio.sleep(_NOTICED)

    async def _ask(self, client: Any, run: Run) -> Any:
        ask = run.case.ask
        if ask.read == "events":
            return await self._events(client, run, ask)
        response = await _done(client.request(ask.method, run.url, **_arguments(ask)))
        if ask.read == "bytes":
            return response.content
        if ask.read == "model":
            return asdict(penstock.parse(response, Fits))
        return response.json()

    async def _events(self, client: Any, run: Run, ask: Ask) -> list[Any]:
        arguments = _arguments(ask)
        if "max_event_bytes" in ask.limits:
            arguments["max_event_bytes"] = ask.limits["max_event_bytes"]
        if ask.slow:
            arguments["deadline"] = _DEADLINE
        got: list[Any] = []
        stream = client.stream_events(ask.method, run.url, **arguments)
        if self._is_async:
            async with stream:
                async for event in stream:
                    _gather(got, event)
        else:
            with stream:
                for event in stream:
                    _gather(got, event)
        return got

    async def _good(self, client: Any, run: Run) -> Any:
        try:
            response = await _done(client.get(run.good_url, allow_absolute=True, timeout=LONG))
            return response.json()
        except Exception as error:  # noqa: BLE001 - that is what is looked at
            return error


async def _done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def _gather(got: list[Any], event: Any) -> None:
    if not event.done:
        got.append(event.json())


_OPTIONS = {field.name for field in fields(penstock.RequestOptions)}


def _arguments(ask: Ask) -> dict[str, Any]:
    limits = {name: limit for name, limit in ask.limits.items() if name in _OPTIONS}
    arguments: dict[str, Any] = {"allow_absolute": True, "headers": ask.headers, **limits}
    if ask.body is not None:
        arguments["content"] = ask.body
    if ask.key is not None:
        arguments["idempotency_key"] = ask.key
    return arguments
