"""The laws of a client made with the kit: operations, resources, raw responses, options, errors."""

from __future__ import annotations

import inspect
import pickle
import traceback
from functools import partial
from typing import Any

import pytest

import penstock
from penstock import (
    API,
    Async,
    AsyncAPI,
    BaseAPI,
    Call,
    ClientClosed,
    Colour,
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    InvalidOption,
    Model,
    NotFound,
    PenstockError,
    RawResponse,
    RequestOptions,
    Resource,
    Stack,
    Sync,
    add_middleware,
    operation,
    overloaded,
)
from penstock.middleware import RaiseForStatus, Retry
from penstock.testing import Reply, Script, VirtualClock

BASE_URL = "https://api.acme.example/v1"


class AcmeError(PenstockError):
    """Acme's own."""


def own(error: PenstockError) -> Exception:
    keep = isinstance(error, (AcmeError, ConfigurationError))
    return error if keep else AcmeError(f"acme: {error.message}")


class Gate(Model):
    id: str
    open: bool


class SyncMake:
    def __call__(self, name: str) -> Gate: ...


class AsyncMake:
    async def __call__(self, name: str) -> Gate: ...


class Gates(Resource[Colour]):
    prefix: str = "/gates"

    @operation
    async def retrieve(self, name: str, **call: Any) -> Gate:
        """Return one gate."""
        call.setdefault("operation", "gates.retrieve")
        return await self._fetch(Gate, "GET", f"{self.prefix}/{name}", **call)

    @operation
    async def opened(self, name: str, every: float = 2.0) -> Gate:
        """Wait until a gate is open."""
        while True:
            gate = Gate(await self._json("GET", f"{self.prefix}/{name}"))
            if gate.open:
                return gate
            await self.runtime.sleep(every)

    @operation
    async def count(self) -> int:
        """Count without asking."""
        return 7

    @operation
    async def names(self) -> Any:
        """Return whatever JSON comes."""
        return await self._json("GET", self.prefix)

    @overloaded(SyncMake, AsyncMake)
    async def make(self, name: str) -> Gate:
        """Make one."""
        return await self._fetch(Gate, "POST", self.prefix, json={"name": name})


class Site(Resource[Colour]):
    @property
    def gates(self) -> Gates[Colour]:
        return self._sub(Gates[Colour], prefix="/site/gates")


class _Acme(BaseAPI[Colour]):
    def __init__(self, **options: Any) -> None:
        super().__init__(self._make_client(BASE_URL, **options), own)

    @property
    def gates(self) -> Gates[Colour]:
        return self._sub(Gates)

    @property
    def site(self) -> Site[Colour]:
        return self._sub(Site)

    @operation
    async def ping(self) -> int:
        """Tell the status."""
        return (await self._request("GET", "/ping")).status_code


class Acme(_Acme[Sync], API):
    """The client."""


class AsyncAcme(_Acme[Async], AsyncAPI):
    """Its async twin."""


class Rig:
    """A client of one colour over a script, in virtual time."""

    def __init__(self, colour: Any, replies: list[Any], **options: Any) -> None:
        self.run = colour.run
        self.clock = VirtualClock()
        self.script = Script(replies, clock=self.clock)
        kind = AsyncAcme if colour.is_async else Acme
        self.acme: Any = kind(transport=self.script, clock=self.clock, **options)


GATE = {"id": "g1", "open": True}


def test_an_operation_is_written_once(colour: Any) -> None:
    """The same method returns its result in a sync client and is awaited in an async one."""
    rig = Rig(colour, [GATE])
    result = rig.run(lambda: rig.acme.gates.retrieve("g1"))
    assert (type(result), result.id) == (Gate, "g1")
    assert str(rig.script.requests[0].url) == f"{BASE_URL}/gates/g1"


def test_an_operation_may_wait_and_ask_again(colour: Any) -> None:
    """An operation of several requests and waits is plain async code, in both colours."""
    rig = Rig(colour, [{"id": "g1", "open": False}, {"id": "g1", "open": False}, GATE])
    assert rig.run(lambda: rig.acme.gates.opened("g1", every=3.0)).open
    assert rig.clock.sleeps == [3.0, 3.0]


def test_the_client_itself_may_have_operations(colour: Any) -> None:
    """A client is a resource: an operation on it works as one below it does."""
    rig = Rig(colour, [204])
    assert rig.run(rig.acme.ping) == 204


def test_an_operation_keeps_its_name_docstring_and_signature() -> None:
    """What `help()` shows of an operation is the method it was made from."""
    create = Acme(transport=Script()).gates.retrieve
    assert (create.__name__, create.__doc__) == ("retrieve", "Return one gate.")
    assert list(inspect.signature(create).parameters) == ["name", "call"]
    assert Gates.retrieve.__doc__ == "Return one gate."


def test_a_resource_has_what_its_parent_has(colour: Any) -> None:
    """A resource below another has its client, its error table and what it was given itself."""
    rig = Rig(colour, [GATE])
    rig.run(lambda: rig.acme.site.gates.retrieve("g1"))
    assert rig.script.requests[0].url.path == "/v1/site/gates/g1"
    assert rig.acme.gates.prefix == "/gates"


@pytest.mark.parametrize("where", ["client", "resource"])
def test_a_raw_response_comes_around_the_result(where: str, colour: Any) -> None:
    """`with_raw_response`, on client or resource, gives status, headers, attempts and result."""
    rig = Rig(colour, [503, Reply(json=GATE, headers={"X-Request-Id": "req_1"})])
    gates = (
        rig.acme.with_raw_response.gates if where == "client" else rig.acme.gates.with_raw_response
    )
    raw: RawResponse[Gate] = rig.run(lambda: gates.retrieve("g1"))
    assert (raw.status_code, raw.headers["x-request-id"], raw.parsed.id) == (200, "req_1", "g1")
    assert [attempt.status for attempt in raw.attempts] == [503, 200]
    assert not isinstance(rig.acme.gates, RawResponse)


def test_a_raw_response_is_the_last_of_several(colour: Any) -> None:
    """Of an operation that sends several requests, the raw response is the last."""
    first = Reply(json={"id": "g1", "open": False}, headers={"X-N": "1"})
    rig = Rig(colour, [first, Reply(json=GATE, headers={"X-N": "2"})])
    raw = rig.run(lambda: rig.acme.with_raw_response.gates.opened("g1"))
    assert raw.headers["x-n"] == "2"


def test_there_is_no_raw_response_without_a_request(colour: Any) -> None:
    """An operation that sends nothing has no raw response, and says so."""
    rig = Rig(colour, [])
    with pytest.raises(ConfigurationError, match="count sent no request"):
        rig.run(rig.acme.gates.with_raw_response.count)


def test_two_raw_calls_do_not_mix(colour: Any) -> None:
    """Each raw call keeps its own response, also through one resource object."""
    rig = Rig(
        colour, [Reply(json=GATE, headers={"X-N": "1"}), Reply(json=GATE, headers={"X-N": "2"})]
    )
    raw = rig.acme.gates.with_raw_response
    seen = [rig.run(lambda: raw.retrieve("g1")).headers["x-n"] for _ in range(2)]
    assert seen == ["1", "2"]


@pytest.mark.parametrize(
    "given", [{"headers": {"X-A": "call"}}, RequestOptions(headers={"X-A": "call"})]
)
def test_the_callers_options_win(given: Any, colour: Any) -> None:
    """`request_options=`, an object or a dict, wins over what the operation itself says."""
    rig = Rig(colour, [GATE, GATE])
    rig.run(lambda: rig.acme.gates.retrieve("g1", headers={"X-A": "own", "X-B": "own"}))
    rig.run(
        lambda: rig.acme.gates.retrieve(
            "g1", headers={"X-A": "own", "X-B": "own"}, request_options=given
        )
    )
    sent = [(request.headers["x-a"], request.headers["x-b"]) for request in rig.script.requests]
    assert sent == [("own", "own"), ("call", "own")]


def test_a_wrong_option_is_named(colour: Any) -> None:
    """A mistake in `request_options=` is an error before anything is sent."""
    rig = Rig(colour, [])
    with pytest.raises(InvalidOption, match="unknown option 'timeouts': did you mean 'timeout'"):
        rig.run(lambda: rig.acme.gates.retrieve("g1", request_options={"timeouts": 3}))
    assert rig.script.requests == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "gates.retrieve"), ({"operation": "mine"}, "mine"), ({"timeout": 3}, "gates.retrieve")],
)
def test_an_operation_has_a_name(given: Any, expected: str, colour: Any) -> None:
    """A call goes by its operation's name in spans and logs, unless the caller gives another."""
    names = []

    async def watch(request: Any, call_next: Any) -> Any:
        names.append(Call.of(request).operation)
        return await call_next(request)

    rig = Rig(colour, [GATE], stack=add_middleware(Stack.standard(), [watch]))
    rig.run(lambda: rig.acme.gates.retrieve("g1", request_options=given))
    assert names == [expected]


def test_with_options_is_a_view(colour: Any) -> None:
    """A view has other options, and the client it is of keeps its own."""
    rig = Rig(colour, [GATE, GATE, GATE])
    view = rig.acme.with_options(headers={"X-A": "view"})
    for client in (rig.acme, view, rig.acme):
        rig.run(partial(client.gates.retrieve, "g1"))
    assert [request.headers.get("x-a") for request in rig.script.requests] == [None, "view", None]
    assert type(view) is type(rig.acme)


@pytest.mark.parametrize("viewed", [False, True])
def test_a_closed_client_says_so(viewed: bool, colour: Any) -> None:
    """After its `with` block a client calls no more; the end of a view closes only the view."""
    rig = Rig(colour, [GATE])

    async def in_async() -> None:
        async with rig.acme.with_options() if viewed else rig.acme:
            pass

    def in_sync() -> None:
        with rig.acme.with_options() if viewed else rig.acme:
            pass

    rig.run(in_async if colour.is_async else in_sync)
    assert rig.acme.is_closed is not viewed
    if viewed:
        assert rig.run(lambda: rig.acme.gates.retrieve("g1")).id == "g1"
    else:
        with pytest.raises(ClientClosed):
            rig.run(lambda: rig.acme.gates.retrieve("g1"))


NOT_WHAT_IT_SHOULD_BE = {
    "HTML": (
        Reply(text="<h1>secret</h1>", headers={"Content-Type": "text/html"}),
        r"not JSON \(text/html\): Expecting value",
    ),
    "nothing": (Reply(204), r"not JSON \(no content type\)"),
    "cut JSON": (Reply(content=b'{"id": "sec'), "not JSON"),
    "nested too deep": (Reply(content=b"[" * 100_000), "RecursionError"),
    "bad UTF-8": (Reply(content=b'"\xff"'), "UnicodeDecodeError"),
    "a list": (Reply(json=[1]), "a JSON list, not an object"),
}


@pytest.mark.parametrize("body", NOT_WHAT_IT_SHOULD_BE)
def test_a_body_that_is_no_object(body: str, colour: Any) -> None:
    """A success without a JSON object is the API's own error; it knows its call, not the body."""
    reply, said = NOT_WHAT_IT_SHOULD_BE[body]
    rig = Rig(colour, [reply])
    with pytest.raises(AcmeError, match=said) as caught:
        rig.run(lambda: rig.acme.gates.retrieve("g1"))
    error = caught.value
    assert (error.method, error.url, error.operation) == (
        "GET",
        f"{BASE_URL}/gates/g1",
        "gates.retrieve",
    )
    assert len(error.attempts) == 1
    assert isinstance(error.__cause__, DecodeError)
    assert "sec" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "reply",
    [
        ConnectionFailed("reset", phase="connect"),
        Reply(404, json={"error": {"message": "no such gate"}}),
    ],
)
def test_errors_are_the_apis_own_in_any_stack(reply: Any, colour: Any) -> None:
    """In a stack without the error table an error is the API's own all the same."""
    rig = Rig(colour, [reply], max_retries=0)
    with pytest.raises(AcmeError) as caught:
        rig.run(lambda: rig.acme.gates.retrieve("g1"))
    error = caught.value
    assert (error.operation, error.url, len(error.attempts)) == (
        "gates.retrieve",
        f"{BASE_URL}/gates/g1",
        1,
    )
    assert isinstance(error.__cause__, (ConnectionFailed, NotFound))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_error_of_the_stacks_table_comes_as_it_is(colour: Any) -> None:
    """What the client's `RaiseForStatus` made is raised unchanged, once."""
    made = AcmeError("made in the stack")
    table = RaiseForStatus(errors=lambda _: made, failures=own)
    rig = Rig(colour, [404], stack=Stack.standard().replace(RaiseForStatus, table))
    with pytest.raises(AcmeError) as caught:
        rig.run(lambda: rig.acme.gates.retrieve("g1"))
    assert caught.value is made
    assert made.__cause__ is None


def test_whatever_json_comes_is_a_result(colour: Any) -> None:
    """`_json` returns any JSON as it came."""
    rig = Rig(colour, [Reply(json=["g1", "g2"])])
    assert rig.run(rig.acme.gates.names) == ["g1", "g2"]


def test_signatures_may_be_written_out(colour: Any) -> None:
    """An overloaded operation is an operation."""
    rig = Rig(colour, [GATE])
    assert rig.run(lambda: rig.acme.gates.make("g1")).id == "g1"
    assert rig.script.bodies == [b'{"name":"g1"}']


class PerAttempt:
    zone = "attempt"

    async def __call__(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def test_middleware_goes_around_the_line() -> None:
    """A user's middleware goes just outside `Retry` in its order, an attempt's just inside."""
    first, second, inside = on_call(), on_call(), PerAttempt()
    stack = Stack.standard()
    placed = list(add_middleware(stack, [first, inside, second]))
    retry = placed.index(next(layer for layer in stack if isinstance(layer, Retry)))
    assert placed[retry - 2 : retry] == [first, second]
    assert placed[retry + 1] is inside
    assert [layer for layer in placed if layer not in (first, second, inside)] == list(stack)
    assert add_middleware(stack, []) == stack


def test_middleware_goes_innermost_where_nothing_divides() -> None:
    """In a stack without `Retry` a user's middleware is next to the transport."""
    outer, own = on_call(), PerAttempt()
    assert list(add_middleware(Stack([outer]), [own])) == [outer, own]


def on_call() -> Any:
    async def layer(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    return layer


def test_a_client_shows_what_it_is() -> None:
    """The repr of a client and of a resource names it and its base URL, and no key."""
    acme = Acme(transport=Script(), api_key="sk-acme-0123456789")
    assert repr(acme) == f"<Acme of <Client '{BASE_URL}'>>"
    assert repr(acme.gates) == f"<Gates of <Client '{BASE_URL}'>>"
    assert acme.stack == acme.with_options(timeout=3).stack


@pytest.mark.parametrize("made", [None, "no", ValueError])
def test_a_failure_that_is_no_error_hides_none(colour: Any, made: Any) -> None:
    """Who forgets to return what is left alone hears of it, with what went wrong as the cause."""
    client = colour.client(BASE_URL, transport=Script([404], forever=True))
    gates: Any = Gates(client, lambda error: made)
    with pytest.raises(InvalidOption, match=r"failures gave .* instead of an error") as caught:
        colour.run(lambda: gates.retrieve("east"))
    assert isinstance(caught.value.__cause__, NotFound)
    assert caught.value.operation == "gates.retrieve"


class Odd(Resource[Colour]):
    @operation  # type: ignore[arg-type]  # what is wrong here
    def plain(self) -> int:
        return 1

    @operation  # type: ignore[arg-type]  # as above
    async def several(self) -> Any:
        yield 1


@pytest.mark.parametrize("name", ["plain", "several"])
def test_an_operation_is_async(name: str) -> None:
    """One that is written otherwise is named where it is called."""
    odd: Any = Odd(penstock.Client(BASE_URL, transport=Script()))
    with pytest.raises(InvalidOption, match=f"Odd.{name} is an operation, and not"):
        getattr(odd, name)()
