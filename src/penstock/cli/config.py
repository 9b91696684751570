"""`penstock config`: every setting with its source, and the files that were looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.choices import config_option, profile_option

if TYPE_CHECKING:
    from penstock.cli.lines import Line
    from penstock.settings.explain import Explanation


@click.group("config")
def command() -> None:
    """Look at the settings, and where each came from."""


@command.command("show")
@click.option("--all", "everything", is_flag=True, help="Also what each setting overruled.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@profile_option
@config_option
def show_settings(
    *, everything: bool, as_json: bool, profile: str | None, config_file: str | None
) -> None:
    """Print every setting with its value and its source.

    A value comes from the highest source that names it: an environment variable (PENSTOCK_…),
    the selected profile, the project's file, the user's file, the default. Secrets are masked.

    \b
    Examples:
      penstock config show --all
      PENSTOCK_RETRY__MAX_RETRIES=5 penstock config show
      penstock config show --profile staging --json
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    explanation = _explain(config_file, profile)
    if as_json:
        from penstock.cli.documents import print_document

        print_document(explanation.to_dict())
        return
    from penstock.cli.lines import show

    show(_settings(explanation, everything=everything))


@command.command("files")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@profile_option
@config_option
def show_files(*, as_json: bool, profile: str | None, config_file: str | None) -> None:
    """Print every settings file that was looked for, and whether it was found and read.

    \b
    Example:
      penstock config files
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    explanation = _explain(config_file, profile)
    if as_json:
        from penstock.cli.documents import print_document

        print_document({"schema": 1, "files": explanation.to_dict()["files"]})
        return
    from penstock.cli.lines import show

    show(_files(explanation))


def _explain(config_file: str | None, profile: str | None) -> Explanation:
    from penstock.settings import Settings

    return Settings.load(config_file=config_file, profile=profile).explain()


def _settings(explanation: Explanation, *, everything: bool) -> list[Line]:
    from penstock.cli.lines import Piece, table

    rows = [[Piece(name, "quiet") for name in ("SETTING", "VALUE", "SOURCE", "")]]
    for value in explanation.values:
        tone = "quiet" if value.source.kind == "default" else "name"
        where = [Piece(value.source.kind), Piece(value.source.detail)]
        rows.append([Piece(value.path, tone), Piece(value.shown), *where])
        for shown, source in value.shadowed if everything else ():
            cells = ("  overruled", shown, source.kind, source.detail)
            rows.append([Piece(cell, "quiet") for cell in cells])
    lines = table(rows)
    if explanation.profile:
        lines.insert(0, [Piece("profile: ", "quiet"), Piece(explanation.profile)])
    for name in explanation.unread if everything else ():
        lines.append([Piece(f"unread: {name} sets nothing", "wait")])
    return lines


def _files(explanation: Explanation) -> list[Line]:
    from penstock.cli.lines import Piece, table

    rows = []
    for file in explanation.files:
        state = "read" if file.used else ("ignored" if file.found else "not found")
        tone = {"read": "ok", "ignored": "wait"}.get(state, "quiet")
        rows.append(
            [Piece(state, tone), Piece(file.kind), Piece(file.path), Piece(file.note, "quiet")]
        )
    return table(rows) or [[Piece("no settings file was looked for", "quiet")]]
