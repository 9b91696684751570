"""The command group: commands loaded when they run, every failure one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from penstock import __version__
from penstock.cli import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = ("batch", "config", "demo", "request", "stack")


class LazyGroup(click.Group):
    """A group whose commands are modules beside it, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Return a command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"penstock.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever it raises becomes one line on standard error and an exit code."""
        try:
            with _warnings_in_a_line():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _leave("interrupted", INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # whoever read our output has seen enough: click leaves quietly
            _leave(*_told(error))
        return result


@click.group(cls=LazyGroup)
@click.version_option(__version__, message="%(prog)s %(version)s")
def penstock() -> None:
    """Send HTTP requests down Penstock's stack of middleware, and look inside.

    `penstock demo` shows what the stack does about a server that misbehaves on request; it needs
    no network. `penstock request` sends one request of your own, `penstock batch` a file of them.
    `penstock config show` and `penstock stack show` print what they would be sent with.

    \b
    Exit codes: 0 done; 1 unexpected; 2 wrong usage; 3 wrong configuration;
    4 HTTP 4xx; 5 HTTP 5xx; 6 connection, TLS or DNS; 7 timeout or deadline;
    130 interrupted.
    """  # noqa: D301 - \b is click's mark for lines that stay as they are


def _leave(message: str, code: int) -> NoReturn:
    complain(message)
    raise click.exceptions.Exit(code)


def complain(message: str) -> None:
    """Write one line to standard error."""
    click.echo(f"penstock: {message}", err=True)


def _told(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and the exit code to leave with."""
    from penstock.cli.outcomes import UNEXPECTED, exit_code
    from penstock.errors import PenstockError

    if isinstance(error, PenstockError):
        return str(error), exit_code(error)
    return _said_by_system(error) or _bug(error), UNEXPECTED


def _said_by_system(error: Exception) -> str:
    """Say what the system refused, such as to write to a full disk; nothing where it was not it."""
    parts = (error.filename, error.strerror) if isinstance(error, OSError) else ()
    return ": ".join(str(part) for part in parts if part is not None)


def _bug(error: Exception) -> str:
    """Say where an error that should not happen came from; its own text might quote a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{where}"


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    def in_a_line(message: Warning | str, *_: object) -> None:
        complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = in_a_line  # type: ignore[assignment]  # a shorter signature
        yield
