"""The laws of a budget in a stack: which calls fill it, which drain it, and whose it is."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Call, InvalidOption, RetryScheduled, RetryStopped, Stack
from penstock.middleware import Redirect, Retry, RetryBudget
from penstock.testing import Reply
from penstock_middleware.retry_budget import BUDGET

from .support import SYNC, Rig

REFUSED = httpx.ConnectError("refused")


class Purse:
    """Knows the buckets the last call drew from, and where it went."""

    buckets: Any = None
    url: Any = None

    async def __call__(self, request: Any, call_next: Any) -> Any:
        self.buckets, self.url = Call.of(request).get(BUDGET), request.url
        return await call_next(request)

    def drain(self, tokens: int) -> None:
        """Have somebody else spend some."""
        other: Any = Other()
        assert [self.buckets.withdraw(other, self.url) for _ in range(tokens)] == [True] * tokens

    @property
    def tokens(self) -> float:
        """What is left for where the last call went."""
        tokens: float = self.buckets.tokens(self.url)
        return tokens


class Other(dict[Any, Any]):
    """As much of another call as a bucket looks at."""

    set = dict.__setitem__


class Budgeted(Rig):
    """A rig with a budget, a purse and a `Retry` that does not wait."""

    def __init__(
        self, colour: Any, replies: Any, budget: RetryBudget | None = None, **options: Any
    ) -> None:
        self.purse = Purse()
        layers = [budget or RetryBudget(), self.purse, Retry(base_delay=0.0), Redirect()]
        super().__init__(colour, layers, replies, **options)

    @property
    def reasons(self) -> list[str]:
        """Why failures were not tried again, oldest first."""
        return [fact.reason for fact in self.kinds(RetryStopped)]


def test_a_failing_origin_is_asked_once(colour: Any) -> None:
    """When the tokens are spent, a call is sent once, returned as it is, and says why."""
    rig = Budgeted(colour, [503], forever=True)
    assert [rig.ends() for _ in range(8)] == [503] * 8
    assert rig.sent == 5 * 3 + 3  # ten tokens are five calls' repeats
    assert rig.reasons == ["attempts"] * 5 + ["budget"] * 3


def test_an_error_is_raised_as_it_is(colour: Any) -> None:
    """Where an error would have been repeated, that error is what the caller gets."""
    rig = Budgeted(colour, [REFUSED], RetryBudget(capacity=0))
    assert (rig.ends(), rig.reasons) == ("ConnectionFailed", ["budget"])


@pytest.mark.parametrize(
    ("replies", "brought"),
    [
        ([200], 0.1),
        ([404], 0.1),
        ([302], 0.1),
        ([429, 429, 429], -2),
        ([501], 0),
        ([REFUSED, REFUSED, REFUSED], -2),
        ([503, 200], 0),
        ([REFUSED, 404], 0),
        ([503, 503, 200], -1),
        ([503, 503, 503], -2),
        ([503, 429, 429], -2),
        ([503, 501], -1),
        ([Reply(chunks=[b"half", httpx.ReadError("cut")]), 200], 0),
    ],
)
def test_what_a_call_brings(replies: list[Any], brought: float, colour: Any) -> None:
    """A first-try success brings a tenth; a repeat costs one, which the winner brings back."""
    rig = Budgeted(colour, [200, *replies])
    rig.ends()
    rig.purse.drain(5)
    rig.ends()
    assert (rig.script.left, rig.purse.tokens) == (0, 5 + brought)


def upload(colour: Any) -> Any:
    """Return a body that can be read once."""

    def chunks() -> Any:
        yield b"once"

    async def achunks() -> Any:
        yield b"once"

    return achunks() if colour.is_async else chunks()


def test_nothing_is_spent_when_nothing_is_repeated(colour: Any) -> None:
    """The budget is asked last: attempts, hint, body and deadline come first, and cost nothing."""

    async def in_a_hurry(request: Any, call_next: Any) -> Any:
        call = Call.of(request)
        call.deadline = call.runtime.now() + 1.0
        return await call_next(request)

    def hurried(stack: Stack) -> Stack:
        return stack.replace(Retry, Retry(base_delay=9.0, jitter="none")).before(Retry, in_a_hurry)

    def strict(stack: Stack) -> Stack:
        return stack.replace(Retry, Retry(over_cap="stop"))

    rig = Budgeted(colour, [503, Reply(503, headers={"Retry-After": "100"}), 503, 503])
    rig.ends(max_retries=0)
    rig.ends(stack=strict)
    rig.ends("PUT", content=upload(colour))
    rig.ends(stack=hurried)
    assert rig.reasons == ["attempts", "retry_after", "body", "deadline"]
    assert rig.purse.tokens == 10.0


class Stuck(io.BytesIO):
    """A file that, once read, can be put back where it stands and nowhere else."""

    has_been_read = False

    def read(self, *size: Any) -> bytes:
        self.has_been_read = True
        return super().read(*size)

    def seek(self, *place: Any) -> int:
        if self.has_been_read and place != (self.tell(),):
            raise OSError
        return super().seek(*place)


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_a_file_that_does_not_rewind_costs_nothing(colour: Any) -> None:
    """The body is brought back before the budget is asked."""
    rig = Budgeted(colour, [503])
    rig.ends("PUT", content=Stuck(b"text"))
    assert (rig.reasons, rig.purse.tokens) == (["body"], 10.0)


class Left(BaseException):
    """What ends a call from outside, in any colour."""


@pytest.mark.parametrize(("where", "tokens"), [("waiting", 9.0), ("sending", 8.0)])
def test_leaving(where: str, tokens: float, colour: Any) -> None:
    """Who leaves during the wait gets the token back; who leaves once it was sent has spent it."""

    def leave(*_: Any) -> Any:
        raise Left

    def leave_waiting(seconds: float) -> None:
        if len(rig.kinds(RetryScheduled)) == 2 and where == "waiting":
            raise Left
        usual(seconds)

    rig = Budgeted(colour, [503, 503, leave])
    usual, rig.clock.sleep = rig.clock.sleep, leave_waiting  # type: ignore[method-assign]
    with pytest.raises(Left):
        rig.send()
    assert len(rig.kinds(RetryScheduled)) == 2
    assert rig.purse.tokens == tokens


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_a_cancellation_during_the_wait(colour: Any) -> None:
    """A task cancelled while it waits for its repeat gives the token back; nothing more is sent."""

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(rig.client.get, "/it")
            while not rig.kinds(RetryScheduled):
                await anyio.lowlevel.checkpoint()
            assert rig.purse.tokens == 9.0
            group.cancel_scope.cancel()

    async def for_ever(seconds: float) -> None:
        await (anyio.sleep_forever() if rig.kinds(RetryScheduled) else usual(seconds))

    rig = Budgeted(colour, [503])
    usual, rig.clock.asleep = rig.clock.asleep, for_ever  # type: ignore[method-assign]
    colour.run(scenario)
    assert (rig.sent, rig.script.open, rig.purse.tokens) == (1, 0, 10.0)


def test_each_origin_has_its_own(colour: Any) -> None:
    """One origin's failures leave another's tokens alone; scheme, host and port make an origin."""
    rig = Budgeted(colour, [503], forever=True, base_url=None)
    left = []
    for url in (
        "https://one.example.com/it",
        "https://one.example.com:443/else",
        "https://one.example.com:8443/it",
        "http://one.example.com/it",
        "https://two.example.com/it",
    ):
        rig.ends(url=url)
        left.append(rig.purse.tokens)
    assert left == [8.0, 6.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize("shared", [True, False])
def test_clients_share_on_purpose_alone(shared: bool, colour: Any) -> None:
    """Two clients with one budget object have a bucket each, unless it says that it is shared."""
    budget = RetryBudget(shared=shared)
    one, other = (Budgeted(colour, [503], budget, forever=True) for _ in range(2))
    one.ends()
    other.ends()
    assert (one.purse.buckets is other.purse.buckets) == shared
    assert other.purse.tokens == (6.0 if shared else 8.0)


def test_views_share(colour: Any) -> None:
    """A view that `with_options` makes is the same client, and draws from its bucket."""
    rig = Budgeted(colour, [503], forever=True)
    rig.ends()
    colour.run(lambda: rig.client.with_options(headers={"X-View": "yes"}).get("/it"))
    assert rig.purse.tokens == 6.0


def unbudgeted(stack: Stack) -> Stack:
    return stack.without(RetryBudget)


def test_one_call_without(colour: Any) -> None:
    """`stack=` takes a call out of the budget: it is repeated whatever the bucket holds."""
    rig = Rig(colour, [RetryBudget(capacity=1), Retry(base_delay=0.0)], [503], forever=True)
    assert (rig.ends(), rig.sent) == (503, 2)
    assert (rig.ends(stack=unbudgeted), rig.sent) == (503, 5)


def test_the_calls_own_origin_pays(colour: Any) -> None:
    """A redirect is part of its attempt: where the call goes pays for its repeats."""
    moved = Reply(302, headers={"Location": "https://else.example.com/it"})
    rig = Budgeted(colour, [moved, 503, moved, 503, moved, 503, 503])
    rig.ends()
    rig.ends(max_retries=0)
    assert rig.purse.tokens == 8.0


def test_a_stack_without_retry_fills_its_bucket(colour: Any) -> None:
    """Where nothing is repeated every call is a first try."""
    purse = Purse()
    rig = Rig(colour, [RetryBudget(), purse], [501, 200, 503])
    rig.ends()
    purse.drain(1)
    assert [rig.ends(), rig.ends(), purse.tokens] == [200, 503, 9.1]


@pytest.mark.parametrize(
    "arguments",
    [
        {"capacity": -1},
        {"capacity": float("inf")},
        {"capacity": float("nan")},
        {"capacity": True},
        {"capacity": "10"},
        {"deposit": -0.1},
        {"deposit": 0.0001},
        {"cost": 0},
        {"cost": -1},
    ],
    ids=repr,
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any]) -> None:
    """A number that no bucket can have is refused, and the message names the argument."""
    with pytest.raises(InvalidOption, match=next(iter(arguments))):
        RetryBudget(**arguments)


class Model:
    """What a client sends to one origin, and what is left of its two tokens."""

    def __init__(self, retries: int) -> None:
        self.tokens, self.retries = Fraction(2), retries

    def sends(self, outcomes: list[int]) -> int:
        """Return how many of *outcomes* a call gets to see."""
        repeats = 0
        while outcomes[repeats] in {429, 503} and repeats < self.retries and self.tokens >= 1:
            self.tokens -= 1
            repeats += 1
        if outcomes[repeats] in {200, 404}:
            self.tokens = min(Fraction(2), self.tokens + (1 if repeats else Fraction(1, 10)))
        return repeats + 1


STEPS = st.sampled_from([0.0, 1e-9, 1.0, 60.0, 1e9, -1.0, -1e9])
OUTCOMES = st.lists(st.sampled_from([200, 404, 429, 501, 503]), min_size=4, max_size=4)


@settings(max_examples=60)
@given(calls=st.lists(st.tuples(OUTCOMES, STEPS), max_size=30), retries=st.integers(0, 3))
def test_a_client_is_its_model(calls: list[tuple[list[int], float]], retries: int) -> None:
    """Whatever comes, and whatever the clock does, tokens and sends are those of the model."""
    rig = Budgeted(SYNC, [], RetryBudget(capacity=2), max_retries=retries)
    model = Model(retries)
    for outcomes, step in calls:
        rig.script._replies = list(outcomes)
        rig.clock.advance(step)
        before = rig.sent
        rig.ends()
        assert rig.sent - before == model.sends(outcomes)
        assert rig.purse.tokens == float(model.tokens)
