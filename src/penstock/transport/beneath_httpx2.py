"""A stack beneath a client of httpx2; `beneath_httpx` is its twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.transport.beneath import AsyncBeneath, BlockingBeneath
from penstock.transport.family import httpx2_family

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport, BaseTransport

    from penstock.transport.family import Family
else:
    try:
        from httpx2 import AsyncBaseTransport, BaseTransport
    except ImportError:  # told when one is made: these names can be asked for without the extra
        AsyncBaseTransport = BaseTransport = object


class Httpx2Transport(BlockingBeneath, BaseTransport):
    """A stack beneath an `httpx2.Client`, and beneath any SDK that takes one.

    `openai.OpenAI(max_retries=0, http_client=httpx2.Client(transport=Httpx2Transport()))`. See
    `Beneath` for its arguments. It may be shared between threads.
    """

    @staticmethod
    def _find_family() -> Family:
        return httpx2_family()


class AsyncHttpx2Transport(AsyncBeneath, AsyncBaseTransport):
    """A stack beneath an `httpx2.AsyncClient`: the async twin of `Httpx2Transport`."""

    @staticmethod
    def _find_family() -> Family:
        return httpx2_family()
