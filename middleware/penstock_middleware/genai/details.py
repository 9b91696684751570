"""The event of one call of a model: what was asked and said, for who keeps that apart from traces.

Imported where it is asked for, and not before: the API of logs is not yet a stable one.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import (
    Logger,
    NoOpLogger,
    SeverityNumber,
    get_logger_provider,
)
from opentelemetry._logs._internal import ProxyLoggerProvider

from penstock import __version__
from penstock_middleware.genai import names
from penstock_middleware.genai.content import as_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from penstock import Call
    from penstock_middleware.genai.content import Said


def logger_of(provider: Any, schema_url: str) -> Logger | None:
    """Return where events go, or None where nobody listens.

    Args:
        provider: A logger provider, or None for the global one.
        schema_url: Whose names are used.
    """
    if "event_name" not in inspect.signature(Logger.emit).parameters:
        return None  # an API from before events
    if provider is None:
        provider = get_logger_provider()
        if isinstance(provider, ProxyLoggerProvider):
            return None
    logger: Logger = provider.get_logger(names.SCOPE, __version__, schema_url=schema_url)
    return None if isinstance(logger, NoOpLogger) else logger


class Details:
    """Tells of one call when it ends: a `Measure`.

    Args:
        logger: Where to.
        call: The call.
        asked: What its span has from its start, less what was said.
        to_model: What was said to the model: see `said_to_model`.
        said: Gathers what the model says.
    """

    __slots__ = ("_asked", "_call", "_logger", "_said", "_to_model")

    def __init__(
        self,
        logger: Logger,
        call: Call,
        asked: Mapping[str, Any],
        to_model: Mapping[str, Any],
        said: Said,
    ) -> None:
        self._logger = logger
        self._call = call
        self._asked = asked
        self._to_model = to_model
        self._said = said

    def __call__(
        self,
        seconds: float,  # noqa: ARG002 - as every Measure
        attributes: dict[str, Any],
        size: int | None,  # noqa: ARG002 - as above
        context: Context,
    ) -> None:
        """Tell what was asked, what became of it, and what was said, in structured form."""
        said = {**self._to_model, **self._said.by_model()}
        told = {**self._asked, **attributes}
        self._logger.emit(
            timestamp=int(self._call.runtime.wall() * 1e9),
            context=context,
            severity_number=SeverityNumber.INFO,
            attributes={
                **{name: value for name, value in told.items() if not name.startswith("penstock.")},
                **as_values(said, self._call.scope.secrets),
            },
            event_name=names.DETAILS,
        )
