"""`penstock request`: one call through the stack, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.choices import (
    config_option,
    given,
    html_option,
    profile_option,
    timeout_option,
    write_output,
)
from penstock.cli.otlp import exporting_to, finish, otlp_option, tracers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.client import Client
    from penstock.demo.watch import Watched
    from penstock.messages import Request
    from penstock.settings import Settings
    from penstock.stack import Stack


@click.command("request")
@click.argument("method")
@click.argument("url")
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Send a header; 'NAME:' drops one that would be sent.",
)
@click.option("--json", "json_body", metavar="JSON", help="Send JSON; @FILE or @- reads it.")
@click.option("-d", "--data", metavar="DATA", help="Send a body; @FILE or @- reads it.")
@click.option("--stream", is_flag=True, help="Print a body as it comes, events a line each.")
@click.option("-v", "--verbose", is_flag=True, help="Show headers and the waterfall on stderr.")
@click.option("--base-url", metavar="URL", help="What a path in URL is relative to.")
@timeout_option
@click.option("--deadline", type=float, metavar="S", help="Seconds for everything, waits included.")
@click.option("--max-retries", type=int, metavar="N", help="How many repeats may follow.")
@otlp_option
@html_option
@profile_option
@config_option
@click.option("--no-fail", is_flag=True, help="Leave with 0 whatever the status is.")
@click.option(
    "--json-output",
    is_flag=True,
    help="Print the whole outcome as one JSON document; with --stream, a line for each event.",
)
def command(
    method: str,
    url: str,
    *,
    headers: tuple[str, ...],
    json_body: str | None,
    data: str | None,
    base_url: str | None,
    timeout: float | None,
    deadline: float | None,
    max_retries: int | None,
    profile: str | None,
    config_file: str | None,
    stream: bool,
    verbose: bool,
    otlp: str | None,
    html: str | None,
    no_fail: bool,
    json_output: bool,
) -> None:
    """Send one request through the whole stack.

    URL is absolute, or a path below the base URL of the settings. Key, headers and everything
    else come from the environment and the settings files, as `penstock config show` prints
    them; the key goes to the base URL's origin alone. There is no option for a key, so that none
    ends up in a shell's history: set PENSTOCK_API_KEY.

    The body goes to standard output, everything else to standard error. On a terminal JSON is
    laid out; in a pipe every byte is as it came. -d has the content type
    application/x-www-form-urlencoded unless -H gives another, as with curl.

    \b
    Examples:
      penstock request GET https://api.example.com/v1/models
      penstock request POST /v1/chat/completions --json @chat.json --stream
      penstock request GET /v1/models -v --max-retries 4 --deadline 10
      penstock request GET /v1/models --html call.html --otlp=http://localhost:4318

    \b
    Exit codes: 0 below 400; 4 HTTP 4xx; 5 HTTP 5xx; 6 connection, TLS or DNS;
    7 timeout or deadline; 1 anything else that failed; 2 wrong usage;
    3 wrong configuration; 130 interrupted.
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    from penstock.call import Call
    from penstock.cli import exchange
    from penstock.cli.asking import call_of
    from penstock.client import Client
    from penstock.demo.recording import Recorder, recording
    from penstock.demo.watch import Watch
    from penstock.demo.waterfall import waterfall
    from penstock.settings import Settings
    from penstock.stack import Stack, on_request

    call = call_of(headers, json_body, data, stream=stream)
    exporting = exporting_to(otlp)
    beside = tracers(exporting)
    # Spans are what the waterfall is drawn from: a program's settings do not take them away here.
    settings = Settings.load(config_file=config_file, profile=profile, tracing={"enabled": True})
    if "://" in url and base_url is None and settings.base_url is None:
        _check_key(settings, call["headers"])
    watched: list[Watched] = []
    sent: list[tuple[str, str]] = []

    def look(request: Request) -> None:
        sent[:] = exchange.safe_headers(request, Call.of(request))

    stack = _traced(Stack.standard(settings), settings, propagates=beside is not None)
    overrides = given(
        base_url=base_url,
        timeout=timeout,
        deadline=deadline,
        max_retries=max_retries,
        stack=Stack([Watch(watched.append), *stack, on_request(look)]),
        tracer_provider=Recorder(beside),
        meter_provider=exporting.meter_provider if exporting else None,
    )
    with (
        recording() as recorded,
        Client.from_settings(settings, raise_for_status=False, **overrides) as client,
    ):
        try:
            _send(client, method.upper(), url, call, stream=stream, as_json=json_output)
        finally:
            fall = waterfall(recorded.spans)
            for seen in watched:
                if verbose:
                    exchange.print_exchange(seen, fall, sent)
                if json_output and not stream:
                    exchange.print_outcome(seen, fall)
                if html is not None:
                    from penstock.cli.html import Section, html_page

                    section = Section(seen, fall, recorded.spans)
                    write_output(html, html_page("penstock request", [section]))
            finish(exporting, recorded.spans[0].trace_id if recorded.spans else None)
    if not no_fail:
        exchange.leave_by_status(watched[0], fall)


def _send(
    client: Client, method: str, url: str, call: dict[str, Any], *, stream: bool, as_json: bool
) -> None:
    """Send the request and print its body; with *as_json* a whole one is the outcome's to print."""
    from penstock.cli import bodies

    if stream:
        with client.stream(method, url, **call) as response:
            bodies.print_stream(response, as_json=as_json)
        return
    response = client.request(method, url, **call)
    if not as_json:
        bodies.print_body(response)


def _check_key(settings: Settings, headers: Mapping[str, Any]) -> None:
    """Refuse a key that is for no server, in the words of the command line.

    Raises:
        ConfigurationError: There is one, and nothing was said that takes its place.
    """
    from penstock.errors import ConfigurationError

    named = {name.lower() for name in (*settings.headers, *headers)}
    if settings.api_key is not None and "authorization" not in named:
        msg = (
            "there is a key, and no base URL that it is for: pass --base-url and a path below it, "
            "or set PENSTOCK_BASE_URL; to send without the key, -H Authorization:"
        )
        raise ConfigurationError(msg)


def _traced(stack: Stack, settings: Settings, *, propagates: bool) -> Stack:
    """Return *stack* as it is recorded here: the server hears of a trace only if it is exported.

    A sampled trace that arrives nowhere would still make the server record its part.
    """
    from penstock.demo.detail import detailed
    from penstock.middleware import AttemptTracing

    if not propagates:
        quiet = AttemptTracing(settings.tracing.stream_span_end, propagate="none")
        stack = stack.replace(AttemptTracing, quiet)
    return detailed(stack)
