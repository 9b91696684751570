"""How long a response asks its client to wait: `Retry-After` and `retry-after-ms`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = 2.0**31
"""The longest wait that is told apart, in seconds: what RFC 9111 §1.2.2 makes of a number too
large to represent. It is about 68 years, so whoever sets a cap sees it exceeded."""

MAX_SKEW = 86_400.0
"""The greatest difference between the server's clock and ours, in seconds, at which the server's
`Date` is believed. A header further off than a day comes from a cache or a broken clock."""

# RFC 9110 §10.2.3 gives 1*DIGIT; servers in use send fractions too. ASCII only: `\d` and `float`
# would accept the digits of every script, signs, exponents, "inf" and "nan".
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")

# RFC 9110 §5.6.7. Names are English whatever the locale, which is why strptime has no part here.
_DAY = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_FULL_DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-5][0-9]|60)"
_DATES = (
    re.compile(f"(?:{_DAY}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(f"(?:{_FULL_DAY}), (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(f"(?:{_DAY}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)

# One item of a list. The comma after a weekday belongs to the date, not to the list.
_ITEM = re.compile(f"[ \t]*(?:(?:{_DAY}|{_FULL_DAY}),)?[^,]+")


class HeaderLookup(Protocol):
    """What is asked of headers: find a name in any case, several lines joined by commas."""

    def get(self, name: str, /) -> str | None:
        """Return the value of the header *name*, or None."""
        ...


def parse_retry_after(headers: HeaderLookup, wall: float) -> float | None:
    """Return how long a response asks its client to wait.

    `retry-after-ms` (milliseconds, sent by OpenAI-shaped services) wins over `Retry-After`
    (RFC 9110 §10.2.3: seconds or an HTTP-date; fractions of a second are accepted too). Of several
    values the longest wait counts, and values that make no sense count for nothing. A date is
    measured against the response's own `Date`, because the server chose it by its own clock; it is
    measured against *wall* when `Date` is missing, unreadable or more than a day from *wall*.

    Args:
        headers: The response's headers: `httpx.Headers` or alike.
        wall: The local wall clock, in seconds since the epoch.

    Returns:
        Seconds, from 0 to `LONGEST`, or None when the response gives no usable hint. A cap below
        `LONGEST` is the caller's to set.
    """
    milliseconds = _longest(headers.get("retry-after-ms"), _number)
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST)

    def wait(item: str) -> float | None:
        number = _number(item)
        if number is not None:
            return number
        date = _http_date(item, wall)
        return None if date is None else max(date - _server_time(headers, wall), 0.0)

    seconds = _longest(headers.get("retry-after"), wait)
    return None if seconds is None else min(seconds, LONGEST)


def _longest(value: str | None, parse: Callable[[str], float | None]) -> float | None:
    waits = (parse(item) for item in _items(value or ""))
    return max((wait for wait in waits if wait is not None), default=None)


def _items(value: str) -> Iterator[str]:
    return (match[0].strip(" \t") for match in _ITEM.finditer(value))


def _number(text: str) -> float | None:
    # Unlike `int`, `float` has no limit on digits: it gives inf for what is too large.
    return float(text) if _NUMBER.fullmatch(text) else None


def _server_time(headers: HeaderLookup, wall: float) -> float:
    date = _http_date((headers.get("date") or "").strip(" \t"), wall)
    return wall if date is None or abs(date - wall) > MAX_SKEW else date


def _http_date(text: str, wall: float) -> float | None:
    """Read one of the three HTTP-dates of RFC 9110 §5.6.7 as seconds since the epoch."""
    for form in _DATES:
        match = form.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    month = _MONTHS.index(match["month"]) + 1
    day, hour, minute = int(match["day"]), int(match["hour"]), int(match["minute"])
    # 60 is a leap second, which no datetime can hold.
    second = int(match["second"])
    year = int(match["year"])
    if len(match["year"]) == 2:  # noqa: PLR2004 - the digits that rfc850-date gives
        year = _full_year(year, (month, day, hour, minute, second), wall)
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() + second
    except ValueError:
        return None


def _full_year(two_digits: int, rest: tuple[int, ...], wall: float) -> int:
    """Return the latest year with these digits that is at most 50 years ahead (RFC 9110 §5.6.7)."""
    now = datetime.fromtimestamp(wall, UTC)
    limit = now.year + 50
    year = limit - (limit - two_digits) % 100
    if year == limit and rest > (now.month, now.day, now.hour, now.minute, now.second):
        year -= 100
    return year
