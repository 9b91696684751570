"""What telemetry says of where a client sends, made once for the URLs it sends to most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_middleware.tracing import conventions

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock import Call, Request

_TARGETS_KEPT = 256


class Target:
    """A method and a URL as spans and metrics show them.

    Args:
        request: A request that goes there.
        call: Its call.
        known: The methods that are shown as they are.

    Attributes:
        name: The name of a send's span.
        attributes: What a send's span has in any case.
        measured: What a metric of a send has in any case; of low cardinality, so never the URL.
    """

    __slots__ = ("_endings", "attributes", "measured", "name")

    def __init__(self, request: Request, call: Call, known: Collection[str]) -> None:
        template = conventions.template_of(call)
        self.name = conventions.send_name(request.method, template, known)
        self.attributes = conventions.target_attributes(request, call, known)
        self.measured = {name: self.attributes[name] for name in conventions.MEASURED}
        if template:
            self.attributes[conventions.TEMPLATE] = template
        self._endings: dict[tuple[Any, ...], dict[str, Any]] = {}

    def ended(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return what a metric says of a send that ended with a span's *attributes*."""
        ending = tuple(map(attributes.get, conventions.MEASURED_AT_END))
        try:
            return self._endings[ending]
        except KeyError:
            told = zip(conventions.MEASURED_AT_END, ending, strict=True)
            made = self.measured | {name: value for name, value in told if value is not None}
            self._endings[ending] = made
            return made


class Targets:
    """The targets of one client.

    Args:
        known: The methods that are shown as they are; any other is `_OTHER`.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._kept: dict[tuple[str, str, str | None], Target] = {}
        self._seen: dict[tuple[int, str, str | None], tuple[Any, Target]] = {}
        self._secrets: tuple[Any, ...] = ()

    def of(self, request: Request, call: Call) -> Target:
        """Return where *request* goes."""
        if self._secrets is not call.scope.secrets:
            # What was shown before a secret was known may have it.
            self._kept, self._seen, self._secrets = {}, {}, call.scope.secrets
        url, rest = request.url, (request.method, conventions.template_of(call))
        # A client has one object for each of its URLs, and to make its text again costs more than
        # all else here. It is kept, so no other object has its id.
        seen = self._seen.get((id(url), *rest))
        if seen is None:
            if len(self._seen) >= _TARGETS_KEPT:
                self._seen.clear()
            seen = self._seen[id(url), *rest] = url, self._of_text((str(url), *rest), request, call)
        return seen[1]

    def _of_text(self, key: tuple[str, str, str | None], request: Request, call: Call) -> Target:
        target = self._kept.get(key)
        if target is None:
            target = Target(request, call, self._known)
            if len(self._kept) < _TARGETS_KEPT:
                self._kept[key] = target
        return target
