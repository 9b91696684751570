"""`penstock batch`: a file of requests, sent a few at a time, into a file of responses."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from penstock.cli.choices import OutputFile, config_option, given, profile_option, timeout_option

if TYPE_CHECKING:
    from penstock.bulk import BulkResult
    from penstock.cli.tally import Tally
    from penstock.settings import Settings


@click.command("batch")
@click.argument(
    "source", metavar="IN.jsonl", type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.argument("target", metavar="OUT.jsonl", type=OutputFile())
@click.option("--base-url", metavar="URL", help="What the paths in IN.jsonl are below.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    metavar="N",
    help="How many requests are under way at most.",
)
@timeout_option
@click.option(
    "--deadline", type=float, metavar="S", help="Seconds for one request, waits included."
)
@click.option("--max-retries", type=int, metavar="N", help="How many repeats of each may follow.")
@profile_option
@config_option
@click.option(
    "--progress/--no-progress",
    default=None,
    help="A bar on standard error; by default where that is a terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="Say at the end what happened as JSON.")
def command(
    source: str,
    target: str,
    *,
    base_url: str | None,
    concurrency: int,
    timeout: float | None,
    deadline: float | None,
    max_retries: int | None,
    profile: str | None,
    config_file: str | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Send every request of IN.jsonl, and write what came of each to OUT.jsonl.

    Both are in OpenAI's batch format. A line of IN.jsonl is an object with `custom_id`, `method`,
    `url` (such as /v1/chat/completions) and `body`; one of OUT.jsonl has `custom_id`, `response`
    (`status_code`, `request_id`, `body`) and `error`, in the order in which they were answered.

    Run it again to go on: what OUT.jsonl has an answer below 400 for is not sent again. IN.jsonl is
    read once before anything is sent, so that a mistake in it costs nothing.

    `-` is standard input for IN.jsonl and standard output for OUT.jsonl. From the latter nothing
    can be gone on with, so all is sent; what happened is then said on standard error.

    Key, headers and everything else come from the environment and the settings files, as for
    `penstock request`.

    \b
    Examples:
      penstock batch questions.jsonl answers.jsonl --concurrency 32
      penstock batch in.jsonl out.jsonl --base-url https://api.example.com --json | jq .failed
      jq -c '{custom_id: .id, method: "GET", url: .url}' | penstock batch - - | jq .response.body

    \b
    Exit codes: 0 every request was answered below 400. If some failed, and all in one way: 4 HTTP
    4xx; 5 HTTP 5xx; 6 connection, TLS or DNS; 7 timeout or deadline. 1 if they failed in several
    ways; 2 wrong usage; 3 wrong configuration; 130 interrupted.
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    import anyio

    from penstock.cli.batch_lines import count_checked, opened
    from penstock.cli.tally import Tally
    from penstock.settings import Settings

    settings = Settings.load(config_file=config_file, profile=profile)
    if target != "-" and Path(target).exists() and source != "-" and Path(source).samefile(target):
        raise click.UsageError("IN.jsonl and OUT.jsonl are one file")
    overrides = given(
        base_url=base_url, timeout=timeout, deadline=deadline, max_retries=max_retries
    )
    with opened(source) as file:
        tally = Tally(count_checked(file, source, base_url or settings.base_url), target)
        started = time.monotonic()
        try:
            anyio.run(_run, settings, overrides, file, target, concurrency, progress, tally)
        finally:
            tally.say(time.monotonic() - started, as_json=as_json)
    if tally.exit_code:
        raise click.exceptions.Exit(tally.exit_code)


async def _run(
    settings: Settings,
    overrides: dict[str, Any],
    file: IO[bytes],
    target: str,
    concurrency: int,
    progress: bool | None,
    tally: Tally,
) -> None:
    import anyio

    from penstock.cli.batch_lines import Requests
    from penstock.client import AsyncClient
    from penstock.transport.limits import Limits

    # One connection for each that is under way, kept for the next.
    limits = Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with AsyncClient.from_settings(settings, limits=limits, **overrides) as client:
        requests = Requests(file, client.base_url, tally.total)
        async with client.map(
            requests,
            concurrency=concurrency,
            ordered=False,
            results=None if target == "-" else target,
            progress=progress,
            allow_absolute=True,
        ) as results:
            async for result in results:
                if target == "-":
                    # Whoever reads may take their time: what is under way does not wait for them.
                    await anyio.to_thread.run_sync(_print, result)
                tally.add(result)


def _print(result: BulkResult) -> None:
    from penstock.bulk.recorder import line_of

    sys.stdout.buffer.write(line_of(result))
    sys.stdout.buffer.flush()
