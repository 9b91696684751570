"""What became of a batch, counted: for a person, for a script, for a shell as an exit code."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from penstock.cli.documents import print_document
from penstock.cli.drawing import duration
from penstock.cli.lines import Line, Piece, show
from penstock.cli.outcomes import UNEXPECTED, exit_code
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.bulk import BulkResult

_LISTED = 20
"""Failures that are listed one by one: enough to see what is wrong. The results have all."""


class Tally:
    """Counts results.

    Args:
        total: How many requests there are.
        target: Where the results go: `-` is standard output.

    Attributes:
        total: As given.
    """

    def __init__(self, total: int, target: str) -> None:
        self.total = total
        self._to_file = target != "-"
        self._restored = self._sent = self._retried = self._repeats = self._failed = 0
        self._codes: Counter[int] = Counter()
        self._failures: list[dict[str, Any]] = []

    def add(self, result: BulkResult) -> None:
        """Count a result."""
        self._restored += result.restored
        self._sent += not result.restored
        repeats = max(result.attempts - 1, 0)
        self._retried += repeats > 0
        self._repeats += repeats
        error = result.error
        if error is None:
            return
        self._failed += 1
        self._codes[exit_code(error) if isinstance(error, PenstockError) else UNEXPECTED] += 1
        if len(self._failures) < _LISTED:
            status = getattr(error, "status_code", None)
            said = str(error) if isinstance(error, PenstockError) else type(error).__name__
            self._failures.append({"custom_id": result.id, "status": status, "error": said})

    @property
    def exit_code(self) -> int:
        """What the shell is told: how they failed, if all failed in one way."""
        return next(iter(self._codes), 0) if len(self._codes) < 2 else UNEXPECTED  # noqa: PLR2004

    def say(self, seconds: float, *, as_json: bool) -> None:
        """Write what happened to standard output, or to standard error if that has the results."""
        if as_json:
            document = {"schema": 1, **self._counts(), "total_s": seconds}
            print_document(document, err=not self._to_file)
        else:
            show(self._lines(seconds), sys.stdout if self._to_file else sys.stderr)

    def _counts(self) -> dict[str, Any]:
        return {
            "requests": self.total,
            "restored": self._restored,
            "sent": self._sent,
            "retried": self._retried,
            "repeats": self._repeats,
            "failed": self._failed,
            "unsent": self.total - self._restored - self._sent,
            "failures": self._failures,
        }

    def _lines(self, seconds: float) -> list[Line]:
        head = [Piece(f"{self._sent:,} sent", "title"), Piece(f" in {duration(seconds)}", "quiet")]
        again = ": run it again" if self._to_file else ""
        parts = [
            (self._restored, "answered before", "quiet"),
            (
                self._retried,
                f"retried ({self._repeats:,} repeat{'s' * (self._repeats > 1)})",
                "wait",
            ),
            (self._failed, "failed", "failed"),
            (self.total - self._restored - self._sent, f"not sent{again}", "wait"),
        ]
        for count, what, tone in parts:
            if count:
                head += [Piece(", "), Piece(f"{count:,} {what}", tone)]
        lines: list[Line] = [head]
        lines += [
            [Piece(f"  {_printable(it['custom_id'])}: ", "name"), Piece(_printable(it["error"]))]
            for it in self._failures
        ]
        if self._failed > len(self._failures):
            more = self._failed - len(self._failures)
            lines.append([Piece(f"  and {more:,} more: see the results", "quiet")])
        return lines


def _printable(text: str) -> str:
    # A server's words must not move our cursor.
    return "".join(letter if letter.isprintable() else " " for letter in text)
