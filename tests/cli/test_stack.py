"""`penstock stack show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from penstock import Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from click.testing import Result


def test_the_standard_stack(invoke: Callable[..., Result]) -> None:
    """It is a line for each middleware, in order, with the line at `Retry`."""
    lines = invoke("stack", "show").output.splitlines()
    names = [line.partition("(")[0] for line in lines if not line.startswith("──")]
    assert names == [type(layer).__name__ for layer in Stack.standard()]
    divider = next(at for at, line in enumerate(lines) if line.startswith("──"))
    assert lines[divider + 1].startswith("Retry(")


def test_the_settings_in_force(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A middleware that the settings turn off is not in it."""
    monkeypatch.setenv("PENSTOCK_TRACING__ENABLED", "false")
    assert "Tracing" not in invoke("stack", "show").output


def test_as_json(invoke: Callable[..., Result]) -> None:
    """Each middleware has its name, its zone and what it does."""
    document = json.loads(invoke("stack", "show", "--json").output)
    assert document["schema"] == 1
    zones = {layer["name"]: layer["zone"] for layer in document["middleware"]}
    assert (zones["Deadline"], zones["Retry"], zones["Auth"]) == ("call", "divides", "attempt")
    assert all(layer["summary"] for layer in document["middleware"])
