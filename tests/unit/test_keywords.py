"""Constructors: an argument that is none of theirs is refused, and the one that was meant named."""

from __future__ import annotations

import inspect
import traceback
from typing import Any

import pytest

import penstock
from penstock import API, CLIENT_ARGUMENTS, Client, InvalidOption, Keywords, Settings, middleware
from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI
from penstock.clients.bayt import AsyncBaytClient, BaytClient
from penstock.clients.openai_compatible import AsyncOpenAICompatible, OpenAICompatible
from penstock.clients.pareta import AsyncPareta, Pareta
from penstock.middleware import Retry
from penstock.transport import PoolTransport

KEY = "sk-canary-0123456789"
PRODUCTS = [
    *(BabyAPI, AsyncBabyAPI, BaytClient, AsyncBaytClient),
    *(OpenAICompatible, AsyncOpenAICompatible, Pareta, AsyncPareta),
]
BENEATH = [
    *(penstock.HttpxTransport, penstock.AsyncHttpxTransport),
    *(penstock.Httpx2Transport, penstock.AsyncHttpx2Transport),
]
MIDDLEWARE = [getattr(middleware, name) for name in middleware.__all__]


def arguments_of(cls: Any) -> list[str]:
    parameters = inspect.signature(cls).parameters.values()
    return [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]


@pytest.mark.parametrize("name", sorted(CLIENT_ARGUMENTS))
def test_a_misspelt_argument_of_a_client(name: str, colour: Any) -> None:
    """It is an `InvalidOption`, which is a `TypeError` too, and names the nearest that there is."""
    with pytest.raises(TypeError, match=f"'{name}x': did you mean '{name}'") as refused:
        colour.client(**{f"{name}x": 1})
    assert isinstance(refused.value, InvalidOption)


@pytest.mark.parametrize("cls", PRODUCTS)
def test_a_misspelt_argument_of_a_product(cls: Any) -> None:
    """A product's client knows its own arguments and those it passes on, before it looks at any."""
    for name in [*arguments_of(cls), "deadline", "tracer_provider"]:
        meant = f"{cls.__name__} has no argument '{name}x': did you mean '{name}'"
        with pytest.raises(InvalidOption, match=meant):
            cls(**{f"{name}x": 1})


@pytest.mark.parametrize(
    ("cls", "name", "meant"),
    [
        (BabyAPI, "timeout", "timeout_s"),
        (BabyAPI, "headers", "default_headers"),
        (BaytClient, "verify", "verify_ssl"),
    ],
)
def test_an_argument_that_a_product_has_by_another_name(cls: Any, name: str, meant: str) -> None:
    """What a product calls otherwise than `Client` does is told by the product's name for it."""
    with pytest.raises(InvalidOption, match=f"'{name}': did you mean '{meant}'"):
        cls(KEY, **{name: None})


@pytest.mark.parametrize("cls", MIDDLEWARE)
def test_a_misspelt_argument_of_a_middleware(cls: Any) -> None:
    """Every middleware that ships names the argument that was meant."""
    for name in arguments_of(cls):
        with pytest.raises(InvalidOption, match=f"{cls.__name__} .*did you mean '{name}'"):
            cls(**{f"{name}x": 1})


@pytest.mark.parametrize("cls", BENEATH)
def test_a_misspelt_argument_of_a_transport(cls: Any) -> None:
    """A transport beneath a client knows its own arguments and those of its pool."""
    for name in [*arguments_of(cls), "engine", *arguments_of(PoolTransport)]:
        with pytest.raises(InvalidOption, match=f"{cls.__name__} .*did you mean '{name}'"):
            cls(**{f"{name}x": 1})


@pytest.mark.parametrize("name", ["max_retries", "retries", "max_attempts", "attempts"])
def test_how_often_is_not_what_retry_is_asked(name: str) -> None:
    """`Retry` says where to give how many repeats may follow."""
    with pytest.raises(InvalidOption, match=rf"no argument '{name}': .*Client\(max_retries=3\)"):
        Retry(**{name: 3})


@pytest.mark.parametrize("name", ["retry", "operation", "attributes", "log_fields"])
def test_an_option_that_no_constructor_has(name: str, colour: Any) -> None:
    """An option of a call is said to be one, and to be given to a view of the client."""
    with pytest.raises(InvalidOption, match=rf"'{name}': .*with_options\({name}=…\)"):
        colour.client(**{name: None})


def test_one_like_no_other(colour: Any) -> None:
    """A name that resembles none is named alone; the first of several is."""
    with pytest.raises(InvalidOption) as refused:
        colour.client("http://here", timeout=1, zzz=1, qqq=2)
    assert str(refused.value).endswith("Client has no argument 'zzz'")
    with pytest.raises(InvalidOption) as refused:
        colour.client("http://here", token=1)  # not `cookies`
    assert str(refused.value).endswith("Client has no argument 'token'")


def test_overrides_of_settings_are_arguments(colour: Any) -> None:
    """What is given beside settings is held to the same names."""
    client = penstock.AsyncClient if colour.is_async else penstock.Client
    with pytest.raises(InvalidOption, match="did you mean 'timeout'"):
        client.from_settings(Settings(), timeot=1)


@pytest.mark.parametrize("cls", [penstock.Client, penstock.AsyncClient, *PRODUCTS])
def test_no_frame_of_ours_holds_the_key(cls: Any) -> None:
    """A traceback with locals does not show the key that stood beside the wrong name."""
    with pytest.raises(InvalidOption) as refused:
        cls(api_key=KEY, timeot=1)
    told = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    ours = [frame for frame in told.stack if "/penstock" in frame.filename]
    assert ours
    assert KEY not in repr([frame.locals for frame in ours])


@pytest.mark.parametrize("cls", [penstock.Client, *PRODUCTS, *BENEATH, *MIDDLEWARE])
def test_a_constructor_shows_its_arguments(cls: Any) -> None:
    """`inspect.signature` has what the constructor takes, and not what looks at it first."""
    shown = list(inspect.signature(cls).parameters)
    assert shown == list(inspect.signature(cls.__init__).parameters)[1:]


class Regional(OpenAICompatible):
    """A client of somebody's own, with an argument more."""

    def __init__(self, **options: Any) -> None:
        self.region = options.pop("region")
        super().__init__(f"https://{self.region}.example.com", **options)


class Acme(API):
    """A product of somebody's own."""

    def __init__(self, *, tenant: str, **options: Any) -> None:
        self.tenant = tenant
        super().__init__(self._make_client("https://api.acme.example", **options))


def test_what_a_strangers_constructor_takes() -> None:
    """Where a constructor does not say what its `**` takes it takes anything, as ever."""
    with Regional(region="eu", api_key=KEY, organization="org-1") as client:
        assert client.region == "eu"
    with Acme(tenant="t1", timeout=3) as acme:
        assert acme.tenant == "t1"
    with pytest.raises(InvalidOption, match="Client has no argument 'timeot'"):
        Acme(tenant="t1", timeot=3)


class Narrow(Client):
    """A client with no other arguments than its own."""

    def __init__(self, tenant: str, /, *, region: str = "eu") -> None:
        super().__init__(f"https://{region}.example.com", headers={"X-Tenant": tenant})


def test_a_strangers_own_arguments() -> None:
    """A constructor without `**` takes its own names, and none that only works by place."""
    with Narrow("t1", region="us") as client:
        assert client.base_url == "https://us.example.com"
    for name in ("regoin", "tenant"):
        with pytest.raises(InvalidOption, match=f"Narrow has no argument '{name}'"):
            Narrow("t1", **{name: "us"})


class Native(Keywords):
    """A class whose constructor is not written in Python."""

    __init__ = dict.__init__  # type: ignore[assignment]


def test_a_constructor_that_cannot_be_looked_into() -> None:
    """What a constructor that is not written in Python takes is left to it."""
    with pytest.raises(TypeError, match="descriptor"):
        Native(anything=1)
