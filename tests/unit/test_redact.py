"""The laws of what may be shown."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import InvalidOption, Secret, safe_header, safe_text, safe_url, scrub
from penstock.redact import (
    REDACTED,
    SENSITIVE_HEADERS,
    SHOWN_QUERY_KEYS,
    hide_key,
    is_sensitive_header,
    key_problem,
    scrub_bytes,
)

KEY = "sk-law-0123456789"
REFUSED = {
    "": "api_key is empty: pass the key, or leave it out",
    " k": "api_key has the character U+0020 at position 0",
    "k ": "api_key has the character U+0020 at position 1",
    "k\n": "api_key has the character U+000A at position 1",
    "a\rb": "api_key has the character U+000D at position 1",
    "a\x00b": "api_key has the character U+0000 at position 1",
    "a\x7fb": "api_key has the character U+007F at position 1",
    "ab\u2019": "api_key has the character U+2019 at position 2",
}


@pytest.mark.parametrize("value", REFUSED)
def test_what_no_header_may_carry_is_no_key(value: str) -> None:
    """The position and the code point are named, and the value is not."""
    advice = (
        ", which no HTTP header may carry there: was it copied with a line end, a space or a smart "
        "quote?"
    )
    expected = REFUSED[value] + (advice if value else "")
    assert key_problem(value) == expected
    with pytest.raises(InvalidOption) as refused:
        Secret(value)
    assert str(refused.value) == expected
    assert key_problem(value, "token") == expected.replace("api_key", "token", 1)
    with pytest.raises(InvalidOption, match=r"^token "):
        Secret(value, name="token")


@pytest.mark.parametrize("value", ["!", "~", "a b", "sk-0", "a=b&c"])
def test_what_a_header_may_carry_is_a_key(value: str) -> None:
    """Any printable ASCII is, with spaces inside."""
    assert key_problem(value) is None
    assert Secret(value).reveal() == value


def test_a_key_is_a_string() -> None:
    """Anything else is refused by its type."""
    assert key_problem(7) == "api_key must be a string, not int"
    assert key_problem(b"k", "token") == "token must be a string, not bytes"


def test_a_secret_shows_nothing() -> None:
    """No repr, format or pickle has it; a copy is itself; two of the same value are equal."""
    secret = Secret(KEY)
    assert (repr(secret), str(secret), f"{secret}") == ("Secret(***)", "***", "***")
    with pytest.raises(TypeError) as refused:
        pickle.dumps(secret)
    assert str(refused.value) == (
        "a secret does not pickle: hand the key over in the process that uses it"
    )
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    assert secret == Secret(KEY)
    assert hash(secret) == hash(Secret(KEY))
    assert secret != Secret("another")
    assert secret != KEY


def test_a_refused_key_is_in_no_frame() -> None:
    """A traceback that shows the locals of our frames does not show a key that was refused."""
    bad = KEY + "\n"
    with pytest.raises(InvalidOption) as refused:
        Secret(bad)
    shown = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename.endswith("penstock/redact.py")]
    assert ours
    assert all(KEY not in str(frame.locals) for frame in ours)


def test_a_key_among_arguments_is_put_away() -> None:
    """In place: a string becomes a secret, anything else stays, a bad one empties them."""
    given: dict[str, Any] = {"api_key": KEY, "timeout": 1}
    hide_key(given)
    assert given == {"api_key": Secret(KEY), "timeout": 1}
    for others in ({"timeout": 1}, {"api_key": None}, {"api_key": Secret(KEY)}):
        kept = dict(others)
        hide_key(kept)
        assert kept == others
    bad: dict[str, Any] = {"api_key": KEY + "\n", "timeout": 1}
    with pytest.raises(InvalidOption, match=r"^api_key has the character U\+000A"):
        hide_key(bad)
    assert bad == {}


@pytest.mark.parametrize(
    "name",
    [
        *sorted(SENSITIVE_HEADERS),
        *("X-Token", "My-Secret", "Passwd", "X-Credentials", "X-Signature", "Session-Id"),
        *("ApiKey", "access_key", "Auth", "x-auth", "auth-x", "X_Key", "Key", "jwt", "X-Sig"),
    ],
)
def test_a_sensitive_header(name: str) -> None:
    """Its value is never shown, however it is spelled."""
    for spelled in (name, name.upper(), name.title()):
        assert is_sensitive_header(spelled)
        assert safe_header(spelled, KEY) == "REDACTED"


@pytest.mark.parametrize("name", ["Content-Type", "X-Request-Id", "Monkey", "Author", "Design"])
def test_any_other_header(name: str) -> None:
    """Its value is shown as it is."""
    assert safe_header(name, "https://h/?q=1") == "https://h/?q=1"


@pytest.mark.parametrize("name", ["Location", "referer", "LINK"])
def test_a_header_that_is_a_url(name: str) -> None:
    """It is shown as a URL is."""
    assert safe_header(name, "https://u:p@h/?q=1#f") == ("https://REDACTED:REDACTED@h/?q=REDACTED")


URLS = {
    "https://h/p": "https://h/p",
    "https://h/p#token=1": "https://h/p",
    "https://h/p?": "https://h/p?",
    "https://h/?a=1&b=2": "https://h/?a=REDACTED&b=REDACTED",
    "https://h/?a=1#b?c=2": "https://h/?a=REDACTED",
    "https://h/?a=1=2?3": "https://h/?a=REDACTED",
    "https://h/?flag&a=": "https://h/?flag&a=REDACTED",
    "https://h/?Page_Size=1&page.size=2&PAGE=3": "https://h/?Page_Size=1&page.size=2&PAGE=3",
    "https://h/?%70age=1&api+version=2": "https://h/?%70age=1&api+version=REDACTED",
    "https://u:p@h/": "https://REDACTED:REDACTED@h/",
    "https://u@h/": "https://REDACTED:REDACTED@h/",
    "https://u:p@ss@h/": "https://REDACTED:REDACTED@h/",
    "https://h/@p?next=https://u:p@h/": "https://h/@p?next=REDACTED",
    "/p?a=1": "/p?a=REDACTED",
}


@pytest.mark.parametrize("url", URLS)
def test_a_url(url: str) -> None:
    """Userinfo, fragment and query values are hidden, and what stays keeps its spelling."""
    assert safe_url(url) == URLS[url]


def test_keys_that_may_be_shown() -> None:
    """Who knows better says which query values may be seen."""
    assert safe_url("https://h/?a.b=1&page=2", shown={"a-b"}) == "https://h/?a.b=1&page=REDACTED"
    shown = "&".join(f"{key}=1" for key in sorted(SHOWN_QUERY_KEYS))
    assert safe_url(f"/?{shown}") == f"/?{shown}"


def test_text() -> None:
    """Each URL in a text is made safe, and each secret taken out."""
    text = f"<https://u:p@h/?q=1> and 'http://i/#f': {KEY}, not //x?q=1"
    assert safe_text(text, [Secret(KEY)]) == (
        "<https://REDACTED:REDACTED@h/?q=REDACTED> and 'http://i/': REDACTED, not //x?q=1"
    )
    assert safe_text(KEY) == KEY


@pytest.mark.parametrize("length", [3, 4])
def test_a_secret_of_a_few_characters(length: int) -> None:
    """One of three would blank words out, one of four is taken out."""
    value = "k123"[:length]
    expected = "a REDACTED b" if length == 4 else f"a {value} b"
    assert scrub(f"a {value} b", [Secret(value)]) == expected
    assert scrub_bytes(f"a {value} b".encode(), [Secret(value)]) == expected.encode()


def test_a_secret_that_begins_like_another() -> None:
    """The longer one leaves no rest, whichever is known first."""
    short, long = Secret("sk-law"), Secret("sk-law-0123")
    for secrets in ([short, long], [long, short]):
        assert scrub("sk-law-0123 sk-law", secrets) == "REDACTED REDACTED"
        assert scrub_bytes(b"sk-law-0123 sk-law", secrets) == b"REDACTED REDACTED"


SPELLED = st.text("xyz:@-._~%!$'()*+,;=", max_size=12)


@settings(max_examples=150)
@given(user=SPELLED, values=st.lists(SPELLED, max_size=3), fragment=SPELLED)
def test_nothing_of_a_credential_is_in_a_url(user: str, values: list[str], fragment: str) -> None:
    """Whatever userinfo, query values and fragment are, none of their characters is shown."""
    query = "&".join(f"Q={value}" for value in values)
    shown = safe_url(f"HTTPS://{user}@H/P?{query}#{fragment}")
    hidden = "&".join(["Q=REDACTED"] * len(values))
    assert shown == f"HTTPS://{REDACTED}:{REDACTED}@H/P?{hidden}"


@settings(max_examples=150)
@given(
    secrets=st.lists(st.text("abc-", min_size=4, max_size=9).map(Secret), max_size=4),
    text=st.text("abc- ", max_size=40),
)
def test_no_secret_is_in_a_scrubbed_text(secrets: list[Secret], text: str) -> None:
    """Whatever the secrets and the text, none is left, in a body neither."""
    scrubbed = scrub(text, secrets)
    assert scrub_bytes(text.encode(), secrets) == scrubbed.encode()
    assert not any(secret.reveal() in scrubbed for secret in secrets)
