"""Faults on request: what may go wrong with an exchange, how it is asked for, how often it happens.

A request names its fault in the header `X-Demo-Fault` or the query value `fault=`, as parts
divided by semicolons: `429;retry-after=1;times=2`.

| part | what happens |
|---|---|
| `400` … `599` | that status, as an error of the API |
| `retry-after=…`, `retry-after-ms=…` | the header of that name goes with the status, as written |
| `html` | 502 with an HTML page, as a gateway answers |
| `json-broken` | the real response, each JSON document of it without its last brace |
| `drop` | the connection is closed without a byte |
| `reset` | the connection is reset (RST) without a byte |
| `hang` | nothing is ever sent |
| `delay=s` | `s` seconds pass before anything else happens |
| `drip=s`, `drip-head=s` | the body, the head, a byte at a time, `s` seconds between two (0.01) |
| `cut=n` | the connection closes after `n` events of a stream or `n` bytes of a body (1) |
| `times=n` | only the first `n` requests of its counter fare so; those after them succeed |

The counter is named by the header `X-Demo-Key` or the query value `key=`; without either, by the
path. Delays, drips and cuts combine with each other and with what is sent.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from penstock.demo.fields import seconds, whole_number
from penstock.demo.responses import APIError, DemoResponse

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

_BARE = {"html", "json-broken", "drop", "reset", "hang"}
_SECONDS = {"delay": "delay", "drip": "drip", "drip-head": "drip_head"}
_WHOLE = {"cut": "cut", "times": "times"}
_HEADERS = {"retry-after", "retry-after-ms"}
_UNTOLD = {"drip": "0.01", "drip-head": "0.01", "cut": "1"}

_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one exchange; nothing, unless told.

    Attributes:
        kind: `drop`, `reset`, `hang`, `html`, `json-broken`, a status in digits, or `None`.
        headers: Fields that go with the status.
        delay: Seconds before anything else happens.
        drip: Seconds between two bytes of the body; `None` sends it as usual.
        drip_head: Seconds between two bytes of the head; `None` sends it as usual.
        cut: After how many events of a stream, or bytes of a body, the connection closes.
        times: How many requests of a counter fare so; `None` for all.
    """

    kind: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    drip: float | None = None
    drip_head: float | None = None
    cut: int | None = None
    times: int | None = None

    def reply(self) -> DemoResponse | None:
        """Give the response that takes the place of the route's, `None` where the route answers."""
        if self.kind == "html":
            return DemoResponse(502, (("content-type", "text/html"), *self.headers), _HTML)
        if self.kind is not None and self.kind.isdigit():
            status = int(self.kind)
            return APIError(
                status, f"The demo was asked to answer {status}", headers=self.headers
            ).response()
        return None

    def spoil(self, response: DemoResponse) -> DemoResponse:
        """Give the response with its JSON broken, if this fault breaks it."""
        if self.kind != "json-broken":
            return response
        events = response.events and tuple(_unclosed(event) for event in response.events)
        return replace(response, body=_unclosed(response.body), events=events)


def _unclosed(document: bytes) -> bytes:
    before, _, after = document.rpartition(b"}")
    return before + after


def parse_fault(text: str) -> Fault:
    """Read a fault as a request names it.

    Args:
        text: Parts divided by semicolons, by the grammar at the top of this module.

    Returns:
        The fault.

    Raises:
        APIError: 400, when a part is unknown, has a wrong value, or contradicts another.
    """
    settings: dict[str, Any] = {}
    headers: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = part.partition("=")
        if not equals:
            value = _UNTOLD.get(name, "")
        if name in _SECONDS:
            settings[_SECONDS[name]] = seconds(value, name)
        elif name in _WHOLE:
            settings[_WHOLE[name]] = whole_number(value, name, low=0, high=1_000_000)
        elif name in _HEADERS:
            headers.append((name, _printable(value, name)))
        elif "kind" in settings:
            raise APIError(400, "A fault is of one kind", param="fault")
        else:
            settings["kind"] = _kind(part)
    fault = Fault(headers=tuple(headers), **settings)
    if headers and fault.reply() is None:
        raise APIError(400, "'retry-after' goes with a status, such as 429", param="fault")
    return fault


def _kind(part: str) -> str:
    if part in _BARE or re.fullmatch(r"[45][0-9]{2}", part):
        return part
    known = ", ".join(("400 to 599", *sorted((*_BARE, *_SECONDS, *_WHOLE, *_HEADERS))))
    raise APIError(400, f"Unknown fault {part!r}; there are {known}", param="fault")


def _printable(value: str, name: str) -> str:
    if value and value.isascii() and value.isprintable():
        return value
    raise APIError(400, f"'{name}' must be printable ASCII", param=name)


class FaultCounters:
    """How often each counter's fault has happened on one server."""

    def __init__(self) -> None:
        self._happened: Counter[str] = Counter()
        self._lock = threading.Lock()

    def due(self, request: DemoRequest) -> Fault:
        """Decide what goes wrong with a request, and count it.

        Args:
            request: The request, which may name a fault and its counter.

        Returns:
            The fault; one that does nothing when none was asked for or its counter has run out.

        Raises:
            APIError: 400, when the request names its fault wrongly.
        """
        text = request.headers.get("x-demo-fault") or request.param("fault")
        if not text:
            return Fault()
        fault = parse_fault(text)
        if fault.times is None:
            return fault
        key = request.headers.get("x-demo-key") or request.param("key") or request.path
        with self._lock:
            if self._happened[key] >= fault.times:
                return Fault()
            self._happened[key] += 1
        return fault
