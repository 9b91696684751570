"""The laws of what every event has in common, and of what is not told at all."""

from __future__ import annotations

import logging
import sys
from typing import Any

import httpx
import pytest

from penstock import Call, InvalidOption, Stack
from penstock.middleware import Logging, RaiseForStatus, Retry
from penstock.testing import Reply

from .telemetry import BASE_URL, Rig

Entries = list[Any]

at_info = pytest.mark.parametrize("log", ["info"], indirect=True)
at_warning = pytest.mark.parametrize("log", ["warning"], indirect=True)


def test_ids(log: Entries, colour: Any) -> None:
    """Every event has the ids of the span it belongs to: the call's, also at the end of a body."""
    rig = Rig(colour, [503, Reply(chunks=[b"one"])])
    rig.read()
    (call,) = rig.recorder.calls
    assert call.context is not None
    ids = (f"{call.context.trace_id:032x}", f"{call.context.span_id:016x}")
    assert len(log) == 6
    assert {(entry["trace_id"], entry["span_id"]) for entry in log} == {ids}


def test_no_ids_without_a_span(log: Entries, colour: Any) -> None:
    """Where there is no span, no event has ids."""
    rig = Rig(colour, [503, 200], tracer_provider=None)
    rig.get()
    assert [entry.keys() & {"trace_id", "span_id"} for entry in log] == [set()] * len(log)


def test_log_fields(log: Entries, colour: Any) -> None:
    """A call's own fields are on each of its events; Penstock's own keep their meaning."""
    rig = Rig(colour, [503, 200])
    fields = {"tenant": "acme", "http.request.method": "mine", "event": "mine", "name": "mine"}
    rig.get(log_fields=fields)
    assert len(log) == 4
    for entry in log:
        assert (entry["tenant"], entry["event_"], entry["name_"]) == ("acme", "mine", "mine")
        assert entry.get("http.request.method") in {"GET", "mine"}
    assert log[-1]["http.request.method"] == "GET"


def test_secrets_do_not_show(log: Entries, colour: Any) -> None:
    """No key shows: not in a failure's text, a field of the call's, nor what the server sends."""
    key = "sk-canary-93d1"
    error = httpx.ConnectError(f"proxy https://me:{key}@proxy.example/?token={key} refused {key}")
    echo = Reply(200, headers={"X-Request-Id": f"for {key}"})
    rig = Rig(colour, [error, echo], api_key=key)
    url = httpx.URL(BASE_URL, params={"key": key})
    rig.get(f"/v1/{key}?key={key}", log_fields={"seen": key, "at": url, "in": [{"key": key}, 1]})
    for reply in (error, ValueError(f"a bug with {key} at {url}")):
        rig.script.reply(reply)
        rig.get(f"/v1/{key}?key={key}", max_retries=0)
    assert {entry["event"] for entry in log} >= {"http.call.completed", "http.call.failed"}
    assert key not in repr(log)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_of_a_call(level: str, log: Entries, colour: Any) -> None:
    """`http.call.completed` has the level asked for."""
    rig = Rig(colour, [200], stack=Stack([Logging(level=level), Retry()]))
    rig.get()
    assert (log[-1]["event"], log[-1]["log_level"]) == ("http.call.completed", level)


@at_warning
def test_what_nobody_hears_is_not_made(
    log: Entries, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event below the level is not put together, and a call whose events all are is silent."""

    def refuse(*_: Any) -> None:
        raise AssertionError("nobody asked")

    for name in ("call_ended", "call_cancelled", "stream_opened", "stream_closed", "target_of"):
        monkeypatch.setattr(f"penstock_middleware.logging_.events.{name}", refuse)
    rig = Rig(colour, [503, 200])
    rig.get()
    rig.script.reply(Reply(chunks=[b"one"]))
    rig.read()
    assert log == []


@pytest.mark.parametrize(("log", "subscribers"), [("error", 0), ("warning", 1)], indirect=["log"])
def test_facts_nobody_hears(subscribers: int, log: Entries, colour: Any) -> None:
    """Where no fact would be told, none is listened to."""
    seen: list[int] = []

    async def watch(request: Any, call_next: Any) -> Any:
        seen.append(len(Call.of(request)._subscribers))
        return await call_next(request)

    rig = Rig(colour, [Reply(chunks=[b"one"])], stack=Stack([RaiseForStatus(), Logging(), watch]))
    rig.read()
    assert (seen, log) == ([subscribers], [])


def test_a_logger_that_is_turned_up_in_between(colour: Any, caplog: Any) -> None:
    """What nobody heard at the beginning of a call is not told at its end, and harms nothing."""
    logger = logging.getLogger("penstock.turned-up")
    logger.setLevel("ERROR")

    async def turn_up(request: Any, call_next: Any) -> Any:
        logger.setLevel("DEBUG")
        return await call_next(request)

    rig = Rig(colour, [Reply(chunks=[b"one"])], stack=Stack([Logging(), turn_up]), logger=logger)
    assert rig.read(operation="things.list") is None
    (opened,) = [record for record in caplog.records if record.msg == "http.stream.opened"]
    assert vars(opened)["penstock.operation.name"] == "things.list"
    assert "server.address" not in vars(opened)


@at_info
def test_without_opentelemetry(log: Entries, colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that has not imported OpenTelemetry has no ids, and it stays so."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    rig = Rig(colour, [200], stack=Stack([Logging()]))
    rig.get()
    assert "trace_id" not in log[0]
    assert "opentelemetry.trace" not in sys.modules


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"backend": "loguru"},
            "backend must be one of auto, structlog, stdlib, off, not 'loguru'",
        ),
        ({"level": "loud"}, "level must be one of debug, info, warning, error, not 'loud'"),
    ],
)
def test_wrong_options(options: Any, said: str) -> None:
    """A wrong option is refused at construction."""
    with pytest.raises(InvalidOption) as caught:
        Logging(**options)
    assert caught.value.message == said


@pytest.mark.parametrize("middleware", ["Logging()", "Logging(backend='stdlib', level='debug')"])
def test_reprs(middleware: str) -> None:
    """A repr is what makes its like."""
    assert repr(eval(middleware)) == middleware
