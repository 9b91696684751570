"""The stack: what is refused when it is made, and what a sync client cannot await."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from penstock import (
    ConfigurationError,
    InvalidOption,
    Middleware,
    PenstockError,
    Settings,
    Stack,
    on_request,
    on_response,
)
from penstock.middleware import (
    Auth,
    Deadline,
    Headers,
    RaiseForStatus,
    Redirect,
    Retry,
    Timeout,
    UserAgent,
)

from .support import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .support import Rig


class Tag:
    """A middleware that puts its name on the request."""

    def __init__(self, name: str = "tag") -> None:
        self.name = name

    async def __call__(self, request: Any, call_next: Any) -> Any:
        request.headers["X-Tag"] = request.headers.get("X-Tag", "") + self.name
        return await call_next(request)

    def __repr__(self) -> str:
        return f"Tag({self.name!r})"


async def plain(request: Any, call_next: Any) -> Any:
    return await call_next(request)


def not_async(request: Any, call_next: Any) -> Any:
    return call_next(request)


class NotAsync:
    """A class whose call is no coroutine."""

    def __call__(self, request: Any, call_next: Any) -> Any:
        return call_next(request)


async def generates(request: Any, call_next: Any) -> Any:
    yield await call_next(request)


STANDARD = Stack.standard()

MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "an unknown anchor": (lambda: STANDARD.before(Tag, plain), "Tag is not in the stack.*Retry"),
    "an unknown instance": (lambda: STANDARD.after(Retry(), plain), "Retry is not in the stack"),
    "what every layer is": (
        lambda: STANDARD.before(object, plain),
        "object is not in the stack.*Retry",
    ),
    "what no layer says it is": (
        lambda: STANDARD.after(Middleware, plain),
        "Middleware is not in the stack.*Retry",
    ),
    "no anchor": (lambda: STANDARD.after(None, plain), "an anchor is a class or one.*Retry"),
    "several anchors": (lambda: STANDARD.before([Retry], plain), "an anchor is a class or one"),
    "nothing to leave out": (lambda: STANDARD.without(Tag), "Tag is not in the stack"),
    "nothing to replace": (lambda: Stack.bare().replace(Retry, Retry()), "which has: nothing"),
    "a class": (lambda: STANDARD.append(Tag), r"Tag is a class.*Tag\(\)"),
    "a plain function": (lambda: STANDARD.append(not_async), "not_async is not async.*on_request"),
    "a plain object": (lambda: STANDARD.append(NotAsync()), "NotAsync is not async"),
    "an async generator": (lambda: STANDARD.append(generates), "generates is not async"),
    "no function": (lambda: STANDARD.append("retry"), "'retry' is not a middleware"),
    "nothing": (lambda: Stack([None]), "None is not a middleware"),
    "two that divide": (lambda: STANDARD.append(Retry()), r"Retry and Retry.*\.replace"),
    "a call's inside": (lambda: Stack([Retry(), Deadline()]), r"Deadline.*\.before\(Retry"),
    "an attempt's outside": (lambda: Stack([Timeout(), Retry()]), r"Timeout.*\.after\(Retry"),
    "errors inside": (
        lambda: STANDARD.append(RaiseForStatus()),
        r"RaiseForStatus.*\.before\(Retry",
    ),
    "auth outside": (lambda: STANDARD.before(Retry, Auth()), r"Auth.*\.after\(Retry"),
    "on_request of async": (lambda: on_request(plain), "on_request.*plain function"),
    "on_response of nothing": (lambda: on_response(None), "on_response.*plain function"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_once(name: str) -> None:
    """It raises where the stack is made, names the culprit and says what to write instead."""
    make, says = MISTAKES[name]
    with pytest.raises(ConfigurationError, match=says):
        make()


def test_a_wrong_middleware_is_a_type_error() -> None:
    """What is no middleware at all is a `TypeError` too."""
    for wrong in (Tag, not_async, "retry", NotAsync()):
        with pytest.raises(TypeError):
            Stack([wrong])


@pytest.mark.parametrize("make", [Stack.standard, Stack.transport, Stack.production])
def test_a_stack_is_made_from_settings(make: Any) -> None:
    """What is no settings is refused by the name of what is expected."""
    with pytest.raises(InvalidOption, match=r"Settings\.load\(…\) reads, not dict"):
        make({"retry": {"max_retries": 1}})


@pytest.mark.parametrize(
    "good",
    [
        plain,
        Tag(),
        functools.partial(plain),
        on_request(lambda request: None),
        on_response(lambda response: None),
        Tag().__call__,
    ],
)
def test_a_middleware_is_any_async_callable(good: Any, rig: Callable[..., Rig]) -> None:
    """Functions, methods, partials, objects and wrapped plain functions serve alike."""
    assert rig([200], stack=Stack([good])).status() == 200


def test_a_function_makes_a_clients_stack(colour: Any) -> None:
    """A function given as `stack=` gets the stack there would be without it, settings and all."""
    settings = Settings(retry={"retry_after_cap": 7}, logging={"enabled": False})
    standard = colour.client(BASE_URL, settings=settings).stack
    client = colour.client(
        BASE_URL, settings=settings, stack=lambda stack: stack.before(Retry, Tag("a"))
    )
    assert [repr(layer) for layer in standard] == [
        repr(layer) for layer in client.stack.without(Tag)
    ]
    assert "Tag" in repr(client.stack)


@pytest.mark.parametrize("wrong", [Retry(), [Retry()], lambda _stack: [Retry()]])
def test_what_is_no_stack_is_refused(colour: Any, wrong: Any) -> None:
    """A middleware, or a list, in the place of a stack is refused at construction."""
    with pytest.raises(InvalidOption, match="must be a Stack, or a function that returns one"):
        colour.client(BASE_URL, stack=wrong)


def test_stacks_do_not_change(rig: Callable[..., Rig]) -> None:
    """Every edit gives another stack, and leaves the one it began with."""
    first = Stack.standard()
    kept = list(first)
    edits = [
        first.before(Retry, Tag("a"), Tag("b")),
        first.after(Retry, Tag("a")),
        first.replace(Retry, Retry()),
        first.without(Retry),
        first.append(Tag("a")),
        first[1:],
    ]
    assert list(first) == kept
    assert all(edited != first for edited in edits)
    assert [type(layer).__name__ for layer in edits[0]][-12:] != [
        type(layer).__name__ for layer in first
    ]
    with pytest.raises(AttributeError):
        first.layers = ()  # type: ignore[attr-defined]  # refused


def test_where_an_edit_puts_things(rig: Callable[..., Rig]) -> None:
    """`before` is just outside, `after` just inside, `append` next to the transport, in order."""
    stack = Stack([Tag("1"), Retry(), Tag("2")])
    stack = stack.before(Retry, Tag("a"), Tag("b")).after(Retry, Tag("c"), Tag("d"))
    server = rig([200], stack=stack.append(Tag("e"), Tag("f")))
    assert server.status() == 200
    assert server.requests[0].headers["x-tag"] == "1abcd2ef"
    anchor = Tag("x")
    server = rig([200], stack=Stack([anchor]).before(anchor, Tag("y")).replace(anchor, Tag("z")))
    assert server.status() == 200
    assert server.requests[0].headers["x-tag"] == "yz"


def test_a_generator_is_read_once(rig: Callable[..., Rig]) -> None:
    """A stack made from a generator holds what that gave, for every call."""

    def layers() -> Iterator[Any]:
        yield Tag("a")
        yield Tag("b")

    server = rig([200, 200], stack=Stack(layers()))
    assert (server.status(), server.status()) == (200, 200)
    assert [request.headers["x-tag"] for request in server.requests] == ["ab", "ab"]


def test_the_repr_is_the_order() -> None:
    """`repr` prints the layers, outermost first, and the line between call and attempt."""
    assert repr(Stack([Tag("a"), Retry(), UserAgent("x/1"), Headers(), Redirect(3)])) == (
        "Stack([\n"
        "    Tag('a'),\n"
        "    # ── once a call above, once an attempt below ──\n"
        "    Retry(),\n"
        "    UserAgent('x/1'),\n"
        "    Headers(),\n"
        "    Redirect(max_redirects=3),\n"
        "])"
    )


def test_the_standard_order() -> None:
    """The standard stack is the one the documentation prints."""
    assert [type(layer).__name__ for layer in Stack.standard()] == [
        "RaiseForStatus",
        "Tracing",
        "Logging",
        "Deadline",
        "Retry",
        "UserAgent",
        "Headers",
        "Redirect",
        "Auth",
        "AttemptTracing",
        "Timeout",
    ]


class Forgets:
    """A middleware that forgets to return the response."""

    async def __call__(self, request: Any, call_next: Any) -> Any:
        await call_next(request)


class DoesNotAwait:
    """A middleware that returns the rest of the stack instead of what it gives."""

    async def __call__(self, request: Any, call_next: Any) -> Any:
        return call_next(request)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("wrong", [Forgets(), DoesNotAwait()], ids=["forgets", "no await"])
@pytest.mark.parametrize("where", ["alone", "call", "attempt", "innermost"])
def test_a_middleware_that_gives_no_response(
    wrong: Any, where: str, rig: Callable[..., Rig]
) -> None:
    """It is a `TypeError` that names it, wherever it stands."""
    stack = {
        "alone": Stack([wrong]),
        "call": STANDARD.before(Retry, wrong),
        "attempt": STANDARD.after(Retry, wrong),
        "innermost": STANDARD.append(wrong),
    }[where]
    with pytest.raises(PenstockError, match=type(wrong).__name__) as caught:
        rig([200], stack=stack).send()
    assert isinstance(caught.value, TypeError)
