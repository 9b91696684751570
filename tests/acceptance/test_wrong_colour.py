"""An open response read or closed in the other client's way: refused, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import InvalidOption, Stack
from penstock.middleware import Retry
from penstock.testing import Reply, Script

from .support import BASE_URL, done, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.demo import DemoServer

WAYS = ["read", "close", "iter_bytes", "iter_raw", "iter_text", "iter_lines"]
OF_THE_STREAM = ["close", "iter"]


@pytest.fixture(params=["script", "wire"])
def connect(request: pytest.FixtureRequest, colour: Any) -> Callable[..., Any]:
    """`connect(stack)` makes a client over a script, or over one connection to a server."""

    def over_a_script(stack: Stack) -> Any:
        transport = Script([Reply(chunks=[b"{}"])], forever=True)
        return colour.client(BASE_URL, transport=transport, stack=stack)

    def over_a_wire(stack: Stack) -> Any:
        server: DemoServer = request.getfixturevalue("demo")
        limits = httpx.Limits(max_connections=1)
        options = {"limits": limits, "trust_env": False, "timeout": httpx.Timeout(10.0, pool=0.1)}
        return colour.client(f"{server.url}/v1", stack=stack, **options)

    return over_a_script if request.param == "script" else over_a_wire


async def use(colour: Any, response: Any, way: str, *, wrongly: bool = True) -> Any:
    """Use *response* in one *way*: of the other colour, or of its own."""
    is_async = colour.is_async != wrongly
    if way == "iter":
        return [each async for each in response] if is_async else list(response)
    result = getattr(response, f"a{way}" if is_async else way)()
    if not way.startswith("iter"):
        return await done(result)
    return [each async for each in result] if is_async else list(result)


async def in_stream(client: Any, body: Callable[[Any], Any]) -> None:
    """Run *body* with an open response, and leave it."""
    stream = client.stream("GET", "/models")
    if hasattr(stream, "__aenter__"):
        async with stream as response:
            await body(response)
    else:
        with stream as response:
            await body(response)


def is_free(client: Any) -> bool:
    """Tell whether nothing of *client* is leased or open."""
    transport = client._wire.transport
    leased: int = (
        transport.open if isinstance(transport, Script) else transport.pool_status().active
    )
    return leased == 0


async def works_on(colour: Any, client: Any) -> None:
    """Check that nothing was leaked: one more call goes through."""
    assert is_free(client)
    assert (await done(client.get("/models"))).status_code == 200
    await done(client.aclose() if colour.is_async else client.close())


def told(colour: Any) -> str:
    """Return what a refusal says first of all."""
    if colour.is_async:
        return r"this response is an AsyncClient's: await response\.aread\(\).*runtime\.read\("
    return r"this response is a Client's: call response\.read\(\).*runtime\.read\("


@pytest.mark.parametrize("way", WAYS)
def test_an_open_response_used_wrongly(way: str, connect: Callable[..., Any], colour: Any) -> None:
    """It is refused with what to write instead, and the response is as open as it was."""

    async def body(response: Any) -> None:
        with pytest.raises(InvalidOption, match=told(colour)):
            await use(colour, response, way)
        assert (response.is_closed, response.is_stream_consumed) == (False, False)
        content = await use(colour, response, "read", wrongly=False)
        assert content.startswith(b"{")

    async def scenario() -> None:
        client = connect(Stack.standard())
        await in_stream(client, body)
        await works_on(colour, client)

    play(colour, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_leaving_after_it(way: str, connect: Callable[..., Any], colour: Any) -> None:
    """A block that the refusal leaves closes the response, and the next call succeeds."""

    async def scenario() -> None:
        client = connect(Stack.standard())
        with pytest.raises(InvalidOption, match=told(colour)):
            await in_stream(client, lambda response: use(colour, response, way))
        await works_on(colour, client)

    play(colour, scenario)


@pytest.mark.parametrize("way", OF_THE_STREAM)
def test_the_stream_of_a_response_used_wrongly(
    way: str, connect: Callable[..., Any], colour: Any
) -> None:
    """The raw stream refuses as the response does, and is closed properly afterwards."""

    async def scenario() -> None:
        client = connect(Stack.standard())
        with pytest.raises(InvalidOption, match=told(colour)):
            await in_stream(client, lambda response: use(colour, response.stream, way))
        await works_on(colour, client)

    play(colour, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_a_middleware_of_the_other_colour(
    way: str, connect: Callable[..., Any], colour: Any
) -> None:
    """A middleware is told in time: it closes what it may not use, and the client lives on."""

    async def uses(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        await use(colour, response, way)
        return response

    async def never(response: Any) -> None:
        raise AssertionError(response)

    async def scenario() -> None:
        client = connect(Stack([uses]))
        with pytest.raises(InvalidOption, match=told(colour)):
            await in_stream(client, never)
        assert is_free(client)
        await in_stream(client.with_options(stack=lambda _: Stack.bare()), done)
        await done(client.aclose() if colour.is_async else client.close())

    play(colour, scenario)


def test_a_response_that_is_over(connect: Callable[..., Any], colour: Any) -> None:
    """A body that was read is read again, and closed again, in either colour."""

    async def body(response: Any) -> None:
        content = await use(colour, response, "read", wrongly=False)
        assert await use(colour, response, "read") == content
        assert await use(colour, response, "iter_bytes") == [content]
        await use(colour, response, "close")

    async def scenario() -> None:
        client = connect(Stack.standard())
        await in_stream(client, body)
        await works_on(colour, client)

    play(colour, scenario)


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_who_fails_above_an_open_response_leaks_none(colour: Any) -> None:
    """A middleware that raises after the head of a stream leaves no connection leased."""

    async def fails(request: Any, call_next: Any) -> Any:
        await call_next(request)
        raise ZeroDivisionError

    script = Script([200])
    client = colour.client(BASE_URL, transport=script, stack=Stack.standard().before(Retry, fails))
    with pytest.raises(ZeroDivisionError):
        colour.run(lambda: entered(colour, client.stream("GET", "/x")))
    assert script.open == 0


def entered(colour: Any, opening: Any) -> Any:
    return opening.__aenter__() if colour.is_async else opening.__enter__()
