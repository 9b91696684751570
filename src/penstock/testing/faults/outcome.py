"""What came of a call: what it gave or raised, and what was left behind."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from penstock.testing.faults.listener import THREADS
from penstock.testing.faults.proxying import BASIC
from penstock.testing.faults.run import PROXY_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-faults-5f1e9c0a7b3d"
OTHER_KEY = "xk-faults-81d2e4f6a0c9"
COOKIE = "cookie-of-this-origin"
SECRETS = (KEY, OTHER_KEY, COOKIE, PROXY_PASSWORD, BASIC.removeprefix("Basic "))
"""What the drivers' clients must not show, and not send to strangers."""

_LONG = 65_536  # of a body of megabytes the beginning will do


@dataclass
class Outcome:
    """What came of one call.

    Attributes:
        value: What it gave, or None.
        error: What it raised, or None.
        typed: Whether that is of the client's own classes.
        seconds: How long it took.
        waits: The waits between its attempts, in seconds.
        good: What the good call after it gave, or what that raised.
        shown: Where a secret was seen.
        left: Tasks, threads and connections that were left behind.
        hung: Whether it had to be ended from outside.
    """

    value: Any = None
    error: BaseException | None = None
    typed: bool = True
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    good: Any = None
    shown: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    hung: bool = False


class LogText(logging.Handler):
    """Gathers the text of all that is logged while it is in use, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's text."""
        self.lines.append(self.format(record))

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *exc: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)


def shown_by(error: BaseException, log: LogText) -> list[str]:
    """Return where a secret is to be seen: in what was raised, or in what was logged.

    Args:
        error: What a call raised.
        log: What was logged meanwhile.
    """
    return [place for place, text in _places(error, log) if any(one in text for one in SECRETS)]


def _places(error: BaseException, log: LogText) -> Iterator[tuple[str, str]]:
    yield "log", "\n".join(log.lines)
    yield "str", str(error)
    yield "repr", repr(error)
    yield "traceback", "".join(traceback.format_exception(error))
    yield "attributes", repr(_walk(error))
    yield "locals", repr(list(_locals(error)))
    try:
        yield "pickle", pickle.dumps(error).decode("latin-1")
    except Exception as unpicklable:  # noqa: BLE001 - whatever a class has against it
        yield "pickle", str(unpicklable)


def _walk(error: BaseException) -> list[object]:
    """Return the attributes of an error and of those it came from."""
    found: list[object] = []
    for one in _chain(error):
        found.append(vars(one))
        request = vars(one).get("_request") or vars(one).get("request")
        if request is not None:
            found.append(dict(getattr(request, "headers", None) or {}))
    return found


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _locals(error: BaseException) -> Iterator[str]:
    """Give the local variables of every frame that is not a driver's, as a debugger shows them."""
    for one in _chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            driver = frame.f_globals.get("__name__", "").startswith("penstock.testing.faults")
            if not driver and frame.f_code.co_name != "__init__":  # its arguments are the caller's
                for value in frame.f_locals.values():
                    yield _shown(value)


def _shown(value: object) -> str:
    try:
        return repr(value[:_LONG] if isinstance(value, (bytes, str)) else value)
    except Exception as error:  # noqa: BLE001 - a half-made object
        return repr(error)


def threads() -> set[threading.Thread]:
    """Return the threads that are not the server's, nor kept idle by an event loop."""
    idle = ("Trio thread", THREADS)
    return {one for one in threading.enumerate() if not one.name.startswith(idle)}


def threads_left(before: set[threading.Thread], patience: float = 0.5) -> list[str]:
    """Return the names of threads that were not there before, once they had time to end.

    Args:
        before: What `threads` gave.
        patience: Seconds they have.
    """
    late = time.monotonic() + patience
    while (left := threads() - before) and time.monotonic() < late:
        time.sleep(0.005)
    return [f"thread {one.name}" for one in left]


def tasks() -> int:
    """Return how many tasks live on the event loop that runs."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        import trio

        return trio.lowlevel.current_statistics().tasks_living
