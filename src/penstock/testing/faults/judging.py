"""Whether a client made of a fault what it must."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from penstock.testing.faults.outcome import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.testing.faults.outcome import Outcome
    from penstock.testing.faults.peer import Heard
    from penstock.testing.faults.run import Run

PATIENCE = 3.0
"""Seconds after which a call counts as one that hangs: a slow one is given a quarter of one."""

_MOST_HOPS = 21  # requests of a call that is redirected twenty times

LONGEST_WAIT = 60.0
"""Seconds that no client waits between two attempts, whatever a server asks for."""

KINDS = {
    "hangs": f"not back after {PATIENCE:g} s",
    "untyped": "an error of another library, or of the standard one",
    "wrong": "gave what the server did not mean, or raised where there was an answer",
    "accepted": "gave an answer where there was none to be had",
    "too many": "sent more requests than it may",
    "leaked": "sent a credential or a cookie to another origin",
    "shown": "a credential in an error's text, traceback, pickle or attributes, or in a log",
    "broken": "the next call of the same client fails, or gets another's answer",
    "left": "a connection, task or thread is left behind",
    "wait": "waits too short or too long between two attempts",
    "reuse": "the connection is used again when it must not be, or the other way round",
}
"""What may be wrong with what a client makes of a fault."""


class Problem(NamedTuple):
    """Something a client got wrong.

    Attributes:
        kind: One of `KINDS`.
        text: What it was.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def problems(run: Run, outcome: Outcome, *, ours: bool) -> list[Problem]:
    """Return what a client got wrong.

    Args:
        run: The run, which knows what the server heard.
        outcome: What came of the call.
        ours: Whether it is Penstock, which is held to the very class of error, to the number of
            requests and to what becomes of the connection. Others may raise any error of their
            own, and need not repeat a call.
    """
    found = [*_of_result(run, outcome, ours=ours), *_of_others(run, outcome, ours=ours)]
    if ours:
        found += _of_ours(run, outcome)
    return found


def _of_result(run: Run, outcome: Outcome, *, ours: bool) -> Iterator[Problem]:
    if outcome.hung or outcome.seconds > PATIENCE:
        yield Problem("hangs", f"{outcome.seconds:.1f} s")
    if outcome.error is None:
        yield from _of_answer(run, outcome.value)
    elif not outcome.typed:
        yield Problem("untyped", _full_name(outcome.error))
    elif not _may_raise(run, outcome.error, ours=ours):
        yield Problem("wrong", f"{_name(outcome.error)}: {outcome.error!s:.120}")


def _of_answer(run: Run, value: object) -> Iterator[Problem]:
    wanted = run.case.must.answer
    if wanted is None:
        yield Problem("accepted", f"{value!r:.80}")
    elif value != wanted:
        yield Problem("wrong", f"{value!r:.80}")


def _may_raise(run: Run, error: BaseException, *, ours: bool) -> bool:
    must = run.case.must
    if ours:
        return _fits(error, must.errors)
    # Others need not repeat a call; where it is not repeated but redirected they owe an answer too.
    is_repeated = must.sends not in {0, 1} and run.case.group != "rd"
    return bool(must.errors) or is_repeated


def _most_sends(run: Run, *, ours: bool) -> int:
    must, ask = run.case.must, run.case.ask
    if must.sends is None:
        return 3 * _MOST_HOPS
    return must.sends if ours or ask.method == "POST" else max(must.sends, 1 + ask.retries)


def _of_others(run: Run, outcome: Outcome, *, ours: bool) -> Iterator[Problem]:
    must = run.case.must
    if run.sends > (allowed := _most_sends(run, ours=ours)):
        yield Problem("too many", f"{run.sends} instead of {allowed}")
    for heard in run.heard + run.good:
        if secret := _strayed(run, heard):
            yield Problem("leaked", f"{secret} to {heard.place}")
            break
    if outcome.shown:
        yield Problem("shown", ", ".join(outcome.shown))
    # A client that is set up wrongly goes on being that.
    if outcome.good != run.answer and "ConfigurationError" not in must.errors:
        yield Problem("broken", f"{outcome.good!r:.160}")
    if outcome.left:
        yield Problem("left", ", ".join(outcome.left))
    if any(wait > LONGEST_WAIT for wait in outcome.waits):
        yield Problem("wait", f"{max(outcome.waits):g} s")


def _of_ours(run: Run, outcome: Outcome) -> Iterator[Problem]:
    must = run.case.must
    if must.sends is not None and run.sends < must.sends:
        yield Problem("wrong", f"{run.sends} requests instead of {must.sends}")
    if must.reuse is not None and run.reused is not must.reuse:
        yield Problem("reuse", "used again" if run.reused else "not used again")
    if must.wait is not None and not all(
        must.wait[0] <= wait <= must.wait[1] for wait in outcome.waits
    ):
        yield Problem("wait", f"{outcome.waits} s")


def _fits(error: BaseException, allowed: tuple[str, ...]) -> bool:
    name = type(error).__name__
    return name in allowed or f"{name}/{getattr(error, 'phase', None)}" in allowed


def _full_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _name(error: BaseException) -> str:
    phase = getattr(error, "phase", None)
    return f"{type(error).__name__}{f'/{phase}' if phase else ''}"


def _strayed(run: Run, heard: Heard) -> str | None:
    """Return the name of a header with a secret that *heard* should not have had, or None."""
    host = heard.header("host") or ""
    home = {url.split("/")[2] for url in (run.origin, run.url)}
    is_home = heard.place == "origin" and host in home
    is_tunnel = heard.method == "CONNECT"
    for name, value in heard.headers:
        if name == "cookie" and "sid=1" in value:
            return "a cookie that was set"
        if not any(secret in value for secret in SECRETS):
            continue
        to_proxy = heard.place == "proxy" and (name == "proxy-authorization" or not is_tunnel)
        if name == "proxy-authorization" and not to_proxy:
            return name
        if not (is_home or to_proxy):
            return name
    return None
