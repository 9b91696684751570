"""The laws of who may import whom, and of what an import costs."""

from __future__ import annotations

import graphlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import penstock

from .sources import FRAMEWORK, WING, files, imports, module_of

if TYPE_CHECKING:
    from pathlib import Path

HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2"}
ALL = [*files(FRAMEWORK), *files(WING)]
OTHER_ROOMS = [
    file
    for file in ALL
    if not module_of(file).startswith(
        ("penstock.transport", "penstock.testing", "penstock.clients")
    )
]
"""The files that may not import an HTTP library. The clients may, as strangers do."""

HEAVY = {"click", "httpcore", "httpx", "httpx2", "opentelemetry", "pydantic", "pydantic_settings"}
HEAVY |= {"aiohttp", "rich", "structlog", "tenacity", "trio", "yaml"}

CLIENTS = FRAMEWORK / "clients"
FOR_CLIENTS = {"penstock", "penstock.middleware"}


HOMES = {name: f"penstock.{home}" for home, names in penstock._HOMES.items() for name in names}


def root(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("file", files(WING), ids=module_of)
def test_a_middleware_has_the_rights_of_a_stranger(file: Path) -> None:
    """What ships imports what a stranger may: public names, by `from penstock import …`."""
    for imported in imports(file):
        if root(imported.module) == "penstock":
            assert imported.module == "penstock"
            assert imported.name in penstock.__all__


@pytest.mark.parametrize("file", files(CLIENTS), ids=module_of)
def test_a_client_has_the_rights_of_a_stranger(file: Path) -> None:
    """The clients that ship are built on public names alone, and on their own files."""
    own = ".".join(module_of(file).split(".")[:3])
    for imported in imports(file):
        if root(imported.module) == "penstock" and not imported.module.startswith(own):
            assert imported.module in FOR_CLIENTS
            assert imported.module != "penstock" or imported.name in {None, *penstock.__all__}
        assert root(imported.module) != "penstock_middleware"


def test_the_framework_knows_no_middleware() -> None:
    """The other wing is named where it is shown, and where a stack asks for its list."""
    found = {
        (module_of(file), imported.function)
        for file in files(FRAMEWORK)
        for imported in imports(file)
        if root(imported.module) == "penstock_middleware" and not imported.typing_only
    }
    assert found == {
        ("penstock.middleware", None),
        ("penstock.stack", "production"),
        ("penstock.stack", "standard"),
        ("penstock.stack", "transport"),
    }


@pytest.mark.parametrize("file", OTHER_ROOMS, ids=module_of)
def test_only_the_transport_knows_the_http_library(file: Path) -> None:
    """An HTTP library is imported where requests are sent, and nowhere else."""
    found = {imported.module for imported in imports(file) if not imported.typing_only}
    assert {module for module in found if root(module) in HTTP_LIBRARIES} == set()


def loaded(code: str) -> list[str]:
    """Return the roots of the modules that a fresh interpreter has after *code*."""
    report = (
        "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    roots: list[str] = json.loads(run.stdout)
    return roots


def test_import_penstock_is_cheap() -> None:
    """`import penstock` loads nothing heavy, not even an HTTP library."""
    assert HEAVY.intersection(loaded("import penstock")) == set()


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize("engine", ["pool", "httpx"])
def test_to_make_a_client_is_cheap(kind: str, engine: str) -> None:
    """A client loads nothing heavy but what httpx and httpcore load themselves."""
    making = f"penstock.{kind}('https://api.example.com', api_key='sk-law', engine='{engine}')"
    more = set(loaded(f"import penstock; {making}")) - set(loaded("import httpcore, httpx"))
    assert HEAVY.intersection(more) == set()


PLAIN_CALL = """
import penstock
from penstock.testing import Script
client = penstock.Client('https://api.example.com', api_key='sk-law', transport=Script([200]))
assert client.get('/it').status_code == 200
"""


def test_a_first_call_is_cheap() -> None:
    """A call that succeeds loads no settings, no retry strategies and no structured log."""
    unneeded = {"httpx2", "pydantic", "pydantic_settings", "structlog", "tenacity", "trio", "yaml"}
    assert unneeded.intersection(loaded(PLAIN_CALL)) == set()


def test_there_is_no_cycle() -> None:
    """What a module needs in order to be imported never needs that module: any may be the first."""
    modules = {module_of(file): file for file in ALL}
    needs: dict[str, set[str]] = {module: set() for module in modules}
    for module, file in modules.items():
        for imported in imports(file):
            if not imported.typing_only and imported.function is None:
                submodule = f"{imported.module}.{imported.name}"
                needs[module].add(submodule if submodule in modules else imported.module)
                if imported.module == "penstock" and imported.name in HOMES:
                    needs[module].add(HOMES[imported.name])  # the table of `penstock` loads it
    assert list(graphlib.TopologicalSorter(needs).static_order())


FIRST = ["penstock", "penstock.middleware", "penstock.settings", "penstock.stack", "penstock.cli"]


@pytest.mark.parametrize("module", [*FIRST, "penstock.testing", "penstock_middleware"])
def test_a_door_may_be_the_first(module: str) -> None:
    """Whichever door a program comes in by, it opens, and without a warning."""
    assert root(module) in loaded(f"import {module}")
