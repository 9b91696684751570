"""What an error gives away: every text in it, and in the frames of ours it came through."""

from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path

import penstock
import penstock_middleware

OURS = {str(Path(module.__file__).parent) for module in (penstock, penstock_middleware)}
NAN, INF = float("nan"), float("inf")
SECRET = "hunter2-correct-horse"


def told(error: BaseException | None) -> str:
    """Return all the text an error can give away, down its causes and contexts."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        texts += traceback.format_exception(error)
        if isinstance(error, penstock.PenstockError):
            texts += [repr(pickle.dumps(error)), repr(copy.copy(error)), str(copy.deepcopy(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def told_by_our_frames(error: BaseException) -> str:
    """Return the locals of our own frames, as a traceback with locals would show them."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    return "\n".join(
        str(frame.locals)
        for frame in stack
        if frame.filename == "<string>" or any(map(frame.filename.startswith, OURS))
    )
