"""What the default rule goes by; apart from `rule`, which imports tenacity."""

STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Statuses that a repeat can change (RFC 9110 §15.5-15.6, RFC 6585 §4)."""

UNPROCESSED = frozenset({408, 409, 429, 503})
"""Statuses that say the request was not processed, so that a repeat cannot do it twice."""

IDEMPOTENT = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "QUERY", "TRACE"})
"""Methods that may be repeated (RFC 9110 §9.2.2)."""
