"""JSON logs for an application in one line, and a filter for what HTTP libraries log.

A library never calls `configure_json`: Penstock logs to `penstock` and configures nothing.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from penstock.current_span import current_span_context
from penstock.errors import InvalidOption
from penstock.redact import REDACTED, safe_header, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["JSONFormatter", "RedactFilter", "configure_json"]

_OF_A_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
_LEVELS = {"debug", "info", "warning", "error", "critical"}

_HTTP_LIBRARIES = frozenset({"httpx", "httpx2", "httpcore", "httpcore2"})
_HEADER = re.compile(r"\(b(?P<name>'[^']*'), b(?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\)")
_SOCKS_AUTH = re.compile(r"\bauth=\(b('[^']*'|\"[^\"]*\"), b('[^']*'|\"[^\"]*\")\)")


class RedactFilter(logging.Filter):
    """Take credentials out of what httpx, httpcore and hpack log; let everything else by.

    httpx logs URLs with their queries (info), httpcore the headers of responses and the password of
    a SOCKS proxy (debug), hpack every header, the `Authorization` of HTTP/2 requests among them, as
    text and compressed (debug): hpack's lines are dropped. Put it on a handler: a filter on a
    logger does not see what the loggers below it log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact *record* in place; False drops it."""
        library = record.name.partition(".")[0]
        if library == "hpack":
            return record.levelno > logging.DEBUG
        if library in _HTTP_LIBRARIES:
            text = _SOCKS_AUTH.sub(f"auth={REDACTED}", record.getMessage())
            record.msg = safe_text(_HEADER.sub(_safe_pair, text))
            record.args = None
        return True


class JSONFormatter(logging.Formatter):
    """A log record as one JSON object in a line.

    It has `timestamp` (RFC 3339, UTC), `level`, `logger`, `event` (the message), the record's own
    fields, the ids of the current span where the record has none, and `exception`, whose URLs are
    redacted.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {
            **_current_ids(),
            **{name: value for name, value in vars(record).items() if name not in _OF_A_RECORD},
            "timestamp": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = safe_text(self.formatException(record.exc_info))
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        return _json(told)


class _JSONHandler(logging.StreamHandler[TextIO]):
    """The handler `configure_json` adds, told apart from the application's own."""


def configure_json(level: str = "info", *, stream: TextIO | None = None) -> logging.Handler:
    """Have the process log JSON, an object a line: Penstock's events and everybody else's.

    One handler goes to the root logger, with a `JSONFormatter` and a `RedactFilter`; those that are
    there stay. Called again it replaces the one it added. An application that has configured
    structlog does not need it: Penstock's events go there then.

    Args:
        level: The least level that is logged: `debug`, `info`, `warning`, `error`, `critical`.
        stream: Where the lines go; standard error unless given.

    Returns:
        The handler.

    Raises:
        InvalidOption: *level* is none of these.
    """
    if level not in _LEVELS:
        raise InvalidOption(f"level must be one of {', '.join(sorted(_LEVELS))}, not {level!r}")
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _JSONHandler):
            root.removeHandler(handler)
    handler = _JSONHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter())
    handler.addFilter(RedactFilter())
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler


def _safe_pair(match: re.Match[str]) -> str:
    value = match["value"][1:-1]
    safe = safe_header(match["name"][1:-1], value)
    return match.group() if safe == value else f"(b{match['name']}, b'{safe}')"


def _current_ids() -> Mapping[str, str]:
    context = current_span_context()
    if context is None:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def _json(told: dict[str, Any]) -> str:
    try:
        return json.dumps(told, default=_text, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        # A key that is no string, a number JSON has no word for, a value that holds itself.
        return json.dumps({name: _text(value) for name, value in told.items()})


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a log line is not lost for a value that cannot be shown
        return REDACTED
