"""The documentation is whole: what can be given, asked for or imported is on its page."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock import Client, RequestOptions, Settings, facts, middleware

from .pages import DOCS, python_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PUBLIC_MODULES = ["demo", "logging", "middleware", "settings", "streaming", "telemetry"]
PUBLIC_MODULES += ["testing", "transport"]
FACTS = [
    fact
    for name, fact in vars(facts).items()
    if name in penstock.__all__ and name != "AttemptRecord"  # what errors keep of them
]


def page_of(name: str) -> Path:
    """Return the page of a middleware: that of `AttemptTracing` is `attempt_tracing.md`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return DOCS / "middleware" / f"{words.lower()}.md"


def missing(names: Iterable[str], page: Path) -> list[str]:
    """Return the names that *page* does not show."""
    text = page.read_text("utf-8")
    return [name for name in names if f"`{name}" not in text]


def arguments_of(cls: type) -> list[str]:
    """Return the names a constructor takes."""
    return list(inspect.signature(cls).parameters)


@pytest.mark.parametrize("name", middleware.__all__)
def test_every_middleware_has_a_page(name: str) -> None:
    """Every middleware has a page: its default and one customised as examples, each argument."""
    assert len(python_of(page_of(name))) >= 2
    assert missing(arguments_of(getattr(middleware, name)), page_of(name)) == []


@pytest.mark.parametrize("module", ["penstock", *(f"penstock.{name}" for name in PUBLIC_MODULES)])
def test_the_reference_names_everything_public(module: str) -> None:
    """Every public name of `penstock` and its public modules is in the reference."""
    assert missing(importlib.import_module(module).__all__, DOCS / "reference.md") == []


def test_every_option_is_shown() -> None:
    """What one call may override and what a client is made with are on the page about options."""
    options = [field.name for field in fields(RequestOptions)] + arguments_of(Client)
    assert missing(options, DOCS / "options.md") == []


def test_every_setting_is_shown() -> None:
    """Every setting is on the page about settings."""
    settings = [path for path, *_ in Settings().explain()]
    assert missing(settings, DOCS / "settings.md") == []


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_is_shown_with_its_fields(fact: Any) -> None:
    """Every fact has a row with its fields where facts are explained."""
    rows = (DOCS / "pipeline.md").read_text("utf-8").splitlines()
    row = next((row for row in rows if row.startswith(f"| `{fact.__name__}` ")), "")
    assert [field for field in fact._fields if f"`{field}`" not in row] == []


def test_every_page_is_in_the_contents() -> None:
    """A page that the site's navigation leaves out is found by nobody."""
    contents = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    pages = [page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md"))]
    assert [page for page in pages if f" {page}\n" not in contents] == []
