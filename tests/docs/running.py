"""Runs what a page shows: Python in one namespace, commands of `penstock` in one process."""

from __future__ import annotations

import gc
import inspect
import os
import shlex
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING
from unittest import mock

import anyio

from penstock.cli import main
from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from .pages import Block


class Examples:
    """The Python blocks of one page: they run in order, in one namespace."""

    def __init__(self, page: Path, request: pytest.FixtureRequest) -> None:
        self._page = page
        self._request = request
        # Some libraries look a class's module up by its name.
        self.module = ModuleType("example")

    def run(self, block: Block) -> None:
        """Run a block, and each test that it defines, with the fixtures it asks for."""
        before = dict(vars(self.module))
        # The blank lines make a traceback point at the line of the page.
        code = compile("\n" * block.line + block.source, str(self._page), "exec")
        exec(code, vars(self.module))
        for name, defined in list(vars(self.module).items()):
            is_test = name.startswith("test_") and isinstance(defined, FunctionType)
            if is_test and before.get(name) is not defined:
                self._run_test(defined)

    def forget(self) -> None:
        """Drop everything the page made: what it left open is reported now, by this test."""
        vars(self.module).clear()
        gc.collect()

    def _run_test(self, test: FunctionType) -> None:
        clock = VirtualClock()
        # Fresh ones for each test, as pytest would make them.
        kit = {"penstock_clock": clock, "penstock_script": Script(clock=clock)}
        wanted = {
            name: kit[name] if name in kit else self._request.getfixturevalue(name)
            for name in inspect.signature(test).parameters
        }
        if inspect.iscoroutinefunction(test):
            anyio.run(lambda: test(**wanted))
        else:
            test(**wanted)


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a `console` block, and what it prints according to the page."""
    for typed in f"\n{block.source}".split("\n$ ")[1:]:
        command, _, printed = typed.partition("\n")
        yield command, printed.rstrip("\n")


def run_command(command: str) -> int:
    """Run `NAME=value … penstock …` and return its exit code."""
    words = shlex.split(command)
    start = words.index("penstock")
    variables = dict(word.split("=", 1) for word in words[:start])
    with mock.patch.dict(os.environ, variables):
        try:
            return main(words[start + 1 :])
        except SystemExit as leaving:
            return int(leaving.code or 0)
