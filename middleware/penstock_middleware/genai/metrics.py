"""The instruments of GenAI telemetry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from penstock_middleware.genai import names

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter

    from penstock_middleware.genai.names import Names
    from penstock_middleware.tracing.live_span import Measure

MEASURED = (
    names.OPERATION,
    names.PROVIDER,
    names.REQUEST_MODEL,
    "server.address",
    "server.port",
)
"""What every metric of a call of a model has of its request."""


class ModelMetrics:
    """Records what calls of models took and cost.

    Args:
        version: The names in force.
        meter: The client's.
    """

    def __init__(self, version: Names, meter: Meter) -> None:
        self._version = version
        self._durations = {
            name: meter.create_histogram(
                name,
                unit="s",
                description="Duration of operations of a model.",
                explicit_bucket_boundaries_advisory=names.SECONDS,
            )
            for name in {version.duration, *version.durations.values()}
        }
        self._first_chunk = meter.create_histogram(
            version.first_chunk,
            unit="s",
            description="Time until the first chunk of a stream.",
            explicit_bucket_boundaries_advisory=names.SECONDS,
        )
        self._each_chunk = meter.create_histogram(
            version.each_chunk,
            unit="s",
            description="Time from one chunk of a stream to the next.",
            explicit_bucket_boundaries_advisory=names.SECONDS,
        )
        metrics = {metric.name: metric for some in version.tokens.values() for metric in some}
        self._tokens = {
            name: _count(meter, name) if metric.is_counter else _spread(meter, name)
            for name, metric in metrics.items()
        }

    def start(self, asked: dict[str, Any], gaps: list[float] | None = None) -> Measure:
        """Begin measuring one call; call what is returned at its end.

        Args:
            asked: The attributes of its request.
            gaps: Where the seconds between its chunks are gathered, or None if they are not.
        """
        measured = {name: asked[name] for name in MEASURED if name in asked}
        return partial(self._ended, measured, gaps)

    def _ended(
        self,
        asked: dict[str, Any],
        gaps: list[float] | None,
        seconds: float,
        attributes: dict[str, Any],
        size: int | None,  # noqa: ARG002 - as every Measure
        context: Context,
    ) -> None:
        version, operation = self._version, asked[names.OPERATION]
        model = attributes.get(names.RESPONSE_MODEL)
        told = asked if model is None else {**asked, names.RESPONSE_MODEL: model}
        error = attributes.get("error.type")
        with_error = told if error is None else {**told, "error.type": error}
        duration = self._durations[version.durations.get(operation, version.duration)]
        duration.record(seconds, with_error, context)
        if names.FIRST_CHUNK in attributes:
            self._first_chunk.record(attributes[names.FIRST_CHUNK], told, context)
        for gap in gaps or ():
            self._each_chunk.record(gap, told, context)
        for metric in version.tokens.get(operation, version.tokens[""]):
            count = attributes.get(metric.attribute, 0 if metric.counts_none else None)
            if count is not None:
                shown = {**(with_error if metric.tells_error else told), **metric.more}
                self._tokens[metric.name](count, shown, context)


def _count(meter: Meter, name: str) -> Any:
    return meter.create_counter(name, unit="{token}", description="Tokens spent.").add


def _spread(meter: Meter, name: str) -> Any:
    histogram = meter.create_histogram(
        name,
        unit="{token}",
        description="Tokens of an operation.",
        explicit_bucket_boundaries_advisory=names.TOKENS,
    )
    return histogram.record
