"""Starts the spans of a client's calls of models; imported at its first one."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from penstock import origin_of
from penstock_middleware.genai import names
from penstock_middleware.genai.answered import Answer
from penstock_middleware.genai.asked import asked
from penstock_middleware.genai.content import Said, as_texts, said_to_model
from penstock_middleware.genai.metrics import ModelMetrics
from penstock_middleware.genai.model_call import ModelCall
from penstock_middleware.genai.policy import NOWHERE, places_in
from penstock_middleware.tracing.client_telemetry import telemetry_of
from penstock_middleware.tracing.conventions import server_attributes
from penstock_middleware.tracing.listening import Listening
from penstock_middleware.tracing.telemetry import of_call, start_call_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context

    from penstock import Call, Origin, Request, Scope
    from penstock_middleware.genai.names import Names
    from penstock_middleware.genai.policy import Places, Policy
    from penstock_middleware.tracing.live_span import Measure

_TARGETS_KEPT = 256


class ModelTelemetry:
    """Starts spans and durations of calls of models.

    Args:
        scope: The client's.
    """

    def __init__(self, scope: Scope) -> None:
        self._version = version = names.names_of(os.environ)
        self._places = places_in(os.environ)
        self._loggers: dict[Any, Logger] = {}
        self._targets: dict[tuple[Origin, str, str | None], Target] = {}
        self._listening = Listening(
            scope, names.SCOPE, version.schema_url, partial(ModelMetrics, version)
        )

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        listening = self._listening
        return listening.tracer() is not None or listening.metrics() is not None

    def tells(self, policy: Policy) -> bool:
        """Tell whether events are wanted, and somebody listens to them.

        Args:
            policy: The middleware's.
        """
        in_event = self._places_of(policy).in_event
        return in_event and self._logger(policy.logger_provider) is not None

    def start(
        self,
        call: Call,
        request: Request,
        operation: str,
        provider: str | None,
        policy: Policy,
    ) -> ModelCall | None:
        """Start watching a call of a model; None where telemetry is suppressed.

        Args:
            call: The call.
            request: Its request.
            operation: The operation's name.
            provider: The provider's, or None to go by the server's host.
            policy: What is told besides.
        """
        origin = call.origin if call.home is not None and call.origin else origin_of(request.url)
        target = self._target(origin, operation, provider)
        body: Mapping[str, Any] = call.json
        secrets = call.scope.secrets
        attributes = target.attributes | asked(body, target.requested, secrets)
        model = attributes.get(names.REQUEST_MODEL)
        metrics = self._listening.metrics()
        gaps: list[float] | None = [] if policy.chunk_times and metrics is not None else None
        measure = _both(
            None if metrics is None else metrics.start(attributes, gaps),
            telemetry_of(call).measure_call(call),
        )
        attributes |= of_call(call)
        said = None
        places = self._places_of(policy)
        if places is not NOWHERE:
            said, to_model = Said(), said_to_model(body)
            if places.in_event and operation not in names.NOT_INFERENCE:
                details = self._details(policy, call, attributes, to_model, said)
                measure = _both(measure, details)
            if places.on_span:
                attributes = attributes | as_texts(to_model, secrets)
        span = start_call_span(
            self._listening.tracer(),
            f"{operation} {model}" if model else operation,
            SpanKind.CLIENT,
            attributes,
            call,
            measure,
        )
        if span is None:
            return None
        answer = Answer(operation, target.provider, self._version)
        return ModelCall(span, call, answer, said, on_span=places.on_span, gaps=gaps)

    def _places_of(self, policy: Policy) -> Places:
        return self._places if policy.content is None else policy.content

    def _details(
        self,
        policy: Policy,
        call: Call,
        asked: dict[str, Any],
        to_model: dict[str, Any],
        said: Said,
    ) -> Measure | None:
        logger = self._logger(policy.logger_provider)
        if logger is None:
            return None
        from penstock_middleware.genai.details import Details

        return Details(logger, call, asked, to_model, said)

    def _logger(self, provider: Any) -> Logger | None:
        if provider not in self._loggers:
            from penstock_middleware.genai.details import logger_of

            logger = logger_of(provider, self._version.schema_url)
            if logger is None:
                return None  # there may be one later
            self._loggers[provider] = logger
        return self._loggers[provider]

    def _target(self, origin: Origin, operation: str, provider: str | None) -> Target:
        key = origin, operation, provider
        target = self._targets.get(key)
        if target is None:
            target = Target(origin, operation, provider, self._version)
            if len(self._targets) < _TARGETS_KEPT:
                self._targets[key] = target
        return target


class Target:
    """An operation of a server, as spans show it.

    Args:
        origin: The server's.
        operation: The operation's name.
        provider: The provider's, or None to go by the server's host.
        version: The names in force.

    Attributes:
        provider: The provider's name.
        attributes: What every call's span has.
        requested: What is shown of a request: see `Names`.
    """

    __slots__ = ("attributes", "provider", "requested")

    def __init__(
        self, origin: Origin, operation: str, provider: str | None, version: Names
    ) -> None:
        server = server_attributes(origin)
        self.provider = provider or names.provider_of(server["server.address"])
        self.attributes = {names.OPERATION: operation, names.PROVIDER: self.provider, **server}
        self.requested = version.requested
        if self.provider == names.OPENAI:
            self.requested = {**version.requested, **version.requested_of_openai}
            if operation == "chat":
                self.attributes[names.OPENAI_API] = "chat_completions"


def _both(one: Measure | None, other: Measure | None) -> Measure | None:
    if one is None or other is None:
        return one or other

    def measure(
        seconds: float, attributes: dict[str, Any], size: int | None, context: Context
    ) -> None:
        one(seconds, attributes, size, context)
        other(seconds, attributes, size, context)

    return measure
