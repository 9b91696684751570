"""A scripted server of one file, which breaks off where it is told to, and a disk that is full."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from penstock.testing import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 40
TAG = '"v1"'


class FileServer:
    """Answers each send: a function of the request, for a `Script`.

    Args:
        content: The file.
        tag: Its entity tag, or None.
        cuts: After how many bytes of its body each answer breaks off; None for not at all.
        headers: Of every answer.
    """

    def __init__(
        self,
        content: bytes = CONTENT,
        *,
        tag: str | None = TAG,
        cuts: tuple[int | None, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.content = content
        self.tag = tag
        self._cuts = list(cuts)
        self._headers = headers or {}
        self.asked: list[tuple[str | None, str | None]] = []

    def __call__(self, request: httpx.Request) -> Reply:
        asked, condition = request.headers.get("range"), request.headers.get("if-range")
        self.asked.append((asked, condition))
        first = 0
        if asked is not None and condition == (self.tag or self._headers.get("Last-Modified")):
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        body, size = self.content[first:], len(self.content)
        headers = {"Content-Length": str(len(body)), **self._headers}
        if self.tag is not None:
            headers["ETag"] = self.tag
        if first:
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        cut = self._cuts.pop(0) if self._cuts else None
        steps: list[Any] = [body] if cut is None else [body[:cut], httpx.ReadError("cut")]
        return Reply(206 if first else 200, headers=headers, chunks=steps)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file become longer than *room* bytes: as on a full disk, those are taken first."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
