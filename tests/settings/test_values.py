"""What each value must be: bad input is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.settings import (
    LoggingSettings,
    RetrySettings,
    Settings,
    SettingsError,
    TracingSettings,
)

from .support import problems

INF, NAN = float("inf"), float("nan")
SECONDS = "must be a finite number of seconds >= 0"
NO_NUMBER = "must be a number of seconds"
NO_URL = "is not a URL"
NO_SPACE = "has a space, a backslash or a control character"
NO_PROXY = "must begin with http://, https://, socks5://, socks5h://"
MASKED = "holds masked credentials, not the credentials themselves"
UNPRINTABLE = "has a line end, a control character or a character outside ASCII"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("base_url", "example.com", "must begin with http://, https://"),
        ("base_url", "ftp://example.com", "must begin with http://, https://"),
        ("base_url", "sk-live-key", "must begin with http://, https://"),
        ("base_url", "", "must begin with http://, https://"),
        ("base_url", "https://", "has no host"),
        ("base_url", "https:///v1", "has no host"),
        ("base_url", "https://:443", "has no host"),
        ("base_url", "https://user:pw@example.com", "has credentials in it"),
        ("base_url", "https://@example.com", "has credentials in it"),
        ("base_url", "https://example.com?key=1", "has a query or a fragment"),
        ("base_url", "https://example.com#x", "has a query or a fragment"),
        ("base_url", "https://exa mple.com", NO_SPACE),
        ("base_url", "https://example.com\n", NO_SPACE),
        ("base_url", "https://exam\u200bple.com", NO_SPACE),
        ("base_url", "https:\\\\example.com", NO_SPACE),
        ("base_url", "https://[::1", NO_URL),
        ("base_url", "https://example.com:99999", NO_URL),
        ("base_url", "https://example.com:x", NO_URL),
        ("base_url", "https://example.com:0", NO_URL),
        ("base_url", 5, "must be text"),
        ("api_key", "", "the key is empty: pass the key, or leave it out"),
        ("api_key", 5, "the key must be a string, not int"),
        ("api_key", "**********", "is a masked value, not the key itself"),
        ("api_key", "****WXYZ", "is a masked value, not the key itself"),
        ("timeout", -1, SECONDS),
        ("timeout", -0.001, SECONDS),
        ("timeout", NAN, SECONDS),
        ("timeout", INF, SECONDS),
        ("timeout", "nan", SECONDS),
        ("timeout", "soon", NO_NUMBER),
        ("timeout", True, NO_NUMBER),
        ("timeout", [3], NO_NUMBER),
        ("timeout", 10**400, NO_NUMBER),
        ("deadline", -1, SECONDS),
        ("deadline", "off", NO_NUMBER),
        ("headers", {"X-A": "a\r\nX-B: b"}, UNPRINTABLE),
        ("headers", {"X-A": "a\n"}, UNPRINTABLE),
        ("headers", {"X-A": "é"}, UNPRINTABLE),
        ("headers", {"X-A": 5}, "must be text"),
        ("headers", {"X-Api-Key": "****WXYZ"}, "is a masked value, not the value itself"),
        ("headers", {"X A": "a"}, "has a name that no header can have"),
        ("headers", {"X\r\n": "a"}, "has a name that no header can have"),
        ("headers", {"": "a"}, "has a name that no header can have"),
        ("headers", [("X-A", "a")], "must be a table"),
        ("proxy", "proxy.example:3128", NO_PROXY),
        ("proxy", "socks4://proxy.example", NO_PROXY),
        ("proxy", "http://user:pw@", "has no host"),
        ("proxy", "http://p.example/path", "has a path, a query or a fragment"),
        ("proxy", "http://REDACTED:REDACTED@p.example", MASKED),
        ("verify", 5, "must be true, false or the path of a CA bundle"),
        ("verify", " ", "must be true, false or the path of a CA bundle"),
        ("trust_env", "maybe", "must be a valid boolean, unable to interpret input"),
        ("user_agent", "a\r\nb", UNPRINTABLE),
        ("retry.max_retries", -1, "must be a whole number >= 0"),
        ("retry.max_retries", True, "must be a whole number"),
        ("retry.max_retries", 2.5, "must be a whole number"),
        ("retry.max_retries", 2.0, "must be a whole number"),
        ("retry.max_retries", "2.5", "must be a whole number"),
        ("retry.max_retries", None, "must be a whole number"),
        ("retry.base_delay", -1, SECONDS),
        ("retry.max_delay", INF, SECONDS),
        ("retry.retry_after_cap", NAN, SECONDS),
        ("retry.over_cap", "wait", "must be 'clamp' or 'stop'"),
        ("tracing.stream_span_end", "end", "must be 'body' or 'headers'"),
        ("logging.level", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("logging.backend", 3, "must be 'auto', 'structlog', 'stdlib' or 'off'"),
    ],
)
def test_a_bad_value_is_refused(path: str, value: object, message: str) -> None:
    """Each wrong value is one clear problem, for arguments and for changes alike."""
    *tables, name = path.split(".")
    changes: dict[str, Any] = {name: value}
    for table in tables:
        changes = {table: changes}
    for make in (Settings, Settings().replace):
        with pytest.raises(SettingsError) as caught:
            make(**changes)
        (problem,) = caught.value.problems
        assert problem.message == message
        assert problem.path.startswith(path)


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\x7f", "\t", "é", "“", "\u2028"])
def test_a_key_that_no_header_can_carry_is_refused(bad: str) -> None:
    """The character and its place are told, the key is not."""
    with pytest.raises(SettingsError) as caught:
        Settings(api_key=f"sk-{bad}live")
    assert f"has the character U+{ord(bad):04X} at position 3" in str(caught.value)
    assert "live" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"base_url": "HTTPS://api.example.com:8443/v1/"}, "HTTPS://api.example.com:8443/v1/"),
        ({"base_url": "http://[::1]:8000"}, "http://[::1]:8000"),
        ({"base_url": "http://localhost"}, "http://localhost"),
        ({"timeout": 0}, 0.0),
        ({"timeout": "2.5"}, 2.5),
        ({"timeout": None}, None),
        ({"proxy": "http://user:p%40ss@p.example:3128/"}, "http://user:p%40ss@p.example:3128/"),
        ({"proxy": "socks5h://p.example:1080"}, "socks5h://p.example:1080"),
        ({"verify": Path("/etc/ssl/ca.pem")}, "/etc/ssl/ca.pem"),
        ({"verify": False}, False),
        ({"headers": {"X-A": ""}}, {"X-A": ""}),
        ({"headers": {"X-A": "a\tb ~"}}, {"X-A": "a\tb ~"}),
        ({"user_agent": "acme/1.0 (+https://acme.example)"}, "acme/1.0 (+https://acme.example)"),
    ],
)
def test_a_good_value_is_kept(changes: dict[str, Any], kept: object) -> None:
    """Values at the edge of what is allowed come through as they were given."""
    (name,) = changes
    assert getattr(Settings(**changes), name) == kept


def test_all_problems_are_told_at_once() -> None:
    """One error lists everything that is wrong, one line each."""
    with pytest.raises(SettingsError) as caught:
        Settings(
            timeout=-1, headers={"X-A": "\n", "B": "ok"}, retry={"max_retries": True}, nonsense=1
        )
    assert [path for path, _ in problems(caught.value)] == [
        "nonsense",
        "headers.X-A",
        "timeout",
        "retry.max_retries",
    ]
    assert len(str(caught.value).splitlines()) == 5


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (RetrySettings, {"max_retries": True}),
        (TracingSettings, {"enabled": "maybe"}),
        (LoggingSettings, {"level": "loud"}),
        (RetrySettings, {"max_retris": 3}),
    ],
)
def test_a_table_on_its_own_is_refused_the_same_way(section: Any, values: dict[str, Any]) -> None:
    """A table made outside of settings raises our error, not pydantic's."""
    for make in (lambda: section(**values), lambda: section.model_validate(values)):
        with pytest.raises(SettingsError) as caught:
            make()
        (problem,) = caught.value.problems
        assert problem.path == next(iter(values))
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@settings(max_examples=100)
@given(st.integers() | st.floats() | st.booleans() | st.text(max_size=6) | st.none())
def test_a_timeout_is_none_or_finite_and_not_negative(value: Any) -> None:
    """Whatever is given, what is kept is None or a number of seconds."""
    try:
        kept = Settings(timeout=value).timeout
    except SettingsError:
        return
    assert kept is None or 0 <= kept < INF
    assert not isinstance(value, bool)


@settings(max_examples=100)
@given(st.text(max_size=12).map(lambda text: f"https://{text}") | st.text(max_size=20))
def test_a_base_url_is_refused_or_safe(url: str) -> None:
    """No text at all gets out of the check as anything but our error."""
    try:
        kept = Settings(base_url=url).base_url
    except SettingsError:
        return
    assert kept == url
    assert url.lower().startswith(("http://", "https://"))
    assert "@" not in url.split("/")[2]
