"""What engines log of themselves, kept from showing a secret."""

from __future__ import annotations

import logging
from functools import cache

from penstock.logging import RedactFilter

_LOGGERS = (
    *(
        f"{engine}.{part}"
        for engine in ("httpcore", "httpcore2")
        for part in ("connection", "http11", "http2", "proxy", "socks")
    ),
    "hpack.hpack",
    "hpack.table",
)


@cache
def redact_engine_logs() -> None:
    """Take credentials out of what engines log at debug, of whichever client's requests.

    httpcore logs the headers of responses, hpack those of requests: cookies, redirects with tokens
    in their queries, the key. Each writes to these loggers, so a filter there sees every record.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(RedactFilter())
