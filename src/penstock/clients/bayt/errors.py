"""Bayt's errors, and the one table that makes them.

```
BaytAPIError                any failure of a call: message response status_code code request_id
├── BaytAuthError           401, 403
├── BaytNotFoundError       404
├── BaytRateLimitError      429, after the retries
└── BaytValidationError     400, or refused before anything was sent
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import ConfigurationError, PenstockError, StatusError

if TYPE_CHECKING:
    from penstock import DetachedResponse


class BaytAPIError(PenstockError):
    """A call to Bayt failed.

    Args:
        message: What happened.
        response: The detached response, if one came.

    Attributes:
        message: As above.
        response: Status, headers and body (bounded), without the request; None if none came. What
            `PenstockError` has (`method`, `url`, `operation`, `request_id`, `attempts`, `elapsed`)
            is there too.
    """

    def __init__(self, message: str = "", *, response: DetachedResponse | None = None) -> None:
        super().__init__(message)
        self.response = response
        if response is not None:
            self.method, self.url = response.method, response.url
            self.request_id = response.request_id

    @property
    def status_code(self) -> int | None:
        """The response's status."""
        return None if self.response is None else self.response.status_code

    @property
    def body(self) -> Any:
        """The response's body: parsed if it is JSON, else its text."""
        return None if self.response is None else self.response.body

    @property
    def code(self) -> str | None:
        """Bayt's code for the error, such as `not_found`, if it sent one."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error.get("code") if isinstance(error, dict) else None


class BaytAuthError(BaytAPIError):
    """The key is missing or wrong (401), or may not do this (403)."""


class BaytNotFoundError(BaytAPIError):
    """There is no such prompt or context item (404)."""


class BaytRateLimitError(BaytAPIError):
    """Too many requests (429), and the retries are used up."""


class BaytValidationError(BaytAPIError):
    """An argument cannot work: nothing was sent, or Bayt refused it (400)."""


BY_STATUS: dict[int, type[BaytAPIError]] = {
    400: BaytValidationError,
    401: BaytAuthError,
    403: BaytAuthError,
    404: BaytNotFoundError,
    429: BaytRateLimitError,
}
"""The error class of each status that has one of its own (Bayt's documentation of its errors)."""


def status_error(response: DetachedResponse) -> BaytAPIError:
    """Return the error for a final response: `{"error": "…"}`, or `{"error": {"message", "code"}}`.

    Args:
        response: The detached response.
    """
    kind = BY_STATUS.get(response.status_code, BaytAPIError)
    reason = f"{response.status_code} {response.reason_phrase}".rstrip()
    said = response.message
    return kind(f"{reason}: {said}" if said else reason, response=response)


def own_error(error: PenstockError) -> PenstockError:
    """Return Bayt's error for one of Penstock's; what is its own, or a mistake, comes back.

    Args:
        error: What went wrong: a failed connection, a timeout, a body that is not JSON, ….
    """
    if isinstance(error, (BaytAPIError, ConfigurationError)):
        return error
    if isinstance(error, StatusError):
        return status_error(error.response)
    return BaytAPIError(error.message)


def storage_error(error: BaytAPIError) -> BaytAPIError:
    """Return the error for a failed download: its status says nothing about key or prompt.

    Args:
        error: What the table made of it.
    """
    failure = BaytAPIError(f"the file could not be downloaded: {error.message}")
    failure.__dict__.update({**error.__dict__, "message": failure.message})
    return failure
