"""The body that a transport of ours hands to the client above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.transport.raised import FamilyErrors


class HandedBody:
    """An open body, raw, whose failures are the family's own; its observers are told ours.

    A family's own stream classes stand beside it in the class that is used.

    Args:
        stream: The body as it came out of the stack.
        errors: Turns our errors into the family's.
    """

    def __init__(self, stream: Any, errors: FamilyErrors) -> None:
        self._stream = stream
        self._errors = errors
        self._source: Any = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._errors:
                yield from self._stream
        except GeneratorExit:
            self.close()  # nobody can read on: both families read a body once
            raise

    def __aiter__(self) -> Self:
        # Not a generator: a reader that leaves in the middle leaves nothing to the collector.
        self._source = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        with self._errors:
            return await anext(self._source)

    def close(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._stream.close()

    async def aclose(self) -> None:
        """Close the body; once closed, again is nothing."""
        await self._stream.aclose()
