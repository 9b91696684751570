"""The laws of reading Retry-After."""

from __future__ import annotations

import math
import time
import timeit

import httpx
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock_middleware.retry.retry_after import LONGEST, parse_retry_after

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT

SECONDS = {
    "120": 120.0,
    "0": 0.0,
    "007": 7.0,
    "1.5": 1.5,
    "0.25": 0.25,
    "  7  ": 7.0,
    "\t7": 7.0,
    "9" * 20: LONGEST,
    "9" * 5000: LONGEST,
    "1" + "0" * 400 + ".5": LONGEST,
}
NONSENSE = [
    *("-10", "", " ", "abc", "5s", "0x10", "120;q=1", "nan", "NaN", "inf", "-inf", " +Infinity "),
    *("1e3", "1e999", "-1e999", "1_000", "+5", ".5", "5.", "1.2.3", "1 2"),
    *("\u0663", "\u00b2", "\uff17", "7\n", "\u00a07", "7\x85"),
]
DATES = {
    "Fri, 15 Jan 2027 08:00:30 GMT": 30.0,
    "  Fri, 15 Jan 2027 08:00:30 GMT  ": 30.0,
    "Friday, 15-Jan-27 08:00:30 GMT": 30.0,
    "Fri Jan 15 08:00:30 2027": 30.0,
    "Mon Feb  1 08:00:00 2027": 17 * 86_400.0,
    "Fri, 15 Jan 2027 08:00:00 GMT": 0.0,
    "Fri, 15 Jan 2027 07:59:30 GMT": 0.0,
    "Sun, 17 Jan 2027 08:00:30 GMT": 172_830.0,
    "Fri, 15 Jan 2027 08:00:60 GMT": 60.0,
    "Sun, 29 Feb 2032 08:00:00 GMT": 1871 * 86_400.0,
    "Fri, 31 Dec 9999 23:59:59 GMT": LONGEST,
    "Mon, 01 Jan 0001 00:00:00 GMT": 0.0,
}
IMPOSSIBLE = [
    "2027-01-15T08:00:30Z",
    "Fri, 29 Sep 100000 16:26:57 GMT",
    "Wed, 31 Feb 2027 10:00:00 GMT",
    "Mon, 29 Feb 2027 10:00:00 GMT",
    "Zun, 29 Sep 2023 16:26:27 GMT",
    "Zunday, 15-Jan-27 08:00:30 GMT",
    "Fri, 15 Jän 2027 08:00:30 GMT",
    "Fri, 15 Jan 2027 08:00:30 EST",
    "Fri, 15 Jan 2027 08:00:30",
    "Fri, 15 Jan 2027 24:00:00 GMT",
    "Fri, 15 Jan 2027 08:60:00 GMT",
    "Fri, 15 Jan 2027 08:00:61 GMT",
    "Fri, 00 Jan 2027 08:00:00 GMT",
    "Fri, 15 Jan 0000 08:00:00 GMT",
    "Fri, \u0661\u0665 Jan 2027 08:00:30 GMT",
    "Fri, 15-Jan-27 08:00:30 GMT",
    "Friday, 15 Jan 2027 08:00:30 GMT",
]


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def headers(request):
    return request.param.Headers


class Text(dict[str, str]):
    """Headers that take any text: no encoding stands between it and the parser."""


@pytest.mark.parametrize(("value", "expected"), SECONDS.items())
def test_seconds(value, expected):
    """Whole and fractional seconds are the wait, and a number too large is the longest wait."""
    assert parse_retry_after(Text({"retry-after": value}), NOW) == expected


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense(value):
    """What is not 1*DIGIT ["." 1*DIGIT] in ASCII is no hint."""
    assert parse_retry_after(Text({"retry-after": value}), NOW) is None


@pytest.mark.parametrize(("value", "expected"), DATES.items())
def test_dates(headers, value, expected):
    """Each of the three HTTP-dates is a moment in UTC, and a past one is no wait."""
    assert parse_retry_after(headers({"Retry-After": value}), NOW) == expected


@pytest.mark.parametrize("value", IMPOSSIBLE)
def test_impossible_dates(value):
    """A date of another form, or one that no calendar has, is no hint."""
    assert parse_retry_after(Text({"retry-after": value}), NOW) is None


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Wednesday, 15-Jan-76 08:00:00 GMT", 1_546_300_800.0),
        ("Friday, 15-Jan-77 08:00:00 GMT", 1_577_923_200.0),
        ("Saturday, 15-Jan-77 08:00:01 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
    ],
)
def test_two_digit_years(date, expected):
    """A two-digit year is the latest that is not more than 50 years ahead (RFC 9110 §5.6.7)."""
    assert parse_retry_after(Text({"retry-after": date}), NOW) == expected


def test_two_digit_years_across_a_century():
    """A two-digit year may lie in the next century."""
    new_years_eve_2099 = 4_102_444_799.0
    headers = Text({"retry-after": "Friday, 01-Jan-00 00:00:09 GMT"})
    assert parse_retry_after(headers, new_years_eve_2099) == 10.0


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Fri, 15 Jan 2027 08:10:00 GMT", 30.0),
        ("Friday, 15-Jan-27 08:10:00 GMT", 30.0),
        (" Fri Jan 15 08:10:00 2027 ", 30.0),
        ("Fri, 15 Jan 2027 08:20:00 GMT", 0.0),
        ("Sat, 16 Jan 2027 08:00:00 GMT", 0.0),
        ("Thu, 14 Jan 2027 08:00:00 GMT", 87_030.0),
        ("Thu, 14 Jan 2027 07:59:59 GMT", 630.0),
        ("Sat, 16 Jan 2027 08:00:01 GMT", 630.0),
        ("Fri, 31 Feb 2027 08:10:00 GMT", 630.0),
        ("yesterday", 630.0),
        ("", 630.0),
        (None, 630.0),
    ],
)
def test_server_clock(headers, date, expected):
    """A date is measured by the server's clock if its Date is readable and within a day of ours."""
    given_headers = {"Retry-After": "Fri, 15 Jan 2027 08:10:30 GMT"}
    if date is not None:
        given_headers["Date"] = date
    assert parse_retry_after(headers(given_headers), NOW) == expected


def test_seconds_need_no_clock(headers):
    """The server's Date says nothing about a wait given in seconds."""
    parsed = parse_retry_after(
        headers({"Retry-After": "5", "Date": "Fri, 15 Jan 2027 08:10:00 GMT"}), NOW
    )
    assert parsed == 5.0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["120, 60"], 120.0),
        (["60", "120"], 120.0),
        (["abc", "7", "-1"], 7.0),
        (["7,, ,"], 7.0),
        (["Fri, 15 Jan 2027 08:00:30 GMT", "20"], 30.0),
        (["40, Friday, 15-Jan-27 08:00:30 GMT, Fri Jan 15 08:00:50 2027"], 50.0),
        (["Fri, 15 Jan 2027 08:00:30 GMT, Fri, 15 Jan 2027 08:00:20 GMT"], 30.0),
        (["abc", "def"], None),
        ([","], None),
    ],
)
def test_lists(headers, lines, expected):
    """Of several values, on one line or on many, the longest valid wait counts."""
    several = headers([("Retry-After", line) for line in lines])
    assert parse_retry_after(several, NOW) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ("1500", 1.5),
        (" 0 ", 0.0),
        ("0.5", 0.0005),
        ("100, 300", 0.3),
        ("9" * 400, LONGEST),
        ("abc", 90.0),
        ("inf", 90.0),
        ("-5", 90.0),
        ("", 90.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 90.0),
    ],
)
def test_milliseconds(headers, milliseconds, expected):
    """A valid retry-after-ms wins over Retry-After, and an invalid one is not there."""
    both = headers({"Retry-After-Ms": milliseconds, "Retry-After": "90"})
    assert parse_retry_after(both, NOW) == expected


def test_no_hint(headers):
    """A response without either header gives no hint."""
    assert parse_retry_after(headers({"Date": "Fri, 15 Jan 2027 08:10:00 GMT"}), NOW) is None


@pytest.mark.parametrize(
    ("date", "wait"),
    [
        ("Fri Jan 15 08:00:30 2027", 30.0),
        ("Friday, 15-Jan-77 07:00:00 GMT", 18_263 * 86_400 - 3600.0),  # not yet fifty years
    ],
)
def test_time_zone(monkeypatch, date, wait):
    """A date is UTC whatever the local time zone, and so is the century of its year."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        parsed = parse_retry_after(Text({"retry-after": date}), NOW)
    time.tzset()
    assert parsed == wait


DATE_LIKE = st.lists(
    st.sampled_from(
        [
            *(
                "Fri",
                "Friday",
                ", ",
                ",",
                " ",
                "-",
                ":",
                ".",
                "GMT",
                "Jan",
                "Feb",
                "15",
                "31",
                "27",
            ),
            *("2027", "0000", "9999", "08:00:30", "23:59:60", "99:99:99", "9" * 400, "\u0663"),
        ]
    ),
    max_size=40,
).map("".join)
ANY_TEXT = st.text(max_size=10_000) | st.text(st.characters(codec="latin-1"), max_size=10_000)


@settings(max_examples=150)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["retry-after", "retry-after-ms", "date"], ANY_TEXT | DATE_LIKE)
    )
)
def test_any_text(values):
    """Whatever the headers hold, the answer is None or a finite number from 0 to LONGEST."""
    parsed = parse_retry_after(Text(values), NOW)
    assert parsed is None or (math.isfinite(parsed) and 0 <= parsed <= LONGEST)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("9" * 5000, 0.001),
        ("9" * 10_000, 0.001),
        ("9" * 9_998 + ".9", 0.001),
        ("1." * 5000, 0.001),
        (" " * 10_000, 0.02),
        ("\t" * 9_999 + ",", 0.02),
        ("," * 10_000, 0.02),
        ("1," * 5000, 0.05),
        ("Fri," * 2500, 0.05),
        ("Fri, 15 Jan 2027 08:00:30 GMT," * 333, 0.05),
    ],
    ids=[
        *("digits", "more-digits", "fraction", "dots", "spaces", "tabs", "commas"),
        *("numbers", "weekdays", "dates"),
    ],
)
def test_linear_time(value, seconds):
    """Ten thousand characters are read in milliseconds, and one long number in less than one."""
    headers = Text({"retry-after": value, "date": value})
    assert min(timeit.repeat(lambda: parse_retry_after(headers, NOW), number=1, repeat=7)) < seconds
