"""`penstock demo`: a dozen calls to a server that misbehaves on request, and how each went."""

from __future__ import annotations

import click

from penstock.cli.choices import OutputFile, html_option, write_output
from penstock.cli.otlp import exporting_to, finish, otlp_option


@click.command("demo")
@click.option("--sync", "colour", flag_value="sync", help="Only the sync clients' calls.")
@click.option("--async", "colour", flag_value="async", help="Only the async clients' calls.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of drawings.")
@click.option(
    "--svg",
    type=OutputFile(),
    metavar="FILE",
    help="Save the waterfalls as a picture too.",
)
@html_option
@otlp_option
def command(
    colour: str | None,
    *,
    as_json: bool,
    svg: str | None,
    html: str | None,
    otlp: str | None,
) -> None:
    """Watch real requests flow through the whole stack.

    Starts an API server inside this process, on a free port of the loopback interface, and
    sends it a dozen calls: plain ones, streams, and ones it fails, delays, throttles, redirects
    or cuts off on request; then one call of each client in penstock.clients. First sync clients
    send them one after another, then async ones all at once.

    For each call it prints a waterfall: a bar for every attempt with its status, a dashed one
    for every wait with its reason, all in proportion to time. The spans and log events of one
    call follow.

    \b
    Examples:
      penstock demo
      penstock demo --async --json | jq '.calls[] | [.name, .total_s]'
      penstock demo --sync --svg docs/assets/waterfall.svg
      penstock demo --html demo.html
      penstock demo --otlp=http://localhost:4318
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    from penstock.cli.lines import show, width_of_screen
    from penstock.cli.outcomes import CONNECTION
    from penstock.demo.run import play_async, play_sync

    exporting = exporting_to(otlp)
    one_by_one = [] if colour == "async" else play_sync(exporting=exporting)
    at_once = [] if colour == "sync" else play_async(exporting=exporting)
    if as_json:
        from penstock.cli.documents import print_document, told

        calls = [told(played) for played in (*one_by_one, *at_once)]
        print_document({"schema": 1, "calls": calls})
    else:
        from penstock.cli.pages import page

        show(page(one_by_one, at_once, width_of_screen()))
    if svg is not None:
        from penstock.cli.picture import picture

        write_output(svg, picture(one_by_one or at_once))
    if html is not None:
        from penstock.cli.html import Section, html_page

        sections = [
            Section(one.watched, one.waterfall, one.recording.spans, one.call.title, one.client)
            for one in (*one_by_one, *at_once)
        ]
        write_output(html, html_page("penstock demo", sections))
    if not finish(exporting):
        raise click.exceptions.Exit(CONNECTION)
