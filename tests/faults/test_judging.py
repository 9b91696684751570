"""What the matrix finds wrong: a client with each fault is caught with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock.testing.faults import CASES, FaultServer
from penstock.testing.faults.__main__ import BEGIN, END, main
from penstock.testing.faults.judging import KINDS, problems
from penstock.testing.faults.matrix import Column, column, drivers, table
from penstock.testing.faults.outcome import COOKIE, KEY, LogText, Outcome, shown_by
from penstock.testing.faults.peer import Heard
from penstock.testing.faults.rivals import RIVALS

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.testing.faults.rival import Rival

FAILED = penstock.ConnectionFailed("no", phase="protocol")


def kinds(server: FaultServer, case: str, outcome: Outcome, *heard: Heard, ours: bool) -> list[str]:
    """Return the kinds of problems found with *outcome*, the server having *heard* this much."""
    with server.run(CASES[case]) as run:
        home = run.origin.partition("://")[2]
        for one in heard:
            headers = tuple((name, value.replace("HOME", home)) for name, value in one.headers)
            run.note(replace(one, headers=headers))
        if outcome.good is None:
            outcome.good = run.answer
        return [problem.kind for problem in problems(run, outcome, ours=ours)]


def request(place: str = "origin", method: str = "GET", **headers: str) -> Heard:
    named = {name.replace("_", "-"): value for name, value in {"host": "HOME", **headers}.items()}
    return Heard(place, 1, method, "/", tuple(named.items()))


@pytest.mark.parametrize(
    ("case", "outcome", "heard", "ours", "theirs"),
    [
        ("json-text", Outcome({"ok": True}), [request()], [], []),
        ("json-text", Outcome({"ok": 1.5}), [request()], ["wrong"], ["wrong"]),
        ("json-text", Outcome(error=FAILED), [request()], ["wrong"], ["wrong"]),
        ("json-text", Outcome({"ok": True}, hung=True), [request()], ["hangs"], ["hangs"]),
        (
            "json-text",
            Outcome({"ok": True}, seconds=3.5),
            [request()],
            ["hangs"],
            ["hangs"],
        ),
        ("json-text", Outcome({"ok": True}, good="poison"), [request()], ["broken"], ["broken"]),
        ("json-text", Outcome({"ok": True}, left=["1 tasks"]), [request()], ["left"], ["left"]),
        ("json-text", Outcome({"ok": True}, shown=["str"]), [request()], ["shown"], ["shown"]),
        ("json-text", Outcome({"ok": True}, waits=[61.0]), [request()], ["wait"], ["wait"]),
        ("json-empty", Outcome({}), [request()], ["accepted", "reuse"], ["accepted"]),
        ("json-empty", Outcome(error=FAILED), [request()], ["wrong", "reuse"], []),
        ("json-empty", Outcome(error=ValueError(), typed=False), [], None, ["untyped"]),
        ("ra-one", Outcome(error=FAILED), [request()], ["wrong", "wrong"], []),
        ("ra-one", Outcome({"ok": True}, waits=[0.5]), [request()] * 2, ["wait"], []),
        ("rd-relative", Outcome(error=FAILED), [request()], ["wrong", "wrong"], ["wrong"]),
        ("conn-post-fin", Outcome(error=FAILED), [request()] * 3, ["too many"], ["too many"]),
        ("json-text", Outcome({"ok": True}), [request()] * 3, ["too many"], []),
        ("px-env-noise", Outcome(error=FAILED, good=FAILED), [], ["wrong"], []),
    ],
)
def test_what_is_found(
    case: str,
    outcome: Outcome,
    heard: list[Heard],
    ours: list[str] | None,
    theirs: list[str],
    server: FaultServer,
) -> None:
    """Penstock is held to class, requests and connection; others to a typed error in time."""
    if ours is not None:
        assert kinds(server, case, replace(outcome), *heard, ours=True) == ours
    assert kinds(server, case, replace(outcome), *heard, ours=False) == theirs


@pytest.mark.parametrize(
    ("heard", "strayed"),
    [
        (request(authorization=f"Bearer {KEY}"), False),
        (request(host="elsewhere", authorization=f"Bearer {KEY}"), True),
        (request("elsewhere", x_api_key=KEY), True),
        (request("elsewhere", cookie=COOKIE), True),
        (request(cookie="sid=1"), True),
        (request("proxy", authorization=f"Bearer {KEY}"), False),
        (request("proxy", "CONNECT", authorization=f"Bearer {KEY}"), True),
        (request("proxy", "CONNECT", proxy_authorization="Basic cHJveHktdXNlcjpwcm94"), False),
    ],
)
def test_what_has_strayed(heard: Heard, strayed: bool, server: FaultServer) -> None:
    """A credential is at home with its origin, and a proxy sees those of a plain request."""
    found = kinds(server, "rd-fragment", Outcome({"ok": True}), heard, ours=False)
    assert found == (["leaked"] if strayed else [])


def test_what_is_shown() -> None:
    """A secret is found in texts, attributes, local variables and pickles, of causes too."""
    http_request = httpx.Request("GET", "http://x.test", headers={"Authorization": KEY})
    try:
        try:
            raise httpx.ReadError("reset", request=http_request)
        except httpx.ReadError as error:
            raise RuntimeError(f"with {KEY}") from error
    except RuntimeError as error:
        with LogText() as log:
            found = shown_by(error, log)
    assert found == ["str", "repr", "traceback", "attributes", "locals", "pickle"]


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_rivals_meet_the_same_faults(rival: type[Rival]) -> None:
    """Every other client is driven through the cases, and one that is in order is no problem."""
    names = ["body-chunk-ok", "conn-post-key", "head-value-empty", "json-error-list", "json-model"]
    names += ["ka-idle-fin", "ka-upgrade", "px-env-https", "px-plain", "ra-zero", "rd-fragment"]
    names += ["sse-400", "sse-plain", "body-empty-200", "head-noise", "tls-good"]
    told: list[str] = []
    made = column(rival(), [CASES[name] for name in names], told.append)
    assert told == []
    assert made.failed == {}
    assert made.run == len(made.passed) >= 12


def test_the_table_tells_who_failed_what() -> None:
    """The table has a column for each client, and names the cases that only Penstock passes."""
    ours = [Column(f"Penstock, {colour}", "1", ["rd-port"]) for colour in ("sync", "trio")]
    theirs = column(RIVALS[0](), [CASES["rd-port"], CASES["json-text"]], lambda text: None)
    text = table([*ours, theirs])
    assert "| **passed** | **1** | **1** | **1** |" in text
    assert f"| leaked: {KINDS['leaked']} | 0 | 0 | 1 |" in text
    assert "| `rd`: redirects | 1/1 | 1/1 | 0/1 |" in text
    assert "by none of the others: `rd-port`." in text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the cases or the table, and puts that between the markers of a page."""
    assert main(["--list", "--only", "rd-port"]) == 0
    assert "rd-port: redirects to another port; a client gives" in capsys.readouterr().out
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    command: list[Any] = ["--clients", "penstock", "--only", "json-te", "--write", str(page)]
    assert main(command) == 0
    shown, told = capsys.readouterr()
    assert told.startswith("3 clients, 1 cases: about 0 s\n1 of 3 after ")
    assert f"{BEGIN}\n\n{shown}\n{END}\nbelow\n" in page.read_text()
    page.write_text("no markers")
    with pytest.raises(ValueError, match=r"page\.md has no"):
        main(command)
    assert capsys.readouterr() == ("", "")  # before anything was run
    assert [driver.name for driver in drivers(["requests"])] == ["requests"]
