"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

import click

from penstock.locked_file import naming


class OutputFile(click.Path):
    """A file to be written, looked at before anything is done; `-` is standard output."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, allow_dash=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path as it was typed: `./-` is a file.

        Raises:
            click.BadParameter: It is a directory, or nothing can be written there.
        """
        path = os.fsdecode(super().convert(value, param, ctx))
        parent = Path(path).parent
        if not parent.is_dir():
            self.fail(f"cannot write {path}: there is no directory {parent}", param, ctx)
        if not Path(path).exists() and not os.access(parent, os.W_OK):
            self.fail(f"cannot write {path}: nothing may be written to {parent}", param, ctx)
        return path


def write_output(path: str, text: str) -> None:
    """Write what an `OutputFile` is to hold.

    Args:
        path: From that.
        text: All of it.

    Raises:
        OSError: It could not be written.
    """
    with naming(Path(path)), click.open_file(path, "w", encoding="utf-8") as file:
        file.write(text)


def standard_input() -> IO[bytes]:
    """Return standard input.

    Raises:
        click.UsageError: It is closed.
    """
    if sys.stdin is None:
        raise click.UsageError("standard input is closed: there is nothing to read")
    return sys.stdin.buffer


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that were typed: what is None is the settings' to say."""
    return {name: value for name, value in arguments.items() if value is not None}


timeout_option = click.option("--timeout", type=float, metavar="S", help="Seconds for one attempt.")
profile_option = click.option(
    "--profile", metavar="NAME", help="The profile in the settings files to use."
)
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The settings file to read (TOML, JSON or YAML) instead of looking for one.",
)
html_option = click.option(
    "--html",
    type=OutputFile(),
    metavar="FILE",
    help="Save waterfalls and spans as a page that needs nothing else.",
)
