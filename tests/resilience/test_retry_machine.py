"""The law of `Retry`: whatever the server does, a call goes as the page of `Retry` words it."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from penstock import AttemptStarted, ConnectionFailed, PenstockError, RetryStopped
from penstock.middleware import Deadline, Idempotency, Retry
from penstock.testing import Reply, VirtualClock

from .support import Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.conftest import Colour

CHUNKS = [b"the ", b"body"]
REFUSED, BROKEN, LATE, GARBLED = "ConnectionFailed", "ReadError", "ReadTimeout", "DecodingError"
ERRORS: dict[Any, str] = {BROKEN: REFUSED, LATE: "TimedOut", GARBLED: "DecodeError"}
HINTS = [
    *((name, None) for name in ("", "soon", "-1")),
    *((name, float(name)) for name in ("0", "0.25", "15", "29.5", "31", "86400")),
]


@dataclass(frozen=True)
class Answer:
    """What the server does with one request: a status, or a failure on the way.

    `header` is its `Retry-After`, which asks for `hint` seconds.
    """

    what: int | str = 200
    header: str = ""
    hint: float | None = None
    takes: float = 0.0


@dataclass(frozen=True)
class Ask:
    """A call; `key` is what the caller says of one: nothing, none wanted, or a key."""

    method: str
    body: str
    key: str
    max_retries: int
    deadline: float | None


@dataclass(frozen=True)
class Given:
    """What a `Retry` is made with, and the header of an `Idempotency` above it, if any."""

    jitter: str = "full"
    over_cap: str = "clamp"
    unsafe: bool = False
    keys: str = ""


WHATS = (500, 503, 429, 502, REFUSED, BROKEN, LATE, GARBLED, 404, 200)
ANSWERS = [
    Answer(what, *(hint if isinstance(what, int) else ()), takes=takes)
    for what, hint, takes in itertools.product(WHATS, HINTS, (0.0, 0.1, 2.0))
]
ASKS = list(
    itertools.starmap(
        Ask,
        itertools.product(
            ("GET", "PUT", "POST", "PATCH"),
            ("none", "bytes", "again", "once"),
            ("unset", "none", "given"),
            (2, 1, 0, 4),
            (None, 0.33, 2.07, 31.3),
        ),
    )
)
GIVEN = list(
    itertools.starmap(
        Given,
        itertools.product(
            ("full", "equal", "decorrelated", "proportional", "none"),
            ("clamp", "stop"),
            (False, True),
            ("", "Idempotency-Key", "X-Key"),
        ),
    )
)
CHANCE = st.one_of(
    st.sampled_from([lambda: 0.0, lambda: 1 - 2.0**-53]),
    st.builds(lambda seed: random.Random(seed).random, st.integers(0, 99)),
)
"""Where a wait lies in its bounds: at either end of them, or anywhere."""


class Model:
    """`Retry` as its page words it, told one call after another what the waits were."""

    def __init__(self, given: Given) -> None:
        self.given = given

    def call(self, ask: Ask, answers: Iterator[Answer], waits: list[float]) -> tuple[Any, ...]:
        """Return what the call ends with, after which attempt, and why no other follows."""
        left, was_read, before = ask.deadline or float("inf"), False, 0.0
        for number, answer in enumerate(answers):
            left -= answer.takes
            was_read |= answer.what != REFUSED
            end = self.end(answer, left)
            if not self.wants(ask, answer, end):
                return end, number + 1, None
            if ask.body == "once" and was_read:
                return end, number + 1, "body"
            if number == ask.max_retries:
                return end, number + 1, "attempts"
            if self.given.over_cap == "stop" and (answer.hint or 0) > 30:
                return end, number + 1, "retry_after"
            least, most = self.bounds(number, answer, before)
            if least >= left or (most >= left and not waits):
                return end, number + 1, "deadline"
            before = waits.pop(0)
            assert least - 1e-9 <= before <= most + 1e-9
            assert before < left
            left -= before
        raise AssertionError

    def end(self, answer: Answer, left: float) -> int | str:
        """Return the status or the class of error that *answer* comes to, *left* seconds early."""
        if answer.what == LATE and left <= 0:
            return "DeadlineExceeded"
        return ERRORS.get(answer.what, answer.what)

    def wants(self, ask: Ask, answer: Answer, end: int | str) -> bool:
        """Tell whether *answer* is likely to pass and safe to repeat."""
        if end in {200, 404, "DecodeError", "DeadlineExceeded"}:
            return False
        has_key = ask.key == "given" or (self.given.keys != "" and ask.key == "unset")
        may_repeat = self.given.unsafe or ask.method in {"GET", "PUT"} or has_key
        return may_repeat or answer.what in {429, 503, REFUSED}

    def bounds(self, number: int, answer: Answer, before: float) -> tuple[float, float]:
        """Return the shortest and the longest wait before attempt *number* + 1."""
        if answer.hint:
            return min(answer.hint, 30), min(answer.hint + min(answer.hint / 10, 1), 30)
        ceiling = min(8.0, 0.5 * 2**number)
        return {
            "full": (0.0, ceiling),
            "equal": (ceiling / 2, ceiling),
            "decorrelated": (0.5, min(8.0, 3 * max(0.5, before))),
            "proportional": (0.8 * ceiling, min(8.0, 1.2 * ceiling)),
            "none": (ceiling, ceiling),
        }[self.given.jitter]


class Again:
    """A body that can be iterated as often as one likes."""

    def __iter__(self) -> Iterator[bytes]:
        yield from CHUNKS


class AsyncAgain:
    """As `Again`, on an event loop."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in CHUNKS:
            yield chunk


class Calls(RuleBasedStateMachine):
    """One call after another of one client, to a server that does what it was told."""

    def __init__(self, colour: Colour) -> None:
        super().__init__()
        self.colour = colour

    @initialize(given=st.sampled_from(GIVEN), chance=CHANCE)
    def begin(self, given: Given, chance: Callable[[], float]) -> None:
        self.model = Model(given)
        retry = Retry(
            jitter=given.jitter,  # type: ignore[arg-type]  # one of those there are
            over_cap=given.over_cap,
            retry_unsafe_methods=given.unsafe,
        )
        keys = [Idempotency(given.keys)] if given.keys else []
        layers = [Deadline(), *keys, retry, self.refuse]
        clock = VirtualClock(random=chance)
        self.rig = Rig(self.colour, layers, [self.serve], clock=clock, forever=True)
        self.coming: list[Answer] = []

    async def refuse(self, request: Any, call_next: Any) -> Any:
        """Fail as a connection that does not come about: nothing of the request is read."""
        if self.coming and self.coming[0].what == REFUSED:
            self.rig.clock.advance(self.coming.pop(0).takes)
            raise ConnectionFailed("refused", phase="connect")
        return await call_next(request)

    def serve(self, request: httpx.Request) -> Reply:
        answer = self.coming.pop(0) if self.coming else Answer()
        if isinstance(answer.what, str):
            self.rig.clock.advance(answer.takes)
            raise getattr(httpx, answer.what)("it failed")
        headers = {"Retry-After": answer.header} if answer.header else {}
        text = str(len(self.rig.kinds(AttemptStarted)))
        return Reply(answer.what, headers=headers, text=text, delay=answer.takes)

    @rule(ask=st.sampled_from(ASKS), answers=st.lists(st.sampled_from(ANSWERS), max_size=5))
    def call(self, ask: Ask, answers: list[Answer]) -> None:
        self.coming += answers
        script = self.rig.script
        for seen in (self.rig.facts, self.rig.clock.sleeps, script.requests, script.bodies):
            seen.clear()
        told = itertools.chain(tuple(self.coming), itertools.repeat(Answer()))
        came = self.send(ask)
        waits = list(self.rig.clock.sleeps)
        end, attempts, reason = self.model.call(ask, told, waits)
        assert (came, waits) == ((end, attempts), [])
        assert len(self.rig.kinds(AttemptStarted)) == attempts
        assert [fact.reason for fact in self.rig.kinds(RetryStopped)] == ([reason] * bool(reason))
        assert script.open == 0
        name = self.model.given.keys or "Idempotency-Key"
        assert set(script.bodies) <= {b"" if ask.body == "none" else b"".join(CHUNKS)}
        keys = {request.headers.get(name) for request in script.requests}
        assert len(keys) <= 1

    def send(self, ask: Ask) -> tuple[Any, int]:
        """Return the status or the class of error the call ends with, and after which attempt."""
        options: dict[str, Any] = {"max_retries": ask.max_retries, "deadline": ask.deadline}
        if ask.key != "unset":
            options["idempotency_key"] = "key-17" if ask.key == "given" else None
        try:
            response = self.rig.send(ask.method, content=self.body(ask.body), **options)
        except PenstockError as error:
            return type(error).__name__, len(error.attempts)
        return response.status_code, int(response.text)

    def body(self, kind: str) -> Any:
        again = AsyncAgain() if self.colour.is_async else Again()
        once = aiter(again) if isinstance(again, AsyncAgain) else iter(again)
        return {"none": None, "bytes": b"".join(CHUNKS), "again": again, "once": once}[kind]


def test_a_retry_is_its_model(colour: Colour) -> None:
    """How often it sends, how long it waits, what comes back and why are as its page has it."""
    run_state_machine_as_test(
        partial(Calls, colour),
        settings=settings(max_examples=25, stateful_step_count=25),
    )
