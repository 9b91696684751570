"""The laws of the public surface: what is promised is there, is documented, and shows no secret."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
from typing import Any

import pytest

import penstock
import penstock.logging
import penstock.middleware
import penstock.streaming
import penstock.telemetry
import penstock.testing
from penstock import RequestOptions, Stack
from penstock.options import Overrides

from .sources import FRAMEWORK, tree_of

FACADES = [
    penstock,
    penstock.logging,
    penstock.middleware,
    penstock.streaming,
    penstock.telemetry,
    penstock.testing,
]

CLIENT = (
    "base_url api_key auth headers params cookies user_agent timeout deadline max_retries "
    "raise_for_status max_response_bytes max_decoded_bytes proxy verify cert limits "
    "max_header_bytes "
    "http2 trust_env stack settings transport http_client logger tracer_provider "
    "meter_provider name"
)
OPTIONS = (
    "timeout deadline max_retries retry headers params api_key auth idempotency_key operation "
    "attributes log_fields raise_for_status allow_absolute max_response_bytes max_decoded_bytes "
    "stack"
)
BOTH_CLIENTS = {
    "__init__": CLIENT,
    "from_settings": "settings config_file profile environ overrides",
    "from_env": "overrides",
    **dict.fromkeys(("get", "post", "put", "patch", "delete", "head", "options"), "url call"),
    "request": "method url call",
    "stream": "method url call",
    "stream_events": "method url format terminal call",
    "send": "request call",
    "with_options": "overrides",
}
BENEATH = {
    "__init__": "stack transport deadline max_retries timeout name logger tracer_provider "
    "meter_provider clock"
}
SIGNATURES: dict[str, dict[str, str]] = {
    "Client": {**BOTH_CLIENTS, "close": ""},
    "AsyncClient": {**BOTH_CLIENTS, "aclose": ""},
    "Stack": {
        "__init__": "middleware",
        "standard": "",
        "transport": "settings",
        "production": "settings",
        "bare": "",
        "before": "anchor new",
        "after": "anchor new",
        "replace": "anchor new",
        "without": "anchor",
        "append": "new",
    },
    "HttpxTransport": {**BENEATH, "handle_request": "request", "close": ""},
    "Httpx2Transport": {**BENEATH, "handle_request": "request", "close": ""},
    "AsyncHttpxTransport": {**BENEATH, "handle_async_request": "request", "aclose": ""},
    "AsyncHttpx2Transport": {**BENEATH, "handle_async_request": "request", "aclose": ""},
    "Middleware": {"__call__": "request call_next"},
    "Call": {
        "of": "request",
        "get": "key",
        "set": "key value",
        "record": "fact",
        "subscribe": "fn",
    },
    "Attempt": {"of": "request"},
    "Runtime": {
        "now": "",
        "wall": "",
        "random": "",
        "sleep": "seconds",
        "lock": "owner",
        "event": "",
        "race": "contenders",
        "call": "sync_fn async_fn",
        "read": "response",
        "close": "response",
    },
    "Settings": {"load": "config_file profile environ overrides", "from_env": "overrides"},
    "SSEDecoder": {"feed": "chunk", "close": ""},
    "NDJSONDecoder": {"feed": "chunk", "close": ""},
    "Event": {"json": ""},
}
ATTRIBUTES = {
    "Client": "stack",
    "Call": "operation options deadline runtime client_name attempts",
    "Attempt": "number sends",
    "Event": "event data raw id retry done",
}
MIDDLEWARE = (
    "RaiseForStatus Tracing Logging Deadline Retry UserAgent Headers Redirect Auth "
    "AttemptTracing Timeout"
)
BESIDE_THEM = "Chaos CircuitBreaker GenAI Idempotency RetryBudget"


def public(name: str) -> Any:
    return getattr(penstock if name in penstock.__all__ else penstock.streaming, name)


@pytest.mark.parametrize("facade", FACADES, ids=lambda module: module.__name__)
def test_all_is_sorted_and_there(facade: Any) -> None:
    """`__all__` is sorted and without repetition, and each name in it can be had."""
    assert list(facade.__all__) == sorted(set(facade.__all__))
    assert [name for name in facade.__all__ if not hasattr(facade, name)] == []


def test_what_type_checkers_see_is_what_there_is() -> None:
    """The names under `if TYPE_CHECKING` and the table they are loaded by say the same."""
    tree = tree_of(FRAMEWORK / "__init__.py")
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (node.module, alias.name, alias.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    table = {
        (f"penstock.{home}", name, name)
        for home, names in penstock._HOMES.items()
        for name in names
    }
    modules = {("penstock", name, name) for name in penstock._MODULES}
    assert seen == table | modules


def test_a_name_that_is_not_there() -> None:
    """Asking for a name that does not exist says so, as any module does."""
    with pytest.raises(AttributeError, match="no attribute 'Klient'"):
        importlib.import_module("penstock").Klient  # noqa: B018 - to ask is the test


def test_options_are_said_once() -> None:
    """`RequestOptions`, the keywords of a verb and the contract name the same fields."""
    fields = [field.name for field in dataclasses.fields(RequestOptions)]
    assert fields == list(Overrides.__annotations__) == OPTIONS.split()


def test_options_are_a_value() -> None:
    """`RequestOptions` is frozen and slotted, and compares by value."""
    options = RequestOptions(timeout=1.0)
    assert not hasattr(options, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.timeout = 2.0  # type: ignore[misc]  # to try is the test
    assert options == RequestOptions(timeout=1.0)


def test_the_middleware_that_ship() -> None:
    """The façade has the middleware of the contract and no other."""
    assert penstock.middleware.__all__ == sorted(f"{MIDDLEWARE} {BESIDE_THEM}".split())


@pytest.mark.parametrize(
    ("owner", "method"), [(owner, name) for owner in SIGNATURES for name in SIGNATURES[owner]]
)
def test_signatures(owner: str, method: str) -> None:
    """Each promised method takes the promised parameters, in that order; it may take more."""
    promised = SIGNATURES[owner][method].split()
    taken = [
        name
        for name in inspect.signature(getattr(public(owner), method)).parameters
        if name != "self"
    ]
    assert [name for name in taken if name in promised] == promised


@pytest.mark.parametrize("owner", ATTRIBUTES)
def test_attributes(owner: str) -> None:
    """Each promised attribute is documented on its class or is a property or slot of it."""
    cls = public(owner)
    for name in ATTRIBUTES[owner].split():
        assert hasattr(cls, name) or name in getattr(cls, "__annotations__", {})


DOCUMENTED_ELSEWHERE = {"Request", "Response"}
"""What httpx documents: here are its names alone."""

DOCUMENTED = [
    (facade.__name__, name)
    for facade in FACADES
    for name in facade.__all__
    if inspect.isclass(getattr(facade, name)) or inspect.isfunction(getattr(facade, name))
]


@pytest.mark.parametrize(("module", "name"), DOCUMENTED)
def test_everything_public_is_documented(module: str, name: str) -> None:
    """Each public class, function, method and property has a docstring."""
    thing = getattr(importlib.import_module(module), name)
    assert thing.__doc__
    members = {} if name in DOCUMENTED_ELSEWHERE or inspect.isfunction(thing) else ours(thing)
    assert [name for name, member in members.items() if not inspect.getdoc(member)] == []


def ours(cls: type) -> dict[str, Any]:
    """Return the public methods and properties of a class that are Penstock's own."""
    return {
        name: member
        for name, member in inspect.getmembers(cls)
        if not name.startswith("_")
        and (inspect.isroutine(member) or isinstance(member, property))
        and str(getattr(getattr(member, "fget", member), "__module__", "")).startswith("penstock")
    }


SECRET = "sk-live-0123456789abcdef"
USUAL = {name: getattr(penstock.middleware, name)() for name in penstock.middleware.__all__}


def supply() -> str:
    return SECRET


CUSTOM = [
    ("Auth", {"key": SECRET}),
    ("Auth", {"key": supply}),
    ("Auth", {"refresh": supply}),
    ("Auth", {"header": "X-Api-Key", "scheme": None}),
    ("Auth", {"auth_origins": [f"https://api.example.com/?key={SECRET}"]}),
    ("AttemptTracing", {"stream_span_end": "headers"}),
    ("Chaos", {"latency": 0.5}),
    ("Chaos", {"latency_rate": 0.5}),
    ("Chaos", {"error_rate": 0.5}),
    ("Chaos", {"timeout_rate": 0.5}),
    ("Chaos", {"status_rate": 0.5}),
    ("Chaos", {"statuses": [500]}),
    ("Chaos", {"phases": ["connect"]}),
    ("Chaos", {"seed": 1}),
    ("Chaos", {"when": supply}),
    ("CircuitBreaker", {"failure_ratio": 0.25}),
    ("CircuitBreaker", {"min_calls": 5}),
    ("CircuitBreaker", {"window": 10.0}),
    ("CircuitBreaker", {"open_for": 1.0}),
    ("CircuitBreaker", {"max_open": 5.0}),
    ("CircuitBreaker", {"shared": True}),
    ("Deadline", {"seconds": 3.0}),
    ("Headers", {"headers": {"X-Api-Key": SECRET}}),
    ("Idempotency", {"header": "X-Idempotency-Key"}),
    ("Idempotency", {"quoted": True}),
    ("Idempotency", {"make_key": supply}),
    ("Logging", {"level": "debug"}),
    ("RaiseForStatus", {"errors": supply}),
    ("RaiseForStatus", {"failures": supply}),
    ("Redirect", {"max_redirects": 1}),
    ("Retry", {"retry": supply}),
    ("Retry", {"stop": supply}),
    ("Retry", {"wait": supply}),
    ("Retry", {"statuses": [503]}),
    ("Retry", {"retry_unsafe_methods": True}),
    ("Retry", {"base_delay": 1.0}),
    ("Retry", {"max_delay": 1.0}),
    ("Retry", {"jitter": "none"}),
    ("Retry", {"retry_after_cap": 1.0}),
    ("Retry", {"over_cap": "stop"}),
    ("Timeout", {"keep_phases": True}),
    ("RetryBudget", {"capacity": 100}),
    ("RetryBudget", {"deposit": 0.2}),
    ("RetryBudget", {"cost": 2}),
    ("RetryBudget", {"shared": True}),
    ("Tracing", {"stream_span_end": "headers"}),
    ("UserAgent", {"prefix": "laws/1.0"}),
]


@pytest.mark.parametrize("name", USUAL)
def test_a_usual_middleware_is_shown_by_its_name(name: str) -> None:
    """A middleware nobody customised shows as its name."""
    assert repr(USUAL[name]) == f"{name}()"


@pytest.mark.parametrize(("name", "arguments"), CUSTOM)
def test_a_custom_middleware_is_shown_truthfully(name: str, arguments: dict[str, Any]) -> None:
    """A middleware somebody customised shows it, in few words and without a secret."""
    shown = repr(getattr(penstock.middleware, name)(**arguments))
    assert shown.startswith(f"{name}(")
    assert shown.endswith(")")
    assert shown != f"{name}()"
    assert len(shown) <= 80
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("stack", "names"),
    [
        (Stack.standard(), MIDDLEWARE),
        (
            Stack.production(),
            MIDDLEWARE.replace("Retry", "RetryBudget Retry").replace(
                " Auth", " CircuitBreaker Auth"
            ),
        ),
    ],
    ids=["standard", "production"],
)
def test_a_stack_is_shown_in_order(stack: Stack, names: str) -> None:
    """`repr(stack)` is the order of a request, outermost first, with the line at `Retry`."""
    line = "# ── once a call above, once an attempt below ──"
    shown = [part.strip().removesuffix(",") for part in repr(stack).splitlines()[1:-1]]
    expected = [f"{name}()" for name in names.split()]
    expected.insert(expected.index("Retry()"), line)
    assert shown == expected
