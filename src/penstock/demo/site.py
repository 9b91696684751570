"""What every connection of a server shares: the record, the key, the faults and the routes."""

from __future__ import annotations

import hmac
import threading
from typing import TYPE_CHECKING

from penstock.demo.faults import Fault, FaultCounters
from penstock.demo.requests import DemoRequest
from penstock.demo.responses import APIError
from penstock.demo.routes import routes
from penstock.demo.routing import answer
from penstock.demo.signed import FOLDER

if TYPE_CHECKING:
    from penstock.demo.responses import DemoResponse
    from penstock.demo.wire import Head


class Site:
    """The part of the server that knows no sockets.

    Args:
        api_key: The bearer key every request must carry; `None` asks for none.

    Attributes:
        requests: Every request read whole, in the order of their numbers.
    """

    def __init__(self, api_key: str | None) -> None:
        self.requests: list[DemoRequest] = []
        self._api_key = api_key
        self._routes = routes()
        self._faults = FaultCounters()
        self._answers = 0
        self._lock = threading.Lock()

    def receive(self, connection: int, head: Head, body: bytes) -> DemoRequest:
        """Number and record a request that was read whole."""
        with self._lock:
            self._answers += 1
            request = DemoRequest(self._answers, connection, *head, body)
            self.requests.append(request)
        return request

    def refuse(self, connection: int) -> DemoRequest:
        """Number, but not record, a request that could not be read."""
        with self._lock:
            self._answers += 1
            return DemoRequest(self._answers, connection)

    def fault(self, request: DemoRequest) -> Fault:
        """Decide what goes wrong with a request.

        Args:
            request: The request.

        Returns:
            The fault it asked for, or one that does nothing.

        Raises:
            APIError: 400, when it asks wrongly.
        """
        return self._faults.due(request)

    def respond(self, request: DemoRequest, fault: Fault) -> DemoResponse:
        """Answer a request: by its fault, else by its route.

        Args:
            request: The request.
            fault: What goes wrong; one that only harms the delivery leaves the answer alone.

        Returns:
            The response; an error of the API, of a wrong key too, is one.
        """
        try:
            response = fault.reply() or self._route(request)
        except APIError as refusal:
            response = refusal.response()
        return fault.spoil(response)

    def _route(self, request: DemoRequest) -> DemoResponse:
        given = request.bearer or ""
        wanted = None if request.path.startswith(FOLDER) else self._api_key
        if wanted is not None and not hmac.compare_digest(given.encode(), wanted.encode()):
            message = "Incorrect API key provided" if given else "You did not provide an API key"
            challenge = (("www-authenticate", "Bearer"),)  # RFC 9110 section 15.5.2
            raise APIError(401, message, code="invalid_api_key", headers=challenge)
        return answer(self._routes, request)
