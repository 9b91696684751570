"""The command itself: its extra, its version, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

import penstock
from penstock.cli import main
from penstock.cli import stack as stack_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says in one line what to install, and leaves with 2."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["--version"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "pip install 'penstock[cli]'" in said.err


def test_without_the_extra_in_a_process_of_its_own() -> None:
    """The same holds where an import hook hides it, and the process's exit code is 2."""
    hide = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': raise ImportError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from penstock.cli import main\n"
        "sys.exit(main(['--version']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "penstock: the command line needs an extra: pip install 'penstock[cli]'\n"


def test_the_version(invoke: Callable[..., Result]) -> None:
    """It is that of the package."""
    assert invoke("--version").output == f"penstock {penstock.__version__}\n"


def test_main_leaves_with_the_exit_code() -> None:
    """`main` ends the process as the command says."""
    with pytest.raises(SystemExit) as left:
        main(["nonsense"])
    assert left.value.code == 2


@pytest.mark.parametrize(
    "command", [[], ["config"], ["config", "show"], ["demo"], ["request"], ["stack", "show"]]
)
def test_help(command: list[str], invoke: Callable[..., Result]) -> None:
    """Every command explains itself, and the ones that do something show an example."""
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: penstock")
    if command[-1:] not in ([], ["config"]):
        assert "Example" in result.output


def test_importing_the_command_loads_nothing_heavy() -> None:
    """`penstock --help` imports neither rich nor pydantic nor httpx."""
    look = (
        "import sys\n"
        "from penstock.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'pydantic', 'httpx', 'opentelemetry'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.splitlines()[-1] == "[]"


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "penstock: interrupted\n"),
        (penstock.ConnectionFailed("no way"), 6, "penstock: no way\n"),
        (click.UsageError("wrong"), 2, None),
    ],
)
def test_how_a_command_ends(
    error: BaseException,
    code: int,
    said: str | None,
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it raises becomes an exit code and a line on standard error."""
    monkeypatch.setattr(stack_module.show_stack, "callback", raising(error))
    result = invoke("stack", "show")
    assert result.exit_code == code
    assert said is None or result.stderr == said


def test_an_interrupt_before_there_is_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C while it is still loading ends it as at any other time."""
    loading: Any = type("Loading", (), {"__getattr__": raising(KeyboardInterrupt())})
    monkeypatch.setitem(sys.modules, "penstock.cli.group", loading())
    assert main(["--help"]) == 130
    assert capsys.readouterr() == ("", "penstock: interrupted\n")


def test_a_bug(invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one line with its place, without its text, which might quote a secret."""
    monkeypatch.setattr(stack_module.show_stack, "callback", raising(ZeroDivisionError("secret")))
    result = invoke("stack", "show")
    assert result.exit_code == 1
    assert result.stderr.startswith("penstock: unexpected ZeroDivisionError at ")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


@pytest.mark.filterwarnings("default")
def test_warnings(invoke: Callable[..., Result]) -> None:
    """A warning is a line on standard error, and no failure."""
    result = invoke("stack", "show", env={"PENSTOCK_TIMEOUTT": "3"})
    assert result.exit_code == 0
    assert result.stderr.startswith("penstock: warning: ")
    assert result.stderr.count("\n") == 1
    assert "PENSTOCK_TIMEOUTT" in result.stderr


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("stack show >&-", 0, ""),
        ("stack show 2>&-", 0, ""),
        ("stack show > /dev/full", 1, "penstock: No space left on device\n"),
        ("stack show | true", 1, ""),
        ("request POST http://127.0.0.1:1/ -d @- <&-", 2, "standard input is closed"),
        ("batch - - <&-", 2, "standard input is closed"),
    ],
)
def test_streams_that_are_closed_or_full(
    typed: str, code: int, said: str, environ: dict[str, str]
) -> None:
    """Where nothing can be read or written, it says so, if anything, and shows no traceback."""
    command, pipe, reader = typed.partition("|")
    script = f"({sys.executable} -m penstock.cli {command}; echo code=$? >&3) {pipe} {reader}"
    done = subprocess.run(
        ["sh", "-c", f"exec 3>&2; {script}"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *lines, last = done.stderr.splitlines(keepends=True)
    assert last == f"code={code}\n"
    assert "Traceback" not in done.stderr
    assert "".join(lines) == said if said.endswith("\n") or not said else said in "".join(lines)
