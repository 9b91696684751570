"""The laws of what is read from elsewhere: any text has a meaning or a typed error."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock import Settings, SettingsError, StreamError
from penstock.streaming.ndjson import NDJSONDecoder
from penstock.streaming.sse import SSEDecoder
from penstock_middleware.retry.retry_after import parse_retry_after

LINES = [b"data:", b"data: ", b"event: e", b"id: 1", b"retry: 5", b":", b"\xef\xbb\xbf", b"\xff"]
LINES += [b"\n", b"\r", b"\r\n", b"\n\n", b"{}", b"[DONE]", b"\x00", b'{"a": 1}', b"x" * 70]
STREAMS = st.lists(st.sampled_from(LINES) | st.binary(max_size=6), max_size=30).map(b"".join)


@settings(max_examples=300)
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 200), max_size=6))
@pytest.mark.parametrize("decoder", [SSEDecoder, NDJSONDecoder])
def test_how_a_stream_is_cut_changes_nothing(decoder: Any, stream: bytes, cuts: list[int]) -> None:
    """Events are the same in whatever pieces their bytes come, or is the error that ends them."""

    def read(pieces: list[bytes]) -> Any:
        events: list[Any] = []
        reading = decoder(max_event_bytes=64)
        try:
            for piece in pieces:
                events += reading.feed(piece)
            events += reading.close()
        except StreamError as error:
            return type(error)
        return [(event.event, event.raw, event.id, event.retry) for event in events]

    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert read(pieces) == read([stream[at : at + 1] for at in range(len(stream))])


NOW = 1_700_000_000.0
WAITS = st.one_of(
    st.text(max_size=20),
    st.text("0123456789.-+eE, msNaInf", max_size=14),
    st.text("0123456789:, -GMTWedOct", max_size=34),
    st.dates().map(lambda day: day.strftime("%a, %d %b %Y 25:61:61 GMT")),
    st.sampled_from(["9" * 400, "1e999", "-0", "Wed, 31 Feb 2026 00:00:00 GMT", "\u0661", "0x1"]),
)


@settings(max_examples=500)
@given(
    fields=st.dictionaries(
        st.sampled_from(["Retry-After", "Retry-After-Ms", "Date", "X-RateLimit-Reset"]), WAITS
    )
)
def test_whatever_retry_after_says(fields: dict[str, str]) -> None:
    """A finite number of seconds that is not negative comes of it, or none."""
    folded = {name.lower(): value for name, value in fields.items()}

    class Lookup:
        def get(self, name: str) -> str | None:
            return folded.get(name.lower())

    wait = parse_retry_after(Lookup(), NOW)
    assert wait is None or (wait >= 0 and math.isfinite(wait))


TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["timeout", "retry.", "max_retries", "[retry]", "[profiles.x]", " = "])
        | st.sampled_from(["=", "\n", '"', "'", "[", "]", "1", "-1", "nan", "true", "{", "}", ":"]),
        max_size=14,
    ).map("".join),
)


@pytest.mark.parametrize("kind", ["toml", "json", "yaml"])
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_whatever_a_settings_file_says(kind: str, text: str, tmp_path: Any) -> None:
    """Settings come of it, or an error that is ours."""
    file = tmp_path / f"penstock.{kind}"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        loaded = Settings.load(config_file=file, environ={})
    except SettingsError:
        return
    assert isinstance(loaded, Settings)


KEY = "sk-law-0123456789"
NAMES = ["PENSTOCK_TIMEOUT", "PENSTOCK_BASE_URL", "PENSTOCK_RETRY__MAX_RETRIES", "PENSTOCK_RETRY"]
NAMES += ["PENSTOCK_HEADERS", "PENSTOCK_VERIFY", "PENSTOCK_PROFILE"]


@settings(max_examples=40)
@given(environ=st.dictionaries(st.sampled_from(NAMES), TEXTS))
def test_whatever_the_environment_says(environ: dict[str, str]) -> None:
    """Settings come of it, or an error that is ours; the key is shown in neither."""
    try:
        shown = str(Settings.load(environ={**environ, "PENSTOCK_API_KEY": KEY}).explain())
    except SettingsError as error:
        shown = str(error)
    assert KEY not in shown
