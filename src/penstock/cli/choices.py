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
