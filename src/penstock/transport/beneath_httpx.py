"""A stack beneath a client of httpx; `beneath_httpx2` is its twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from penstock.transport.beneath import AsyncBeneath, BlockingBeneath
from penstock.transport.family import httpx_family

if TYPE_CHECKING:
    from penstock.transport.family import Family


class HttpxTransport(BlockingBeneath, httpx.BaseTransport):
    """A stack beneath an `httpx.Client`, and beneath any SDK that takes one.

    `httpx.Client(transport=HttpxTransport())`. See `Beneath` for its arguments. It may be shared
    between threads.
    """

    @staticmethod
    def _find_family() -> Family:
        return httpx_family()


class AsyncHttpxTransport(AsyncBeneath, httpx.AsyncBaseTransport):
    """A stack beneath an `httpx.AsyncClient`: the async twin of `HttpxTransport`."""

    @staticmethod
    def _find_family() -> Family:
        return httpx_family()
