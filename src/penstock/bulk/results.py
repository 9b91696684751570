"""BulkResult: what became of one of many requests; and the order in which they are handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.call import CALL, Call
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.messages import Response


@dataclass(frozen=True, slots=True, eq=False)
class BulkResult:
    """What became of one request: a response, or the error it failed with.

    Attributes:
        index: Its number among the requests, from 0.
        id: Its own id, or its number as text.
        request: What was given for it: a `BulkRequest`, a URL, or a request that was built.
        response: The response, its body read, or None.
        error: Why there is none, or None.
        restored: Whether it was not sent but found in the results file.
    """

    index: int
    id: str
    request: Any
    response: Response | None = None
    error: Exception | None = None
    restored: bool = False

    @property
    def attempts(self) -> int:
        """How many attempts were made for it: 0 if it was not sent."""
        if isinstance(self.error, PenstockError):
            return len(self.error.attempts)
        if self.response is None or self.restored:
            return 0
        call: Call = self.response.request.extensions[CALL]
        return len(call.attempts)

    def get(self) -> Response:
        """Return the response, or raise the error."""
        if self.error is not None:
            raise self.error
        assert self.response is not None
        return self.response


class Turns:
    """Hands results over in order, or as they come.

    Args:
        ordered: Whether each waits for those with a lower number.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._waiting: dict[int, BulkResult] = {}
        self._next = 0

    def put(self, result: BulkResult) -> None:
        """Take a result."""
        self._waiting[result.index] = result

    def take(self) -> BulkResult | None:
        """Return the one whose turn it is, or None if it has not come."""
        number = self._next if self._ordered else next(iter(self._waiting), None)
        result = None if number is None else self._waiting.pop(number, None)
        self._next += result is not None
        return result
