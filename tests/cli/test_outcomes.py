"""Exit codes by the kind of outcome."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import penstock
from penstock.cli.outcomes import exit_code, exit_code_of_status
from penstock.settings.errors import Problem


def refused(status: int) -> penstock.StatusError:
    response: Any = SimpleNamespace(status_code=status, method="GET", url="/", request_id=None)
    return penstock.StatusError("no", response=response)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (penstock.PenstockError(), 1),
        (penstock.DecodeError(), 1),
        (penstock.RedirectError(), 1),
        (penstock.StreamTruncated(), 1),
        (penstock.InvalidOption(), 2),
        (penstock.ConfigurationError(), 3),
        (penstock.SettingsError([Problem("a", "b")]), 3),
        (refused(418), 4),
        (refused(503), 5),
        (penstock.ConnectionFailed(), 6),
        (penstock.StreamInterrupted(), 6),
        (penstock.TimedOut(), 7),
        (penstock.DeadlineExceeded(), 7),
        (penstock.StreamIdle(), 7),
    ],
)
def test_errors(error: penstock.PenstockError, code: int) -> None:
    """Each kind of error has its exit code."""
    assert exit_code(error) == code


@pytest.mark.parametrize(("status", "code"), [(200, 0), (304, 0), (404, 4), (500, 5)])
def test_statuses(status: int, code: int) -> None:
    """A status below 400 is a success."""
    assert exit_code_of_status(status) == code
