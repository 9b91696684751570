"""Making a Bayt client: its key, its values, its settings."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import InsecureWarning, InvalidOption, SettingsError
from penstock.clients import bayt
from penstock.clients.bayt import AsyncBaytClient, BaytClient, BaytSettings
from penstock.testing import Script
from penstock.transport import owned

from .bayt_support import KEY, PROMPT, Rig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Colour

CLIENTS = pytest.mark.parametrize("cls", [BaytClient, AsyncBaytClient])


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of the machine's."""
    monkeypatch.delenv("BAYT_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of every transport that is made."""
    made: list[dict[str, Any]] = []
    real = owned._Pools.__init__

    def note(pools: Any, **options: Any) -> None:
        made.append(options)
        real(pools, **options)

    monkeypatch.setattr(owned._Pools, "__init__", note)
    return made


@CLIENTS
@pytest.mark.parametrize("given", [{}, {"api_key": None}, {"api_key": ""}])
def test_without_a_key_both_ways_are_named(cls: Any, given: dict[str, Any]) -> None:
    """No key is a `ValueError` that names the argument and the variable."""
    with pytest.raises(ValueError, match=r"api_key=.*BAYT_API_KEY"):
        cls(**given)


def test_the_key_is_read_from_the_environment(
    colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`BAYT_API_KEY` is the key where no argument gives one; an argument wins."""
    monkeypatch.setenv("BAYT_API_KEY", "key-of-the-environment")
    rig = Rig(colour, [PROMPT], api_key=None)
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert rig.script.requests[0].headers["Authorization"] == "Bearer key-of-the-environment"
    assert rig.client.api_key == "key-of-the-environment"
    assert Rig(colour, []).client.api_key == KEY


@pytest.mark.parametrize("key", ["k", "sk_short", "not a workos key", "a" * 500])
def test_any_key_is_accepted(colour: Colour, key: str) -> None:
    """A key may be anything a header can carry."""
    rig = Rig(colour, [PROMPT], api_key=key)
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert rig.script.requests[0].headers["Authorization"] == f"Bearer {key}"


@CLIENTS
def test_a_key_no_header_can_carry_shows_nowhere(cls: Any) -> None:
    """It is a `ValueError`, and neither its text nor any frame of Penstock's has the key."""
    with pytest.raises(ValueError, match=r"U\+000A") as caught:
        cls("a-pasted-secret\n")
    shown = [str(caught.value)]
    trace = caught.value.__traceback__.tb_next
    while trace is not None:
        shown.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    assert "a-pasted-secret" not in "".join(shown)


def test_a_key_may_be_supplied(colour: Colour) -> None:
    """A callable is asked for the key."""
    rig = Rig(colour, [PROMPT], api_key=lambda: "supplied-key")
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert rig.script.requests[0].headers["Authorization"] == "Bearer supplied-key"


def test_repr_masks_the_key(colour: Colour) -> None:
    """The repr says where Bayt is, and nothing of the key."""
    client = Rig(colour, []).client
    kind = "AsyncBaytClient" if colour.is_async else "BaytClient"
    assert repr(client) == f"<{kind} base_url='https://api.baytos.ai' api_key='***'>"


def test_the_base_url(colour: Colour) -> None:
    """A host of one's own takes the place of Bayt's; a slash at its end does not matter."""
    rig = Rig(colour, [PROMPT], base_url="https://bayt.example.com/")
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    assert str(rig.script.requests[0].url) == "https://bayt.example.com/v1/prompts/get"
    assert rig.client.base_url == "https://bayt.example.com"


def test_headers_and_user_agent(colour: Colour) -> None:
    """Headers go with every request, and `user_agent` is the whole `User-Agent`."""
    agent = "MyApp/1.0 (contact@example.com)"
    rig = Rig(colour, [PROMPT], headers={"X-App-Version": "1.2.3"}, user_agent=agent)
    rig.run(lambda client: client.get_prompt("@a/b:v1"))
    sent = rig.script.requests[0].headers
    assert (sent["X-App-Version"], sent["User-Agent"]) == ("1.2.3", agent)
    plain = Rig(colour, [PROMPT])
    plain.run(lambda client: client.get_prompt("@a/b:v1"))
    assert plain.script.requests[0].headers["User-Agent"].startswith("penstock/")


@CLIENTS
@pytest.mark.parametrize(
    ("proxies", "patterns"),
    [
        (None, None),
        ({}, None),
        (
            {"http": "http://proxy.example.com:8080", "https": "https://user:pass@p.example.com"},
            {
                "http://": "http://proxy.example.com:8080",
                "https://": "https://user:pass@p.example.com",
            },
        ),
        ({"all": "socks5://p.example.com"}, {"all://": "socks5://p.example.com"}),
        ({"https://*.example.com": None}, {"https://*.example.com": None}),
    ],
)
def test_proxies(cls: Any, proxies: Any, patterns: Any, pools: list[dict[str, Any]]) -> None:
    """Proxies are named by scheme, as requests has them, or by pattern."""
    cls(KEY, proxies=proxies)
    assert pools[0].get("proxy") == patterns


@CLIENTS
@pytest.mark.parametrize("proxies", ["http://p.example.com", {"htps": "http://p.example.com"}])
def test_proxies_that_are_none(cls: Any, proxies: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidOption, match="prox"):
        cls(KEY, proxies=proxies)


def test_the_credentials_of_a_proxy_show_nowhere() -> None:
    """A proxy's password is in no repr."""
    client = BaytClient(KEY, proxies={"https": "https://user:hunter22@p.example.com"})
    assert "hunter22" not in repr((client, client.stack, client._client, client._client._wire))


@CLIENTS
def test_certificates_are_verified_unless_told_otherwise(
    cls: Any, pools: list[dict[str, Any]], tmp_path: Path
) -> None:
    """`verify_ssl` is True, or the path of CA certificates; neither warns."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    cls(KEY)
    cls(KEY, verify_ssl=str(bundle))
    assert [options["verify"] for options in pools] == [True, str(bundle)]


@CLIENTS
def test_insecurity_is_warned_of_once(cls: Any, pools: list[dict[str, Any]]) -> None:
    """`verify_ssl=False` is one warning a client, which points at the line that made it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client = cls(KEY, verify_ssl=False)
        client.with_options(max_retries=1)
    assert [(w.category, w.filename) for w in caught] == [(InsecureWarning, __file__)]
    assert pools[0]["verify"] is False


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_retries", -1),
        ("max_retries", 1.5),
        ("timeout", -1),
        ("timeout", "30"),
        ("retry_delay", -1),
        ("retry_delay", "1"),
        ("headers", {"X": 7}),
        ("user_agent", "a\nb"),
        ("base_url", "api.baytos.ai"),
    ],
)
@CLIENTS
def test_a_value_that_cannot_work(cls: Any, argument: str, value: Any) -> None:
    """A wrong value is refused where the client is made."""
    with pytest.raises(InvalidOption):
        cls(KEY, **{argument: value})


def test_the_values_a_client_tells(colour: Colour) -> None:
    """What the original's attributes tell, ours do."""
    client = Rig(colour, [], max_retries=5).client
    assert (client.api_key, client.base_url, client.max_retries) == (KEY, bayt.client.BASE_URL, 5)


def test_a_client_is_a_context_manager(colour: Colour) -> None:
    """Leaving the block closes it."""
    client = Rig(colour, []).client

    async def enter() -> None:
        async with client as entered:
            assert entered is client

    if colour.is_async:
        colour.run(enter)
    else:
        with client as entered:
            assert entered is client
    assert client.is_closed


def test_a_callers_client_stays_the_callers(colour: Colour) -> None:
    """A caller's HTTP client is sent with, keeps its own timeouts, and is never closed."""
    script = Script([PROMPT])
    make: Any = httpx.AsyncClient if colour.is_async else httpx.Client
    own = make(transport=script, timeout=7)
    cls: Any = AsyncBaytClient if colour.is_async else BaytClient
    client = cls(KEY, http_client=own)
    colour.run(lambda: client.get_prompt("@a/b:v1"))
    colour.run(client.aclose if colour.is_async else client.close)
    assert script.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert float(script.requests[0].extensions["timeout"]["read"]) == 7
    assert not own.is_closed


def test_from_settings_reads_a_file(colour: Colour, tmp_path: Path) -> None:
    """`from_settings(config_file=…)` reads `bayt_api_key`, and every other setting."""
    file = tmp_path / "config.json"
    settings = {"bayt_api_key": "key-of-the-file", "timeout": 5, "retry": {"max_retries": 1}}
    file.write_text(json.dumps(settings), "utf-8")
    rig = Rig(colour, [503, PROMPT])
    client = type(rig.client).from_settings(
        config_file="config.json", environ={}, transport=rig.script, clock=rig.clock
    )
    rig.run(lambda _: client.get_prompt("@a/b:v1"))
    assert rig.script.requests[0].headers["Authorization"] == "Bearer key-of-the-file"
    assert (client.max_retries, client.options.timeout, rig.clock.sleeps) == (1, 5.0, [1.0])


def test_from_settings_reads_the_environment(colour: Colour) -> None:
    """Every setting has its variable; arguments win."""
    environ = {
        "BAYT_API_KEY": "key-of-the-environment",
        "BAYT_BASE_URL": "https://bayt.example.com",
        "BAYT_RETRY__BASE_DELAY": "0.5",
        "BAYT_USER_AGENT": "MyApp/1.0",
        "BAYT_VERIFY": "no",
        "BAYT_HEADERS__X_TENANT": "acme",
    }
    rig = Rig(colour, [503, PROMPT])
    client = type(rig.client).from_settings(
        environ=environ, max_retries=1, transport=rig.script, clock=rig.clock
    )
    rig.run(lambda _: client.get_prompt("@a/b:v1"))
    request = rig.script.requests[0]
    assert str(request.url) == "https://bayt.example.com/v1/prompts/get"
    assert (request.headers["User-Agent"], request.headers["X-Tenant"]) == ("MyApp/1.0", "acme")
    assert (client.api_key, rig.clock.sleeps) == ("key-of-the-environment", [0.5])


@CLIENTS
def test_settings_say_how_to_verify(cls: Any, pools: list[dict[str, Any]]) -> None:
    """`verify` of the settings holds, and an argument wins over it."""
    environ = {"BAYT_API_KEY": KEY, "BAYT_VERIFY": "no"}
    with pytest.warns(InsecureWarning):
        cls.from_settings(environ=environ)
    cls.from_settings(environ=environ, verify_ssl=True)
    assert [options["verify"] for options in pools] == [False, True]


@CLIENTS
def test_settings_without_a_key(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings need no key, the client does; loaded ones are not gone behind."""
    monkeypatch.setenv("BAYT_API_KEY", KEY)
    with pytest.raises(ValueError, match="BAYT_API_KEY"):
        cls.from_settings(environ={})
    assert cls.from_env().api_key == KEY
    loaded = BaytSettings(api_key="key-of-settings")
    assert cls(settings=loaded).api_key == cls.from_settings(loaded).api_key == "key-of-settings"


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    """A file's unknown key is an error that says where it is."""
    (tmp_path / "config.json").write_text('{"bayt_api_key": "k-1", "max_retires": 1}', "utf-8")
    with pytest.raises(SettingsError, match=r"config.json:1 max_retires"):
        BaytClient.from_settings(config_file="config.json", environ={})


def test_the_public_names() -> None:
    """Every public name is there, and nothing else is made up."""
    assert [name for name in bayt.__all__ if not hasattr(bayt, name)] == []
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = bayt.nothing_such
