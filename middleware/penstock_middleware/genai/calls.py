"""GenAI: Tracing that knows a call of a model when it sees one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock import Call, InvalidOption, Key, Scope, json_of, observe_events
from penstock_middleware.genai.names import OPERATIONS
from penstock_middleware.genai.policy import PLACES, Places, Policy
from penstock_middleware.outcome import OK, of_status
from penstock_middleware.shown import shown
from penstock_middleware.tracing.calls import Tracing, told_at_end

if TYPE_CHECKING:
    from penstock import Next, Request, Response, Stack
    from penstock_middleware.genai.telemetry import ModelTelemetry

_MODELS = Key["ModelTelemetry"]("genai")


class GenAI(Tracing):
    """Give each call of a model one CLIENT span, `{operation} {model}`; do as `Tracing` for others.

    By OpenTelemetry's GenAI conventions, 1.41 unless `OTEL_SEMCONV_STABILITY_OPT_IN` has
    `gen_ai_latest_experimental`. A call of a model is one with a JSON body whose path ends as an
    operation's does. From its start the span has operation, provider, model, server and what else
    was asked for; at its end the answer's id and model, finish reasons, tokens, for a stream the
    time to its first chunk, and what `Tracing` tells. It covers every attempt, and of a stream all
    of it: what is told there is read off the events that the caller reads. Metrics: duration,
    tokens, time to first chunk, and those of `Tracing`.

    What is said, to the model or by it, is told nowhere unless asked for. It is asked for on the
    span, or in an event of OpenTelemetry's logs, `gen_ai.client.inference.operation.details`, with
    all that the span has of the model.

    Args:
        provider: The provider's name in the conventions, or one of your own; unless given, it goes
            by the server's host, and is `openai` at a host that is not known.
        operations: Operations by the end of their path, beside those of OpenAI's API: chat
            completions, completions, embeddings, rerank.
        capture_content: Where the messages are told: `span_only` (or True), `event_only`,
            `span_and_event`, or `no_content` (or False); as
            `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says unless given.
        chunk_times: Whether the time from each chunk of a stream to the next is measured too.
        logger_provider: An OpenTelemetry logger provider for the events; the global one unless
            given.
        stream_span_end: As of `Tracing`.

    Raises:
        InvalidOption: A value cannot work.
    """

    def __init__(
        self,
        provider: str | None = None,
        *,
        operations: Mapping[str, str] | None = None,
        capture_content: bool | str | None = None,
        chunk_times: bool = False,
        logger_provider: Any = None,
        stream_span_end: str = "body",
    ) -> None:
        super().__init__(stream_span_end)
        if provider is not None and not (isinstance(provider, str) and provider):
            raise InvalidOption(f"provider must be a name, not {provider!r}")
        if logger_provider is not None and not hasattr(logger_provider, "get_logger"):
            kind = type(logger_provider).__name__
            raise InvalidOption(f"logger_provider must have .get_logger, which {kind} has not")
        policy = Policy(_places(capture_content), chunk_times, logger_provider)
        self._provider = provider
        self._own_operations = dict(operations or {})
        self._capture_content = capture_content
        self._policy = policy
        known = {**OPERATIONS, **self._own_operations}
        # The longest first: a chat's path ends like a completion's.
        self._operations = sorted(known.items(), key=lambda item: -len(item[0]))

    @classmethod
    def instead_of_tracing(cls, stack: Stack, provider: str | None = None, **options: Any) -> Stack:
        """Return *stack* with one of this in the place of its `Tracing`, whose policy it keeps.

        Args:
            stack: A stack; one without `Tracing` stays as it is.
            provider: As of `GenAI`.
            **options: `operations`, `capture_content`, `chunk_times`, `logger_provider`.
        """
        for layer in stack:
            if type(layer) is Tracing:
                kept = layer.stream_span_end
                return stack.replace(layer, cls(provider, stream_span_end=kept, **options))
        return stack

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        if not isinstance(call.json, Mapping):
            return await super().__call__(request, call_next)
        models = call.once(_MODELS, _open)
        if not (models.is_heard or models.tells(self._policy)):
            return await call_next(request)
        operation = self._operation_of(request)
        if operation is None:
            return await super().__call__(request, call_next)
        watched = models.start(call, request, operation, self._provider, self._policy)
        if watched is None:
            return await call_next(request)
        span = watched.span
        try:
            with span:
                response = await call_next(request)
        except BaseException as error:
            span.fail(error, told_at_end(call))
            raise
        outcome = of_status(response.status_code)
        attributes = told_at_end(call)
        if call.stream and self.stream_span_end == "body":
            observe_events(response, watched.until_its_end(outcome, attributes))
            return response
        if outcome is OK and span.wants_attributes and not call.stream:
            watched.take(_parsed(response))
            attributes |= watched.told()
        span.end(outcome, attributes)
        return response

    def _operation_of(self, request: Request) -> str | None:
        path = request.url.path
        return next((name for end, name in self._operations if path.endswith(end)), None)

    def __repr__(self) -> str:
        return shown(
            "GenAI",
            ("", self._provider or None, None),
            ("operations", self._own_operations, {}),
            ("capture_content", self._capture_content, None),
            ("chunk_times", self._policy.chunk_times, False),
            ("stream_span_end", self.stream_span_end, "body"),
        )


def _places(capture_content: bool | str | None) -> Places | None:
    if capture_content is None:
        return None
    if isinstance(capture_content, bool):
        return PLACES["span_only" if capture_content else "no_content"]
    if not isinstance(capture_content, str) or capture_content not in PLACES:
        known = ", ".join(PLACES)
        raise InvalidOption(
            f"capture_content must be a bool or one of {known}, not {capture_content!r}"
        )
    return PLACES[capture_content]


def _open(scope: Scope) -> ModelTelemetry:
    from penstock_middleware.genai.telemetry import ModelTelemetry

    return ModelTelemetry(scope)


def _parsed(response: Response) -> Any:
    try:
        return json_of(response)
    except (ValueError, RecursionError):  # whoever reads it will say so
        return None
