"""What a whole API client is made of: operations written once, resources, lazy models.

An operation is an async method of a resource. In an async client it is awaited; in a sync one the
very same coroutine is stepped once, as a middleware is.
"""

from __future__ import annotations

from penstock.sdk.api import API, CLIENT_ARGUMENTS, AsyncAPI, BaseAPI
from penstock.sdk.colour import Async, Colour, Sync
from penstock.sdk.failing import Failures
from penstock.sdk.model import ListModel, Model, plain
from penstock.sdk.operations import RawResponse, operation, overloaded, streamed, streaming_as
from penstock.sdk.pages import AsyncItemPages, ItemPages
from penstock.sdk.placing import add_middleware
from penstock.sdk.resource import Resource
from penstock.sdk.stream import AsyncItemStream, Items, ItemStream

__all__ = [
    "API",
    "CLIENT_ARGUMENTS",
    "Async",
    "AsyncAPI",
    "AsyncItemPages",
    "AsyncItemStream",
    "BaseAPI",
    "Colour",
    "Failures",
    "ItemPages",
    "ItemStream",
    "Items",
    "ListModel",
    "Model",
    "RawResponse",
    "Resource",
    "Sync",
    "add_middleware",
    "operation",
    "overloaded",
    "plain",
    "streamed",
    "streaming_as",
]
