"""What every benchmark in memory sends and is answered with.

The answer is what an HTTP transport gives for a small JSON document: ten raw headers and an unread
stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BODY = {"model": "demo", "messages": [{"role": "user", "content": "How tall is a penstock?"}]}
ANSWER = b'{"id": "1", "choices": [{"message": {"role": "assistant", "content": "Tall."}}]}'
HEAD = [
    (b"Date", b"Fri, 20 Nov 2026 10:00:00 GMT"),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", str(len(ANSWER)).encode()),
    (b"Connection", b"keep-alive"),
    (b"Server", b"stub"),
    (b"X-Request-Id", b"req_1"),
    (b"Cache-Control", b"no-store"),
    (b"Vary", b"Accept"),
    (b"X-RateLimit-Remaining", b"99"),
    (b"X-RateLimit-Reset", b"60"),
]
CLIENT_HEADERS = {"X-Tenant": "acme", "X-App": "benchmark"}
KEY = "benchmark-key-0123456789"
URL = "https://api.example.com/v1"
PATH = "/chat/completions"
SIGNED = {"Authorization": f"Bearer {KEY}"}
"""What a bare client sends beside its own headers, and ours makes of `api_key`."""

VALUES: dict[str, Any] = {"base_url": URL, "headers": CLIENT_HEADERS}
"""What every client is made with."""


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield ANSWER

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield ANSWER


class Stub(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers as an HTTP transport does: raw headers and an unread stream."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        return httpx.Response(
            200, headers=HEAD, stream=_Stream(), extensions={"http_version": b"HTTP/1.1"}
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)
