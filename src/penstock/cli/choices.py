"""Options that several commands share."""

from __future__ import annotations

import click

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
    type=click.File("w", encoding="utf-8", lazy=True),
    metavar="FILE",
    help="Save waterfalls and spans as a page that needs nothing else.",
)
