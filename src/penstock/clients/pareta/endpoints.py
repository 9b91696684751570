"""`endpoints`: deploy models, and operate what is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from penstock import (
    AsyncItemStream,
    Colour,
    DecodeError,
    Event,
    ItemStream,
    operation,
    overloaded,
)
from penstock.clients.pareta.errors import ParetaError
from penstock.clients.pareta.metrics import Metrics
from penstock.clients.pareta.objects import Endpoint
from penstock.clients.pareta.resource import Options, ParetaResource, path_to

if TYPE_CHECKING:
    import builtins

_PATH = "/v1/endpoints"


class DeployEvent(TypedDict):
    """What happens while a model is deployed.

    Attributes:
        event: Its name. `complete`, whose data has the `endpoint`, and `error` are the last.
        data: Its data: parsed if it is JSON, else its text.
    """

    event: str
    data: Any


class Deploy:
    """The signatures of `deploy` in a sync client."""

    @overload
    def __call__(
        self,
        *,
        task: str,
        model: str = "recommended",
        name: str | None = None,
        wait: Literal[False] = False,
        request_options: Options = None,
        **extra: Any,
    ) -> ItemStream[DeployEvent]: ...
    @overload
    def __call__(
        self,
        *,
        task: str,
        model: str = "recommended",
        name: str | None = None,
        wait: Literal[True],
        request_options: Options = None,
        **extra: Any,
    ) -> Endpoint: ...
    def __call__(self, **params: Any) -> Any:
        """See `Endpoints.deploy`."""


class AsyncDeploy:
    """The signatures of `deploy` in an async client."""

    @overload
    async def __call__(
        self,
        *,
        task: str,
        model: str = "recommended",
        name: str | None = None,
        wait: Literal[False] = False,
        request_options: Options = None,
        **extra: Any,
    ) -> AsyncItemStream[DeployEvent]: ...
    @overload
    async def __call__(
        self,
        *,
        task: str,
        model: str = "recommended",
        name: str | None = None,
        wait: Literal[True],
        request_options: Options = None,
        **extra: Any,
    ) -> Endpoint: ...
    async def __call__(self, **params: Any) -> Any:
        """See `Endpoints.deploy`."""


class Endpoints(ParetaResource[Colour]):
    """`client.endpoints`."""

    @overloaded(Deploy, AsyncDeploy)
    async def deploy(
        self,
        *,
        task: str,
        model: str = "recommended",
        name: str | None = None,
        wait: bool = False,
        request_options: Options = None,
        **extra: Any,
    ) -> Any:
        """Deploy a model for a task. What hardware it runs on is Pareta's to choose.

        The request is repeated until its response has come, and never afterwards.

        Args:
            task: The task's id.
            model: One of the task's public aliases; `recommended` is the task's own choice.
            name: The endpoint's name; the server's choice unless given.
            wait: Whether to return when the endpoint is there, and not the events until then.
            request_options: See `penstock.RequestOptions`.
            **extra: Further fields of the request.

        Returns:
            An iterator of `{"event", "data"}`, whose request is sent when it is first iterated, and
            which ends with `complete` or `error`; with *wait*, the `Endpoint`.

        Raises:
            ValueError: There is no task.
            ParetaError: With *wait*, the deployment failed.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed, or the events broke off.
        """
        if not task:
            msg = "task is required: the id of a task, from tasks.list() or tasks.match()"
            raise ValueError(msg)
        body = {"task": task, "model": model or "recommended", **extra}
        if name is not None:
            body["name"] = name
        stream = await self._begun(
            self._stream(
                "POST",
                _PATH,
                _deploy_event,
                json=body,
                terminal=_is_last,
                raise_errors=False,
                operation="endpoints.deploy",
                request_options=request_options,
            )
        )
        if not wait:
            return stream
        events = await self._read(stream)
        last: DeployEvent = events[-1] if events else {"event": "error", "data": "no event came"}
        data = last["data"]
        if last["event"] == "complete":
            return Endpoint((data.get("endpoint") if isinstance(data, dict) else None) or {})
        said = data.get("message") if isinstance(data, dict) else data
        error = ParetaError(f"deploy failed: {said or 'unknown error'}")
        raise self._failed(error, stream.response)

    @operation
    async def list(self, *, request_options: Options = None) -> builtins.list[Endpoint]:
        """List the endpoints of the organization.

        Args:
            request_options: See `penstock.RequestOptions`.

        Raises:
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._many(
            Endpoint, _PATH, operation="endpoints.list", request_options=request_options
        )

    @operation
    async def retrieve(self, endpoint_id: str, *, request_options: Options = None) -> Endpoint:
        """Return an endpoint.

        Args:
            endpoint_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such endpoint.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._one(
            Endpoint,
            "GET",
            path_to(_PATH, endpoint_id),
            operation="endpoints.retrieve",
            request_options=request_options,
        )

    @operation
    async def start(self, endpoint_id: str, *, request_options: Options = None) -> Any:
        """Start an endpoint that was stopped.

        Args:
            endpoint_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Returns:
            What the server says, as JSON; an empty dict if nothing.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such endpoint.
            ConflictError: It cannot be started.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._data(
            "POST",
            path_to(_PATH, endpoint_id, "start"),
            operation="endpoints.start",
            request_options=request_options,
        )

    @operation
    async def stop(self, endpoint_id: str, *, request_options: Options = None) -> Any:
        """Stop an endpoint; it can be started again.

        Args:
            endpoint_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Returns:
            What the server says, as JSON; an empty dict if nothing.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such endpoint.
            ConflictError: It cannot be stopped.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._data(
            "POST",
            path_to(_PATH, endpoint_id, "stop"),
            operation="endpoints.stop",
            request_options=request_options,
        )

    @operation
    async def delete(self, endpoint_id: str, *, request_options: Options = None) -> None:
        """Delete an endpoint.

        Args:
            endpoint_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such endpoint.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        await self._request(
            "DELETE",
            path_to(_PATH, endpoint_id),
            operation="endpoints.delete",
            request_options=request_options,
        )

    def metrics(self, endpoint_id: str) -> Metrics[Colour]:
        """Return what is measured of an endpoint, by dimension; nothing is sent yet.

        Args:
            endpoint_id: Its id.

        Raises:
            ValueError: The id is empty.
        """
        return self._sub(Metrics, _path=path_to(_PATH, endpoint_id))


def _is_last(event: Event) -> bool:
    return event.event in {"complete", "error"}


def _deploy_event(event: Event) -> DeployEvent | None:
    if event.done:
        return None
    try:
        data = event.json()
    except DecodeError:
        data = event.raw
    return {"event": event.event, "data": data}
