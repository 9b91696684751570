"""What Penstock adds to a family's response: a body read in one step, and typed errors."""

from __future__ import annotations

from typing import Any

from penstock.errors import DecodeError


class OurResponse:
    """Mixed in before a family's own `Response`."""

    headers: Any
    stream: Any
    is_closed: bool
    is_stream_consumed: bool
    _content: bytes

    def read(self) -> bytes:
        """Read the body and return it.

        A body that needs no decoding is joined at once: the family's chain of generators would be a
        tenth of a call.
        """
        if self._needs_the_family():
            return super().read()  # type: ignore[misc, no-any-return]  # the family's is next in line
        self.is_stream_consumed = True
        content = b"".join(self.stream)
        self._keep(content)
        self.stream.close()
        return content

    async def aread(self) -> bytes:
        """Read the body and return it."""
        if self._needs_the_family():
            return await super().aread()  # type: ignore[misc, no-any-return]  # as above
        self.is_stream_consumed = True
        content = b"".join([chunk async for chunk in self.stream])
        self._keep(content)
        await self.stream.aclose()
        return content

    def _needs_the_family(self) -> bool:
        return self.is_stream_consumed or self.is_closed or "content-encoding" in self.headers

    def _keep(self, content: bytes) -> None:
        self._content = content
        self._num_bytes_downloaded = len(content)
        self.is_closed = True

    def json(self, **kwargs: Any) -> Any:
        """Return the parsed body.

        Raises:
            DecodeError: The body is not JSON.
        """
        try:
            return super().json(**kwargs)  # type: ignore[misc]  # the family's class is next in line
        except (ValueError, RecursionError, LookupError) as error:
            reason = getattr(error, "msg", type(error).__name__)
            position = getattr(error, "pos", None)
        # Raised outside the handler: a JSONDecodeError in the chain would carry the whole body.
        where = "" if position is None else f" at byte {position}"
        msg = f"the body is not JSON: {reason}{where}"
        failure = DecodeError(msg)
        request = getattr(self, "_request", None)
        if request is not None:
            from penstock.redact import safe_url

            failure.method, failure.url = request.method, safe_url(request.url)
        raise failure
