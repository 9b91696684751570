"""`penstock stack show`: the standard stack, a line for each middleware."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from penstock.cli.choices import config_option, profile_option

if TYPE_CHECKING:
    from penstock.cli.lines import Line
    from penstock.stack import Stack

_DIVIDE = "── once a call above, once an attempt below ──"


@click.group("stack")
def command() -> None:
    """Look at the stack of middleware that every request flows down."""


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@profile_option
@config_option
def show_stack(*, as_json: bool, profile: str | None, config_file: str | None) -> None:
    """Print the standard stack, outermost first, as the settings in force make it.

    What stands above the line runs once for each call, what stands below it once for each attempt.

    \b
    Example:
      penstock stack show
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    from penstock.settings import Settings
    from penstock.stack import Stack

    stack = Stack.standard(Settings.load(config_file=config_file, profile=profile))
    if as_json:
        from penstock.cli.documents import print_document

        print_document({"schema": 1, "middleware": _documents(stack)})
        return
    from penstock.cli.lines import show

    show(_lines(stack))


def _lines(stack: Stack) -> list[Line]:
    from penstock.cli.lines import Piece, table

    rows = [
        [Piece(layer["repr"], "name"), Piece(layer["summary"], "quiet")]
        for layer in _documents(stack)
    ]
    lines = table(rows)
    divider = next(at for at, layer in enumerate(stack) if _divides(layer))
    lines.insert(divider, [Piece(_DIVIDE, "wait")])
    return lines


def _documents(stack: Stack) -> list[dict[str, str]]:
    documents, zone = [], "call"
    for layer in stack:
        if _divides(layer):
            zone = "attempt"
        documents.append(
            {
                "name": type(layer).__name__,
                "repr": repr(layer),
                "zone": "divides" if _divides(layer) else zone,
                "summary": (inspect.getdoc(layer) or "").partition("\n")[0],
            }
        )
    return documents


def _divides(layer: object) -> bool:
    return getattr(layer, "divides", False) is True
