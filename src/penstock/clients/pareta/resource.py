"""What the resources share: where a path leads, and a body that may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from penstock import Colour, Model, RequestOptions, Resource

ModelT = TypeVar("ModelT", bound=Model)

Options = RequestOptions | Mapping[str, Any] | None
"""What every method takes as `request_options`: it wins over the client's own."""


class ParetaResource(Resource[Colour]):
    """A group of Pareta's operations."""

    async def _data(self, method: str, path: str, **call: Any) -> Any:
        """Send a request and return its parsed body, or an empty object where there is no body."""
        response = await self._request(method, path, **call)
        return self._parsed(response) if response.content else {}

    async def _with_fields(
        self, *required: str, method: str, path: str, **call: Any
    ) -> dict[str, Any]:
        """Send a request and return the JSON object that comes back, which has these fields.

        Raises:
            ParetaError: It lacks one.
        """
        response = await self._request(method, path, **call)
        data = self._parsed(response) if response.content else {}
        if not isinstance(data, dict) or not all(data.get(name) for name in required):
            raise self._unfit(response, f"the body has no {' and '.join(required)}")
        return data

    async def _one(
        self, kind: type[ModelT], method: str, path: str, *, below: str = "", **call: Any
    ) -> ModelT:
        """Send a request and return the object that comes back as a *kind*.

        Args:
            kind: Its class.
            method: The HTTP method.
            path: The path.
            below: The key of an envelope it comes in.
            **call: As `_request` takes it.

        Raises:
            ParetaError: The body is no JSON object.
        """
        response = await self._request(method, path, **call)
        data = self._parsed(response) if response.content else {}
        if below and isinstance(data, dict):
            data = data.get(below) or {}
        if not isinstance(data, dict):
            raise self._unfit(response, f"the body has no JSON object {below}".rstrip())
        return kind(data)

    async def _many(
        self, kind: type[ModelT], path: str, *, below: str = "", **call: Any
    ) -> list[ModelT]:
        """Send a GET and return the objects that come back, each as a *kind*; see `_one`."""
        response = await self._request("GET", path, **call)
        data = self._parsed(response) if response.content else []
        if below and isinstance(data, dict):
            data = data.get(below) or []
        if not isinstance(data, list):
            raise self._unfit(response, f"the body has no JSON array {below}".rstrip())
        return [kind(item) for item in data]

    async def _begun(self, stream: Any) -> Any:
        """Return *stream*, whose request is sent when it is iterated, or now if asked for raw."""
        return await self._open(stream) if self._raw else stream

    async def _read(self, stream: Any) -> list[Any]:
        """Return everything that comes in *stream*."""
        return await self.runtime.call(lambda: list(stream), lambda: _gathered(stream))


def path_to(collection: str, id: str, *rest: str) -> str:
    """Return the path of one thing in a collection, its id quoted.

    Args:
        collection: The path of the collection.
        id: The thing's id.
        *rest: What follows.

    Raises:
        ValueError: The id is empty: the path would be that of the whole collection.
    """
    if not id:
        msg = f"an id is empty: which one below {collection} is meant?"
        raise ValueError(msg)
    return "/".join((collection, quote(id, safe=""), *rest))


def query(**params: Any) -> dict[str, Any]:
    """Return the keyword for the query parameters that were given; None is not given."""
    given = {name: value for name, value in params.items() if value is not None}
    return {"params": given} if given else {}


async def _gathered(stream: Any) -> list[Any]:
    return [item async for item in stream]
