"""Where events go: structlog or the standard library. Neither is ever configured from here."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKENDS = ("auto", "structlog", "stdlib", "off")
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Backend(Protocol):
    """A logger, as far as Penstock needs one."""

    def enabled(self, level: int) -> bool:
        """Tell whether anybody would see an event of *level*."""
        ...

    def emit(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Hand an event over."""
        ...


class Off:
    """No log at all."""

    def enabled(self, level: int) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def emit(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Drop the event."""


class Stdlib:
    """A logger of the standard library: the event is the message, the fields are the record's.

    Args:
        logger: The logger, or an adapter of one, whose own fields come along.
    """

    def __init__(self, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        own: dict[str, Any] = {}
        while isinstance(logger, logging.LoggerAdapter):
            own = {**(logger.extra or {}), **own}
            logger = logger.logger
        self._own = own
        self._log = logger.log
        self.enabled = logger.isEnabledFor

    def emit(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        self._log(level, event, extra={**self._own, **fields})


class Structlog:
    """A structlog logger: the event is the event, the fields are its keywords.

    Args:
        logger: A bound logger, or the proxy that `structlog.get_logger` gives.
    """

    def __init__(self, logger: Any) -> None:
        # What it has is looked up on its class: some loggers take any name for a level's.
        has = type(logger)
        if hasattr(has, "bind"):
            logger = logger.bind()  # once: a proxy assembles a logger for each event
            has = type(logger)
        self._emit = {level: getattr(logger, name) for name, level in LEVELS.items()}
        # structlog's logger over the standard library has only that one's name before 26.1.
        asks = [name for name in ("is_enabled_for", "isEnabledFor") if hasattr(has, name)]
        self.enabled = getattr(logger, asks[0]) if asks else _always

    def emit(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        self._emit[level](event, **fields)


def choose(name: str, given: Any) -> Backend:
    """Return the backend of one client.

    Args:
        name: One of `BACKENDS`. `auto` is structlog where the application has configured it, since
            elsewhere it prints to the standard output, and otherwise the logger `penstock`.
        given: The client's own logger, which comes before either; or None.
    """
    if name == "off":
        return Off()
    if isinstance(given, (logging.Logger, logging.LoggerAdapter)):
        return Stdlib(given)
    if given is not None:
        return Structlog(given)
    if name == "structlog" or (name == "auto" and _structlog_is_configured()):
        import structlog

        return Structlog(structlog.get_logger("penstock"))
    return Stdlib(_quiet_logger())


def _always(level: int) -> bool:  # noqa: ARG001 - stands for a logger's own
    return True


def _structlog_is_configured() -> bool:
    structlog = sys.modules.get("structlog")  # whoever has not imported it has not configured it
    return structlog is not None and structlog.is_configured()


def _quiet_logger() -> logging.Logger:
    """Return the logger `penstock`, which prints nothing unless the application says where to."""
    logger = logging.getLogger("penstock")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    return logger
