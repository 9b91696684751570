"""`penstock.logging`: JSON logs in one line, and nothing secret in what HTTP libraries log."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import hpack
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider

import penstock
from penstock import InvalidOption
from penstock.logging import JSONFormatter, RedactFilter, configure_json
from penstock.testing import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.demo import DemoServer


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def told(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_of_a_call(out: io.StringIO) -> None:
    """It is an object in a line: time, level, logger, event, the fields, the ids of its span."""
    configure_json(stream=out)
    provider = TracerProvider(shutdown_on_exit=False)
    with penstock.Client(
        "https://api.example.com", transport=Script([200]), tracer_provider=provider
    ) as client:
        client.get("/v1/models", log_fields={"tenant": "t1"})
    (line,) = told(out)
    assert (line["level"], line["logger"]) == ("info", "penstock")
    assert (line["event"], line["http.response.status_code"]) == ("http.call.completed", 200)
    assert (line["tenant"], len(line["trace_id"]), len(line["span_id"])) == ("t1", 32, 16)
    assert line["timestamp"].endswith("Z")


def test_a_line_of_the_applications_own(out: io.StringIO) -> None:
    """It has the ids of the span it was written in, so that it is found beside the calls'."""
    configure_json(stream=out)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    logging.getLogger("shop").info("outside")
    with tracer.start_as_current_span("checkout") as span:
        logging.getLogger("shop").warning("paid %d", 7)
    outside, inside = told(out)
    assert "trace_id" not in outside
    assert (inside["event"], inside["level"]) == ("paid 7", "warning")
    assert inside["trace_id"] == f"{span.get_span_context().trace_id:032x}"


class Unshown:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        ({1, 2}, "{1, 2}"),
        ({("a", "b"): 1}, "{('a', 'b'): 1}"),
        (Unshown(), "REDACTED"),
        ([1, None], [1, None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_json_has_no_word_for(value: Any, shown: Any) -> None:
    """It becomes text; the line is never lost."""
    record = logging.makeLogRecord({"name": "shop", "msg": "it", "value": value})
    assert json.loads(JSONFormatter().format(record))["value"] == shown


def test_an_exception(out: io.StringIO) -> None:
    """Its traceback is one field, the URLs in it redacted."""
    configure_json(stream=out)
    try:
        raise ValueError("GET https://u:hush@example.com/?token=hush")
    except ValueError:
        logging.getLogger("shop").exception("failed", stack_info=True)
    (line,) = told(out)
    assert (
        "ValueError: GET https://REDACTED:REDACTED@example.com/?token=REDACTED" in line["exception"]
    )
    assert "Stack (most recent call last)" in line["stack"]


def test_called_twice(out: io.StringIO) -> None:
    """The second call replaces the handler of the first, and leaves the application's own."""
    own = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(own)
    replaced = configure_json("warning", stream=io.StringIO())
    handler = configure_json("debug", stream=out)
    logging.getLogger("shop").debug("once")
    assert [line["event"] for line in told(out)] == ["once"]
    assert {own, handler} <= set(logging.getLogger().handlers)
    assert replaced not in logging.getLogger().handlers


def test_a_level_that_is_none() -> None:
    """It is an error that says which there are."""
    with pytest.raises(InvalidOption, match="level must be one of critical, debug"):
        configure_json("loud")


@pytest.mark.parametrize("http_client", [False, True], ids=["owned", "httpx"])
def test_what_http_libraries_log(http_client: bool, out: io.StringIO, server: DemoServer) -> None:
    """At debug, neither a response's cookies nor a query nor the key is in any line."""
    configure_json("debug", stream=out)
    url = f"{server.url}/redirect-to?url=/echo%3Ftoken=hush-hush"
    with httpx.Client(trust_env=False) as below:
        own: dict[str, Any] = {"http_client": below} if http_client else {"trust_env": False}
        with penstock.Client(server.url, api_key="hush-hush-key", **own) as client:
            client.get(url, allow_absolute=True, headers={"Cookie": "a=hush-hush"})
    libraries = {line["logger"].partition(".")[0] for line in told(out)}
    assert libraries == {"httpcore", "penstock"} | ({"httpx"} if http_client else set())
    assert "hush-hush" not in out.getvalue()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("x [(b'Set-Cookie', b'sid=hush')]", "x [(b'Set-Cookie', b'REDACTED')]"),
        ("x [(b'X-My-Token', b\"it's\")]", "x [(b'X-My-Token', b'REDACTED')]"),
        ("x [(b'Server', b'it\\'s')]", "x [(b'Server', b'it\\'s')]"),
        (
            "x [(b'location', b'/a?key=hush&page=12')]",
            "x [(b'location', b'/a?key=REDACTED&page=12')]",
        ),
        (
            "setup_socks5_connection.started auth=(b'me', b\"it's hush\") timeouts={}",
            "setup_socks5_connection.started auth=REDACTED timeouts={}",
        ),
    ],
)
def test_headers_in_httpcores_lines(message: str, shown: str) -> None:
    """The values of sensitive headers are replaced; the others stay."""
    record = logging.makeLogRecord({"name": "httpcore.http11", "msg": message})
    assert RedactFilter().filter(record)
    assert record.getMessage() == shown


def test_hpack_says_nothing(out: io.StringIO) -> None:
    """Its debug lines have every header of a request, as text and compressed: none goes by."""
    configure_json("debug", stream=out)
    encoded = hpack.Encoder().encode([(b"authorization", b"Bearer hush-hush")])
    hpack.Decoder().decode(encoded)
    logging.getLogger("hpack.hpack").warning("told")
    assert [line["event"] for line in told(out)] == ["told"]


def test_others_are_let_by() -> None:
    """A record of anybody else's is left as it is."""
    record = logging.makeLogRecord({"name": "shop", "msg": "%s", "args": ("https://a/?b=c",)})
    assert RedactFilter().filter(record)
    assert record.args == ("https://a/?b=c",)
