"""A middleware that gave something else than a response: who it may have been."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING

from penstock.errors import InvalidOption
from penstock.messages import Response

if TYPE_CHECKING:
    from penstock.stack import Stack

_OURS = frozenset({"penstock", "penstock_middleware"})


def stumbled_over_none(error: AttributeError) -> bool:
    """Tell whether one of our layers took None, or an unawaited coroutine, for a response."""
    if error.obj is not None and not inspect.iscoroutine(error.obj):
        return False
    frame = next(reversed(list(traceback.walk_tb(error.__traceback__))))[0]
    name = error.name or ""
    of_response = name in Response.__annotations__ or hasattr(Response, name)
    return of_response and _root(frame.f_globals.get("__name__")) in _OURS


def no_response(got: object, stack: Stack) -> InvalidOption:
    """Return the error for a stack in which a layer gave *got*; it names the layers not ours."""
    names = [
        getattr(layer, "__qualname__", type(layer).__name__)
        for layer in stack
        if _root(getattr(layer, "__module__", None)) not in _OURS
    ]
    if inspect.iscoroutine(got):
        got.close()
    who = " or ".join(names) or "a middleware"
    return InvalidOption(
        f"{who} gave {type(got).__name__} instead of a response: "
        "end with `return await call_next(request)`"
    )


def _root(module: str | None) -> str:
    return (module or "").partition(".")[0]
