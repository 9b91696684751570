"""Where a warning points: at the code that called Penstock, or that made what it left open."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import FrameType

_PACKAGE = str(Path(__file__).parent)


def level_of_caller() -> int:
    """Return the stack level, seen from whoever calls this, of the first frame outside Penstock."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level


def line_of_caller() -> str:
    """Return the file and line of the first frame outside Penstock and the HTTP library."""
    below = {"contextlib", "httpx", "httpx2", "penstock", "penstock_middleware"}
    frame, _ = _outside(below, inspect.currentframe(), 0)
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def level_above_sdk() -> int:
    """Return the stack level, seen from whoever calls this, of the frame that called an SDK.

    From here outwards stand Penstock, the HTTP library, the SDK, which is whatever package called
    the library, and the application.
    """
    below = {"contextlib", "httpx", "httpx2", "penstock"}
    frame, level = _outside(below, inspect.currentframe(), 0)
    if frame is None:
        return level
    caller, above = _outside({*below, _package(frame)}, frame, level)
    return level if caller is None else above


def _outside(
    packages: Collection[str], frame: FrameType | None, level: int
) -> tuple[FrameType | None, int]:
    while frame is not None and _package(frame) in packages:
        frame, level = frame.f_back, level + 1
    return frame, level


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
