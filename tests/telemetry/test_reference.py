"""The telemetry reference: the page has every name the code emits, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.events import HAS_EVENTS

from .scenarios import Told, play

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry-reference.md").read_text("utf-8")
EVERY_EVENT = {"trace_id", "span_id", "trace_flags"}


@pytest.fixture(scope="module")
def told() -> Told:
    backend = Told()
    with pytest.MonkeyPatch.context() as environ:
        prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT"
        environ.setenv(f"{prefix}_REQUEST", "accept")
        environ.setenv(f"{prefix}_RESPONSE", "x-request-id")
        environ.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT")
        play(backend)
    return backend


def rows(heading: str) -> dict[str, str]:
    """Return the rows of the table below a heading of the page: the rest of each by its names."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([^`]+)`", first) if line.startswith("| `") else ():
            found[name] = " ".join(rest)
    assert found
    return found


def unlisted(names: set[str], table: dict[str, str]) -> list[str]:
    """Return the names that no row has; `{…}` in a row stands for a word."""
    patterns = [re.sub(r"\\\{.*?\\\}", r"\\S+", re.escape(name)) for name in table]
    return sorted(
        name for name in names if not any(re.fullmatch(pattern, name) for pattern in patterns)
    )


def unseen(names: set[str], table: dict[str, str]) -> list[str]:
    """Return the rows that no name is of."""
    return [row for row in table if unlisted(names, {row: ""}) == sorted(names)]


def scope_of(span: ReadableSpan) -> str:
    assert span.instrumentation_scope is not None
    return span.instrumentation_scope.name


def named(told: Told, kind: str, scope: str = "penstock") -> set[str]:
    return {
        name
        for span in told.spans
        if span.kind.name == kind and scope_of(span) == scope
        for name in span.attributes or {}
    }


@pytest.mark.parametrize(
    ("kind", "scope", "heading"),
    [
        ("INTERNAL", "penstock", "Attributes of a call's span"),
        ("CLIENT", "penstock", "Attributes of a send's span"),
        ("CLIENT", "penstock.genai", "Attributes of a model call's span"),
    ],
)
def test_attributes_of_spans(kind: str, scope: str, heading: str, told: Told) -> None:
    """Every attribute of each kind of span is in its table, and each row is one that is seen."""
    names, table = named(told, kind, scope), rows(heading)
    assert (unlisted(names, table), unseen(names, table)) == ([], [])


def test_names_of_spans(told: Told) -> None:
    """Every name a span has is of a form in the table."""
    names, table = {span.name for span in told.spans}, rows("Spans")
    assert (unlisted(names, table), unseen(names, table)) == ([], [])


def test_metrics(told: Told) -> None:
    """Every metric is in the table with its unit and every attribute it has; each is seen."""
    table = rows("Metrics")
    assert set(told.metrics) == set(table)
    for name, (unit, attributes) in told.metrics.items():
        assert f"`{unit}`" in table[name]
        assert [attribute for attribute in attributes if f"`{attribute}`" not in table[name]] == []


def test_events(told: Told) -> None:
    """Every event is in the table, at its level, with every field it has; and each was seen."""
    table = rows("Log events")
    assert {event for event, _, _ in told.lines} == set(table)
    for event, level, fields in told.lines:
        assert level in table[event]
        names = fields.keys() - EVERY_EVENT
        assert [name for name in names if f"`{name}`" not in table[event]] == []


def test_events_of_models(told: Told) -> None:
    """Every event of a model is in the table, and has what the page says that its span has.

    With an API that has no events there are none.
    """
    (name,), attributes = rows("Events of models"), rows("Attributes of a model call's span")
    said = {name for name in attributes if name.endswith((".messages", ".definitions"))}
    ours = {name for name in attributes if name.startswith("penstock.")}
    seen: set[str] = set()
    for record in told.records:
        log = record.log_record
        assert (log.event_name, log.severity_number.name) == (name, "INFO")
        assert not any(isinstance(log.attributes[name], str) for name in said & set(log.attributes))
        seen.update(log.attributes)
    assert unlisted(seen, attributes) == []
    assert (said <= seen) == bool(told.records) == HAS_EVENTS
    assert not seen & ours


def test_the_values_of_an_outcome(told: Told) -> None:
    """Where the page lists the values of an attribute, no other is emitted."""
    for name, kind, heading in (
        ("penstock.outcome", "INTERNAL", "Attributes of a call's span"),
        ("penstock.stream.outcome", "INTERNAL", "Attributes of a call's span"),
        ("penstock.retry.stopped", "INTERNAL", "Attributes of a call's span"),
        ("penstock.circuit.state", "INTERNAL", "Attributes of a call's span"),
        ("penstock.retry.source", "CLIENT", "Attributes of a send's span"),
    ):
        listed = set(re.findall(r"`([^`]+)`", rows(heading)[name]))
        seen = {
            (span.attributes or {})[name]
            for span in told.spans
            if span.kind.name == kind and name in (span.attributes or {})
        }
        assert seen
        assert seen <= listed
