"""What both colours of `map` share: the numbered requests, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.bulk.recorder import Recorder, response_of
from penstock.bulk.requests import check_requests, id_of
from penstock.bulk.results import BulkResult
from penstock.checks import check_count
from penstock.errors import InvalidOption

if TYPE_CHECKING:
    import os

    from penstock.progress import Progress, Report


class Work:
    """One run over many requests.

    Args:
        client: What sends them.
        requests: The requests, in any iterable.
        concurrency: How many are under way at most.
        ordered: Whether results are handed over in the order of their requests.
        results: The results file, or None.
        progress: As `Client.map` takes it.

    Attributes:
        client: As given.
        requests: As given.
        concurrency: As given.
        ordered: As given.
        progress: As given.
        ahead: How many requests are taken from *requests* at most before their results were handed
            over: twice the concurrency, so that none waits while the reader is busy.
        total: How many requests there are, or None if *requests* does not tell.

    Raises:
        InvalidOption: *requests* is no iterable of requests, or *concurrency* not a whole number
            from 1 on.
    """

    def __init__(
        self,
        client: Any,
        requests: Any,
        *,
        concurrency: int,
        ordered: bool,
        results: str | os.PathLike[str] | None,
        progress: Progress,
    ) -> None:
        check_count("concurrency", concurrency, least=1)
        check_requests(requests)
        self.client = client
        self.requests = requests
        self.concurrency = concurrency
        self.ordered = ordered
        self.progress = progress
        self.ahead = 2 * concurrency
        self.total: int | None = len(requests) if hasattr(requests, "__len__") else None
        self._path = results
        self._recorder: Recorder | None = None
        self._ids: set[str] = set()
        self._done = 0

    def open(self) -> None:
        """Open the results file.

        Raises:
            InvalidOption: It holds something else, or somebody else writes to it.
            OSError: It cannot be read or written.
        """
        if self._path is not None:
            self._recorder = Recorder(self._path)

    def close(self) -> None:
        """Close the results file."""
        if self._recorder is not None:
            self._recorder.close()

    def known(self, index: int, item: Any) -> BulkResult | None:
        """Return the result of a request that need not, or must not, be sent; else None.

        Args:
            index: Its number.
            item: The request.
        """
        if self._recorder is None:
            return None
        named = id_of(item, index)
        if named in self._ids:
            error = InvalidOption(f"two requests have the id {named!r}: the second was not sent")
            return BulkResult(index, named, item, error=error)
        self._ids.add(named)
        if named not in self._recorder:
            return None
        response = response_of(self._recorder.record(named), self.client._wire.family.http)
        return BulkResult(index, named, item, response, restored=True)

    def result(
        self, index: int, item: Any, response: Any = None, error: Exception | None = None
    ) -> BulkResult:
        """Return what became of a request that was sent, and record it."""
        result = BulkResult(index, id_of(item, index), item, response, error)
        if self._recorder is not None:
            self._recorder.write(result)
        return result

    def count(self, report: Report) -> None:
        """Report one more result."""
        self._done += 1
        report(self._done, self.total)
