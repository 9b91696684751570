"""What every product's client takes alike: what `stack=` and `settings=` may be."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from penstock import InvalidOption, Settings, Stack
from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, BabyAPIError
from penstock.clients.bayt import AsyncBaytClient, BaytAPIError, BaytClient
from penstock.clients.openai_compatible import (
    AsyncOpenAICompatible,
    OpenAICompatible,
    OpenAIError,
)
from penstock.clients.pareta import AsyncPareta, Pareta, ParetaError
from penstock.middleware import Logging, Retry
from penstock.testing import Script, VirtualClock


class Product(NamedTuple):
    """A product's client in both colours, its error, and a call of it."""

    sync: Any
    asynchronous: Any
    error: type[Exception]
    call: Any


PRODUCTS = {
    "babyapi": Product(BabyAPI, AsyncBabyAPI, BabyAPIError, lambda c: c.infer(prompt="?")),
    "bayt": Product(BaytClient, AsyncBaytClient, BaytAPIError, lambda c: c.get_prompt("@a/b:v1")),
    "openai": Product(
        OpenAICompatible, AsyncOpenAICompatible, OpenAIError, lambda c: c.models.list()
    ),
    "pareta": Product(Pareta, AsyncPareta, ParetaError, lambda c: c.models.list()),
}


@pytest.fixture(params=list(PRODUCTS))
def product(request: pytest.FixtureRequest) -> Product:
    return PRODUCTS[request.param]


def make(product: Product, colour: Any, *replies: Any, **options: Any) -> Any:
    """Return a client of one product and colour on a script, in virtual time."""
    cls = product.asynchronous if colour.is_async else product.sync
    clock = VirtualClock()
    script = Script(replies, clock=clock)
    given = {"transport": script, "clock": clock, "default_model": "m", **options}
    if product.sync is not BabyAPI:
        del given["default_model"]
    return cls(api_key="a-key-0123456789", **given)


class Mark:
    """A middleware that counts what passes it."""

    def __init__(self) -> None:
        self.passed = 0

    async def __call__(self, request: Any, call_next: Any) -> Any:
        self.passed += 1
        return await call_next(request)


def test_a_function_of_its_own_stack(product: Product, colour: Any) -> None:
    """It is given the product's own stack, rules and error table included, and its result holds."""
    mark, seen = Mark(), []

    def change(stack: Stack) -> Stack:
        seen.append(stack)
        return stack.without(Logging).append(mark)

    client = make(product, colour, 503, 404, stack=change)
    assert [repr(one) for one in seen] == [repr(make(product, colour).stack)]
    assert client.stack == seen[0].without(Logging).append(mark)
    with pytest.raises(product.error):
        colour.run(lambda: product.call(client))
    assert mark.passed == 2


def test_middleware_goes_into_what_a_function_makes(product: Product, colour: Any) -> None:
    """What `middleware=` has is put around the line of the stack that the function returned."""
    mark, retry = Mark(), Retry(base_delay=0.1)
    client = make(
        product, colour, stack=lambda stack: stack.replace(Retry, retry), middleware=[mark]
    )
    layers = list(client.stack)
    assert layers[layers.index(retry) - 1] is mark


def test_a_whole_stack_is_taken_as_it_is(product: Product, colour: Any) -> None:
    """A stack that is given is the client's."""
    stack = Stack.standard().without(Logging)
    assert make(product, colour, stack=stack).stack == stack


async def later(stack: Stack) -> Stack:
    return stack


@pytest.mark.parametrize("wrong", [[], later, list, lambda stack: None])
def test_what_is_no_stack(wrong: Any, product: Product, colour: Any) -> None:
    """Anything else, or a function that gives anything else, is refused at construction."""
    with pytest.raises(InvalidOption, match="must be a Stack, or a function that returns one"):
        make(product, colour, stack=wrong)


@pytest.mark.parametrize("wrong", [{}, "acme.toml", Settings, Settings(), object()])
def test_what_is_no_settings_of_the_product(wrong: Any, product: Product, colour: Any) -> None:
    """Anything but the product's own settings is refused by the name of what is expected."""
    says = r"settings must be (BabyAPI|Bayt|OpenAI|Pareta)Settings, which .*\.load\(…\) reads, not"
    with pytest.raises(InvalidOption, match=says):
        make(product, colour, settings=wrong)
    cls = product.asynchronous if colour.is_async else product.sync
    if hasattr(cls, "from_settings"):
        with pytest.raises(InvalidOption, match=says):
            cls.from_settings(wrong)
