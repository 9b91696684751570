"""JSON both ways: faster where that is installed, and never different for it."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penstock
from penstock import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.floats(-1e-3, 1e-3)
    | st.text(st.characters())
)
_KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner) | st.tuples(inner, inner),
    max_leaves=8,
)
_DOCUMENTS = (
    _VALUES.map(json.dumps)
    | st.text('{}[]",:0123456789.eE+-truefalsn\\ud8\x00 \t\n')
    | st.text(st.sampled_from("0123456789.eE+-")).map(lambda text: f"[{text}]")
)

# How long an example takes is the business of whatever else the machine does.
_unhurried = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def _outcome(call: Callable[[Any], Any], value: Any) -> Any:
    try:
        return repr(call(value))
    except (TypeError, ValueError, RecursionError) as error:
        return type(error)


@pytest.fixture
def nothing_faster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("orjson", "msgspec"):
        monkeypatch.setitem(sys.modules, name, None)
    codec.encoder.cache_clear()
    codec.decoder.cache_clear()
    yield
    codec.encoder.cache_clear()
    codec.decoder.cache_clear()


def test_the_extra_is_used() -> None:
    """Where orjson and msgspec are installed, they do the work."""
    assert codec.standard_encode is not codec.encoder()
    assert codec.standard_decode is not codec.decoder()


@pytest.mark.usefixtures("nothing_faster")
def test_nothing_need_be_installed() -> None:
    """Without the extra the standard library does it."""
    assert codec.encode({"a": [1, None]}) == b'{"a":[1,null]}'
    assert codec.decode(b' {"a": [1, null]}') == {"a": [1, None]}
    assert codec.standard_encode is codec.encoder()
    assert codec.standard_decode is codec.decoder()


@_unhurried
@given(_VALUES)
def test_the_bytes_are_the_same(value: Any) -> None:
    """What is sent does not depend on what is installed, nor does what is refused."""
    assert _outcome(codec.standard_encode, value) == _outcome(codec.encode, value)


@_unhurried
@given(_DOCUMENTS)
def test_the_values_are_the_same(document: str) -> None:
    """What a document means does not depend on what is installed, nor does what is refused."""
    for text in (document, document.encode("utf-8", "surrogatepass")):
        assert _outcome(json.loads, text) == _outcome(codec.standard_decode, text)
        assert _outcome(json.loads, text) == _outcome(codec.decode, text)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "é\u2028\x7f\x00"], "b": None},
        [1e16, 1e22, 1e-5, 1e-7, 5e-324, -0.0, 0.0001],
        {1: 2, None: 3, False: 4, 1.5: 5},
        2**64,
        "null e- 0.0000",
    ],
)
def test_a_body_is_as_httpx_sends_it(value: Any) -> None:
    """Separators, characters and numbers are httpx's own."""
    assert httpx.Request("POST", "https://x.test", json=value).content == codec.encode(value)


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": -math.inf}, {1, 2}, b"x", "\ud800"])
def test_what_has_no_form_is_refused(value: Any) -> None:
    """No number becomes null, and no bytes become text."""
    with pytest.raises((TypeError, ValueError)):
        codec.encode(value)


def test_one_that_writes_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orjson whose numbers are spelt otherwise is left alone."""
    import orjson

    class Older:
        dumps = staticmethod(lambda *_: b"1e16")

        def __getattr__(self, name: str) -> Any:
            return getattr(orjson, name)

    monkeypatch.setitem(sys.modules, "orjson", Older())  # type: ignore[arg-type]  # it stands in
    codec.encoder.cache_clear()
    try:
        assert codec.standard_encode is codec.encoder()
    finally:
        codec.encoder.cache_clear()


@pytest.mark.parametrize("family", [httpx, httpx2])
@pytest.mark.parametrize(
    "content",
    [
        b'{"a": [1, 2.5, null, 123456789012345678901234567890]}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"é": 1}'.encode("utf-16"),
        '{"é": 1}'.encode("utf-32-le"),
        b"[NaN, 1e400]",
        b' "\\ud800" ',
    ],
)
def test_a_response_is_read_as_its_family_reads_it(family: Any, content: bytes) -> None:
    """`response.json()` gives what httpx's own gives, in any encoding of Unicode."""
    transport = family.MockTransport(lambda _: family.Response(200, content=content))
    with penstock.Client("https://x.test", transport=transport) as client:
        response = client.get("/")
    assert repr(family.Response(200, content=content).json()) == repr(response.json())
    assert response.json(parse_int=str) == family.Response(200, content=content).json(parse_int=str)
