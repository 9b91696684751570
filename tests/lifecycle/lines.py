"""KeyboardInterrupt at every line of our own files: counted, not sampled."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import penstock
import penstock_middleware

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OURS = tuple(str(Path(package.__file__).parent) for package in (penstock, penstock_middleware))


class Interruption:
    """Raises KeyboardInterrupt at the *at*-th line of ours that this thread comes to.

    A real one arrives between two instructions of whatever runs. The interpreter looks for it at
    fewer places than the lines are, so that every line is more than a user's Ctrl-C can hit.

    Args:
        at: Which line, counted from 0.

    Attributes:
        where: The file and line it struck at, or None.
    """

    def __init__(self, at: int) -> None:
        self._left = at
        self.where: str | None = None

    def strike(self, call: Callable[[], Any]) -> Any:
        """Run *call*, interrupted; return its result, or None if the interruption came out."""
        usual = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return call()
        except KeyboardInterrupt:
            return None
        finally:
            sys.settrace(usual)

    def _enter(self, frame: FrameType, event: str, arg: object) -> Any:
        ours = frame.f_code.co_filename.startswith(OURS)
        return self._line if ours and self.where is None else None

    def _line(self, frame: FrameType, event: str, arg: object) -> Any:
        if event != "line" or self.where is not None:
            return self._line
        if self._left == 0:
            self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            raise KeyboardInterrupt
        self._left -= 1
        return self._line


def from_another_thread(call: Callable[[], Any], seconds: float) -> Any:
    """Return what *call* returns on another thread, or its error; None if it hangs."""
    outcome: list[Any] = [None]

    def run() -> None:
        try:
            outcome[0] = call()
        except Exception as error:  # noqa: BLE001 - compared by the test
            outcome[0] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0]
