"""Arguments and options that cannot work are refused where they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import InvalidOption, RequestOptions, RetrySettings, Settings
from penstock.middleware import Auth, Deadline, RaiseForStatus, UserAgent

from .support import BASE_URL, KEY
from .telling import INF, NAN, SECRET, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("user_agent", "mine\r\nX-Injected: 1"),
        ("user_agent", "m\u00e4ine"),
        ("user_agent", 5),
        ("cookies", {"session": f"{SECRET}\r\nX-Injected: 1"}),
        ("cookies", {"session": 5}),
        ("cookies", "session=1"),
        ("cookies", {"session": f"1; admin={SECRET}"}),
        ("headers", 5),
        ("params", 5),
        ("timeout", -1),
        ("timeout", NAN),
        ("timeout", INF),
        ("timeout", "5"),
        ("timeout", True),
        ("timeout", (5, 5)),
        ("timeout", 10**400),
        ("timeout", httpx.Timeout(-1)),
        ("timeout", httpx.Timeout(5, read=NAN)),
        ("deadline", -0.1),
        ("deadline", NAN),
        ("deadline", INF),
        ("deadline", "soon"),
        ("deadline", False),
        ("max_retries", -1),
        ("max_retries", 2.0),
        ("max_retries", 2.5),
        ("max_retries", NAN),
        ("max_retries", INF),
        ("max_retries", "2"),
        ("max_retries", None),
        ("max_retries", True),
        ("max_response_bytes", -1),
        ("max_response_bytes", 1.5),
        ("max_header_bytes", 0),
        ("raise_for_status", "no"),
        ("stack", []),
        ("stack", "standard"),
        ("transport", ...),
        ("transport", httpx.MockTransport),
        ("http_client", ...),
        ("name", 5),
        ("limits", 5),
        ("http2", "yes"),
        ("trust_env", 1),
        ("clock", 5),
        ("tracer_provider", 5),
        ("meter_provider", 5),
        ("logger", "mine"),
        ("logger", print),
        ("verify", None),
        ("verify", 1),
        ("cert", 5),
    ],
    ids=str,
)
def test_a_value_that_cannot_work(option: str, value: Any, colour: Any) -> None:
    """The constructor names the argument whose value cannot work, and shows no secret."""
    with pytest.raises(InvalidOption, match=option if option != "cookies" else "ookie") as caught:
        colour.client(BASE_URL, **{option: value})
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"api_key": SECRET}, "dict"),
        ("penstock.toml", "str"),
        (Settings, "the class Settings"),
        (RequestOptions(timeout=5), "RequestOptions"),
        (RetrySettings(), "RetrySettings"),
    ],
    ids=str,
)
def test_settings_are_what_their_class_makes(wrong: Any, kind: str, colour: Any) -> None:
    """What is no settings is refused by the name of what is expected, and shows no secret."""
    says = rf"settings must be Settings, which Settings\(…\) makes .* reads, not {kind}$"
    with pytest.raises(InvalidOption, match=says) as caught:
        colour.client(BASE_URL, settings=wrong)
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("timeout", -1),
        ("timeout", NAN),
        ("timeout", httpx.Timeout(-1)),
        ("deadline", -1),
        ("deadline", NAN),
        ("max_retries", -1),
        ("max_retries", 2.5),
        ("max_retries", None),
        ("retry", 5),
        ("headers", "X: 1"),
        ("params", [("a", "1")]),
        ("params", {"a": "\ud800"}),
        ("idempotency_key", "a\r\nb"),
        ("idempotency_key", 5),
        ("operation", 5),
        ("attributes", "a"),
        ("log_fields", 5),
        ("raise_for_status", 1),
        ("allow_absolute", "yes"),
        ("max_response_bytes", -1),
        ("max_decoded_bytes", -1),
        ("stack", 5),
        ("stack", lambda stack: [*stack]),
        ("stack", lambda stack: None),
    ],
)
@pytest.mark.parametrize("how", ["call", "options", "dict", "view"])
def test_an_override_that_cannot_work(
    option: str, value: Any, how: str, rig: Callable[..., Rig]
) -> None:
    """A call, an options object and a view refuse the same values, before anything is sent."""
    server = rig()

    def act() -> Any:
        if how == "call":
            return server.client.get("/it", **{option: value})
        if how == "options":
            return server.client.get("/it", options=RequestOptions(**{option: value}))
        if how == "dict":
            return server.client.get("/it", options={option: value})
        return server.client.with_options(**{option: value}).get("/it")

    with pytest.raises(InvalidOption, match=f"(?i){option.replace('_', '.')}"):
        server.colour.run(act)
    assert server.sent == 0


@pytest.mark.parametrize("how", ["call", "options", "dict", "view"])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("timeot", "timeout"),
        ("max_retry", "max_retries"),
        ("header", "headers"),
        ("apikey", "api_key"),
    ],
)
def test_an_unknown_option_names_the_nearest(
    name: str, meant: str, how: str, rig: Callable[..., Rig]
) -> None:
    """A misspelt option is a `TypeError` that says which one was meant, wherever it is given."""
    server = rig()

    def act() -> Any:
        if how == "call":
            return server.client.get("/it", **{name: 5})
        if how == "options":
            return RequestOptions(**{name: 5})
        if how == "dict":
            return server.client.get("/it", options={name: 5})
        return server.client.with_options(**{name: 5})

    with pytest.raises(TypeError, match=f"'{name}'.*did you mean '{meant}'"):
        server.colour.run(act)
    assert server.sent == 0


def test_an_option_like_no_other(rig: Callable[..., Rig]) -> None:
    """An unknown name that resembles none is named all the same; `options=` must be options."""
    server = rig()
    with pytest.raises(TypeError, match="'zzz'"):
        server.send(zzz=1)
    with pytest.raises(TypeError, match="options"):
        server.send(options=5)
    with pytest.raises(TypeError, match=r"'jsn'.*did you mean 'json'"):
        server.send(jsn={})
    assert server.sent == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Deadline(-1), "deadline"),
        (lambda: Deadline(NAN), "deadline"),
        (lambda: Deadline("5"), "deadline"),
        (lambda: UserAgent("mine\r\nX: 1"), "User-Agent"),
        (lambda: UserAgent(5), "User-Agent"),
        (lambda: Auth(5), "key"),
        (lambda: Auth(KEY, refresh=5), "refresh"),
        (lambda: Auth(KEY, header="X Y"), "header"),
        (lambda: Auth(KEY, header=5), "header"),
        (lambda: Auth(KEY, scheme="Bearer\r\nX: 1"), "header"),
        (lambda: Auth(KEY, auth_origins="https://h.example"), "auth_origins"),
        (lambda: Auth(KEY, auth_origins=["h.example"]), "auth_origins"),
        (lambda: RaiseForStatus(5), "errors"),
        (lambda: RaiseForStatus(failures=5), "failures"),
    ],
)
def test_a_middleware_that_cannot_work(make: Callable[[], Any], says: str) -> None:
    """A middleware refuses what cannot work when it is made."""
    with pytest.raises(InvalidOption, match=says):
        make()
