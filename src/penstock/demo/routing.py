"""Which handler answers a method and a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from penstock.demo.responses import APIError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.demo.requests import DemoRequest
    from penstock.demo.responses import DemoResponse


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table.

    Attributes:
        methods: The methods it answers, divided by spaces; `GET` answers `HEAD` too
            (RFC 9110 section 9.3.2).
        path: The path; a segment in braces stands for any one that is not empty.
        handler: Called with the request and the decoded segments in braces, in order. It returns
            the response, or raises `APIError`; it never touches the socket.
    """

    methods: str
    path: str
    handler: Callable[..., DemoResponse]

    def answers(self, method: str) -> bool:
        """Tell whether a method is one of this route's."""
        return ("GET" if method == "HEAD" else method) in self.methods.split()

    def match(self, path: str) -> list[str] | None:
        """Give the decoded segments in braces, `None` when a path is not this route's."""
        wanted, found = self.path.split("/"), path.split("/")
        if len(wanted) != len(found):
            return None
        values = []
        for template, segment in zip(wanted, found, strict=True):
            if template.startswith("{") and segment:
                values.append(unquote(segment))
            elif template != segment:
                return None
        return values


def answer(routes: Sequence[Route], request: DemoRequest) -> DemoResponse:
    """Answer a request by the first route that fits.

    Args:
        routes: The route table.
        request: The request.

    Returns:
        What the route's handler returns.

    Raises:
        APIError: 404 for an unknown path, 405 for a method its routes do not answer, and what the
            handler raises.
    """
    allowed: list[str] = []
    for route in routes:
        values = route.match(request.path)
        if values is None:
            continue
        if route.answers(request.method):
            return route.handler(request, *values)
        allowed += route.methods.split()
    if allowed:
        message = f"{request.path} does not answer {request.method}"
        raise APIError(405, message, headers=(("allow", ", ".join(allowed)),))
    raise APIError(404, f"Invalid URL ({request.method} {request.path})")
