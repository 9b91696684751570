"""The chunks of an open body as they come, its content coding undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.transport.decoding import is_coded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from penstock.messages import Response


def chunks_of(response: Response) -> Iterator[bytes]:
    """Iterate over the body of *response*: one without a coding is not looked into."""
    if response.is_closed:  # it was read before it came here: a middleware or a mock made it up
        return iter([response.content])
    return response.iter_bytes() if is_coded(response.headers) else response.iter_raw()


async def achunks_of(response: Response) -> AsyncGenerator[bytes, None]:
    """Do what `chunks_of` does, on an event loop."""
    if response.is_closed:  # as above
        yield response.content
        return
    coded = is_coded(response.headers)
    chunks: Any = response.aiter_bytes() if coded else response.aiter_raw()
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await chunks.aclose()
