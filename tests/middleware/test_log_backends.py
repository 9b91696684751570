"""The laws of where events go, and of what happens when they cannot."""

from __future__ import annotations

import io
import json
import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import CapturingLogger, LogCapture, capture_logs

from penstock import Stack
from penstock.middleware import Logging, Retry, Tracing

from .telemetry import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPLETED = "http.call.completed"


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """An application that has configured nothing, and may."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def rig_of(colour: Any, *replies: Any, layer: Logging | None = None, **options: Any) -> Rig:
    return Rig(colour, replies or [200], stack=Stack([layer or Logging()]), **options)


def configure(*processors: Any, **options: Any) -> LogCapture:
    """Configure structlog as an application does."""
    capture = LogCapture()
    options.setdefault("wrapper_class", structlog.make_filtering_bound_logger("info"))
    structlog.configure(processors=[*processors, capture], **options)
    return capture


def logger_with(handler: logging.Handler) -> logging.Logger:
    """Return a logger of a client's own, apart from all others."""
    logger = logging.Logger("shop", logging.INFO)  # noqa: LOG001 - nobody else is to find it
    logger.addHandler(handler)
    return logger


def test_the_standard_library(colour: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Where structlog is not configured, events are records of the logger `penstock`."""
    with caplog.at_level(logging.INFO, "penstock"):
        rig_of(colour).get()
    (record,) = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == ("penstock", "INFO", COMPLETED)
    fields = vars(record)
    assert fields["http.response.status_code"] == 200
    assert fields["duration_s"] == 0.0


def test_fields_reach_a_formatter(colour: Any) -> None:
    """A formatter that writes what a record has beyond the usual writes every field."""
    usual = vars(logging.makeLogRecord({})).keys() | {"message", "taskName"}

    class JSON(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            fields = {name: value for name, value in vars(record).items() if name not in usual}
            return json.dumps({"message": record.getMessage(), **fields})

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JSON())
    logger = logger_with(handler)
    taken = {"message": "m", "args": "a", "exc_info": "e", "tenant": "acme"}
    rig_of(colour, logger=logger).get(log_fields=taken)
    told = json.loads(written.getvalue())
    assert told == {
        "message": COMPLETED,
        "message_": "m",
        "args_": "a",
        "exc_info_": "e",
        "tenant": "acme",
        "http.request.method": "GET",
        "server.address": "api.example.com",
        "http.response.status_code": 200,
        "penstock.attempts": 1,
        "duration_s": 0.0,
    }


def test_a_logger_adapter(colour: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An adapter's own fields come along, whatever adapters it adapts."""
    inner = logging.LoggerAdapter(logging.getLogger("shop"), {"shop": 7, "shelf": 1})
    with caplog.at_level(logging.INFO, "shop"):
        rig_of(colour, logger=logging.LoggerAdapter(inner, {"shelf": 2})).get()
    fields = vars(caplog.records[0])
    assert (fields["shop"], fields["shelf"], fields["http.request.method"]) == (7, 2, "GET")


def test_structlog_where_it_is_configured(colour: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Where the application has configured structlog, events go there and nowhere else."""
    capture = configure()
    with caplog.at_level(logging.DEBUG, "penstock"):
        rig_of(colour).get()
    assert [entry["event"] for entry in capture.entries] == [COMPLETED]
    assert caplog.records == []


def test_chosen_at_the_first_call(colour: Any) -> None:
    """What is configured after a client was made and before its first call counts."""
    rig = rig_of(colour, 200, 200)
    capture = configure()
    rig.get()
    rig.get()
    assert len(capture.entries) == 2


def test_each_client_has_its_own(colour: Any) -> None:
    """One stack in two clients writes to the logger of each."""
    layer = Logging()
    first, second = CapturingLogger(), CapturingLogger()
    for logger in (first, second):
        rig_of(colour, layer=layer, logger=logger).get()
    assert first.calls
    assert first.calls == second.calls


def test_a_given_logger_comes_first(colour: Any) -> None:
    """The client's own logger is used whatever is configured."""
    elsewhere, own = configure(), CapturingLogger()
    rig_of(colour, logger=own).get()
    assert elsewhere.entries == []
    assert own.calls[0].args == (COMPLETED,)


@pytest.mark.parametrize(
    ("backend", "structured", "standard"),
    [("auto", 1, 0), ("structlog", 1, 0), ("stdlib", 0, 1), ("off", 0, 0)],
)
def test_the_backend_asked_for(
    backend: str, structured: int, standard: int, colour: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A backend asked for by name is used, and `off` is no log at all."""
    capture = configure()
    with caplog.at_level(logging.INFO, "penstock"):
        rig_of(colour, layer=Logging(backend=backend)).get()
    assert (len(capture.entries), len(caplog.records)) == (structured, standard)


def test_off_means_off(colour: Any) -> None:
    """A client's own logger does not switch on what was switched off."""
    logger = CapturingLogger()
    rig_of(colour, layer=Logging(backend="off"), logger=logger).get()
    assert logger.calls == []


def test_structlog_over_the_standard_library(colour: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Where structlog hands over to the standard library, that one's level holds."""
    configure(
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logging.setLoggerClass(logging.Logger)  # LoggerFactory changes it for the whole process
    capture = structlog.get_config()["processors"][-1]
    for level, events in ((logging.WARNING, 0), (logging.INFO, 1)):
        caplog.set_level(level, "penstock")
        rig_of(colour).get()
        assert len(capture.entries) == events


def test_a_logger_that_takes_any_name(colour: Any) -> None:
    """A logger without a level check is asked for nothing but its levels' methods."""
    logger = CapturingLogger()
    rig_of(colour, 404, logger=logger).get()
    assert [call.method_name for call in logger.calls] == ["warning", "debug"]


def test_capture_logs(colour: Any) -> None:
    """`structlog.testing.capture_logs` captures what a client that was used before tells."""
    configure()
    rig = rig_of(colour, 200, 200)
    rig.get()
    with capture_logs() as entries:
        rig.get()
    assert [entry["event"] for entry in entries] == [COMPLETED]


def broken_processor(*_: Any) -> Any:
    raise RuntimeError("sk-canary")


def test_a_processor_that_fails(colour: Any) -> None:
    """What a processor raises fails no request; it is counted, and warned of once."""
    configure(broken_processor)
    layer = Logging()
    rig = rig_of(colour, 200, 404, 200, layer=layer)
    with pytest.warns(RuntimeWarning) as caught:
        results = [rig.get() for _ in range(3)]
    assert [result.status_code for result in results] == [200, 404, 200]
    assert layer.failures == 3
    (warning,) = caught
    assert str(warning.message) == (
        "http.call.completed was not logged: RuntimeError in a logger, processor or handler of the "
        "application's; requests go on, and Logging.failures counts"
    )


def test_a_failing_processor_where_warnings_are_errors(colour: Any) -> None:
    """Not even the warning fails a request."""
    configure(broken_processor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rig_of(colour).get().status_code == 200


class BrokenHandler(logging.Handler):
    def handle(self, record: logging.LogRecord) -> bool:
        raise OSError("disk full")


def test_a_handler_that_fails(colour: Any) -> None:
    """A handler that raises fails no request."""
    logger, layer = logger_with(BrokenHandler()), Logging()
    with pytest.warns(RuntimeWarning, match=r"was not logged: OSError"):
        assert rig_of(colour, layer=layer, logger=logger).get().status_code == 200
    assert layer.failures == 1


def broken_factory(*_: Any) -> Any:
    raise RuntimeError("no logger today")


def test_a_logger_that_cannot_be(colour: Any) -> None:
    """A logger that cannot be made is none, and the client works without."""
    configure(logger_factory=broken_factory)
    with pytest.warns(RuntimeWarning, match="nothing is logged"):
        assert rig_of(colour).get().status_code == 200


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_what_a_client_leaves_open(colour: Any) -> None:
    """An event told of an abandoned stream fails nothing either."""
    configure(broken_processor)
    layer = Logging()
    rig = Rig(colour, [200], stack=Stack([Tracing(), layer, Retry()]))
    with pytest.warns(RuntimeWarning):
        rig.abandon()
    assert layer.failures == 2
