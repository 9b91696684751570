"""No secret shows: not in errors and what hangs on them, reprs, dumps, tables or warnings."""

from __future__ import annotations

import io
import json
import logging
import pickle
import string
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, SecretBytes, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from penstock.settings import Section, Settings, SettingsError, SettingsWarning

from .support import KEY, Acme, Place, everything_shown

if TYPE_CHECKING:
    from collections.abc import Callable

PROXY = f"http://user:{KEY}@proxy.example:3128"


class Strict(Acme):
    """A product whose validators are careless with what they print."""

    model_config = SettingsConfigDict(env_prefix="STRICT_")

    pin: SecretStr | None = None

    @field_validator("pin", mode="before")
    @classmethod
    def _refuse(cls, value: object) -> object:
        msg = f"{value} is no pin"
        raise ValueError(msg)

    @model_validator(mode="before")
    @classmethod
    def _refuse_all(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("default_model") == "bad":
            msg = f"cannot work with {data}"
            raise ValueError(msg)
        return data


class Quoting(Settings):
    """Settings whose validator quotes what it refuses."""

    model_config = SettingsConfigDict(env_prefix="QUOTING_")

    token: SecretStr | None = None
    seal: SecretBytes | None = None
    keys: tuple[SecretStr, ...] = ()
    number_token: int | None = None

    @field_validator("token", "seal", "keys", "number_token")
    @classmethod
    def _refuse(cls, value: Any) -> Any:
        if not value:
            return value
        first = value[0] if isinstance(value, tuple) else value
        raw = first if isinstance(first, int) else first.get_secret_value()
        stripped = raw if isinstance(raw, int) else raw.strip()
        msg = f"{raw} is bad, and so are {raw!r}, {stripped} and {[raw]}"
        raise ValueError(msg)


FAILURES: dict[str, Callable[[Place], object]] = {
    "sibling": lambda place: Settings(api_key=KEY, proxy=PROXY, timeout=-1),
    "line end": lambda place: Settings(api_key=KEY + "\n"),
    "not ASCII": lambda place: Settings(api_key=KEY + "é"),
    "wrong type": lambda place: Settings(api_key=KEY.encode()),
    "unknown argument": lambda place: Settings(apikey=KEY),
    "key as URL": lambda place: Settings(base_url=KEY),
    "key as timeout": lambda place: Settings(timeout=KEY),
    "key as count": lambda place: Settings(retry={"max_retries": KEY}),
    "key as choice": lambda place: Settings(retry={"over_cap": KEY}),
    "key as table": lambda place: Settings(retry=KEY),
    "key in URL": lambda place: Settings(base_url=f"https://user:{KEY}@x.example"),
    "key in query": lambda place: Settings(base_url=f"https://x.example/?key={KEY}"),
    "bad port": lambda place: Settings(base_url=f"https://x.example:{KEY}"),
    "proxy": lambda place: Settings(proxy=f"user:{KEY}@proxy.example"),
    "proxy path": lambda place: Settings(proxy=f"{PROXY}/x"),
    "header": lambda place: Settings(headers={"Authorization": f"Bearer {KEY}\r\nX: y"}),
    "header name": lambda place: Settings(headers={f"Authorization: Bearer {KEY}": ""}),
    "header name in a file": lambda place: place.load(
        config_file=place.write("x.toml", f'[headers]\n"Authorization: Bearer {KEY}" = "x"')
    ),
    "header type": lambda place: Settings(headers={"X-Api-Key": [KEY]}),
    "validate": lambda place: Settings(api_key=KEY, deadline=KEY),
    "load argument": lambda place: place.load(api_key=KEY, timeout=-1),
    "environment": lambda place: place.load(environ={"PENSTOCK_API_KEY": f"{KEY}\n"}),
    "environment sibling": lambda place: place.load(
        environ={"PENSTOCK_API_KEY": KEY, "PENSTOCK_TIMEOUT": KEY}
    ),
    "from_env": lambda place: Settings.from_env(
        environ={"PENSTOCK_API_KEY": KEY, "PENSTOCK_TIMEOUT": "x"}
    ),
    "json": lambda place: place.load(environ={"PENSTOCK_HEADERS": '{"X-Api-Key": "' + KEY}),
    "dotenv": lambda place: place.load(dotenv=place.write(".env", f"PENSTOCK_API_KEY='{KEY}")),
    "toml": lambda place: place.load(config_file=place.write("x.toml", f'api_key = "{KEY}')),
    "toml bare": lambda place: place.load(config_file=place.write("x.toml", f"api_key = {KEY}")),
    "toml value": lambda place: place.load(config_file=place.write("x.toml", f'timeout = "{KEY}"')),
    "json file": lambda place: place.load(
        config_file=place.write("x.json", f'{{"api_key": "{KEY}"')
    ),
    "yaml file": lambda place: place.load(
        config_file=place.write("x.yaml", f"api_key: 'x': {KEY}")
    ),
    "yaml tag": lambda place: place.load(config_file=place.write("x.yaml", f"api_key: !{KEY} x")),
    "replace": lambda place: Settings(api_key=KEY).replace(proxy=PROXY, timeout=-1),
    "copy": lambda place: Settings(api_key=KEY).model_copy(update={"proxy": PROXY, "timeout": -1}),
    "validator": lambda place: Strict(api_key=KEY, pin=KEY),
    "validator of all": lambda place: Strict(api_key=KEY, default_model="bad"),
    "validator, environment": lambda place: place.load(Strict, environ={"STRICT_PIN": KEY}),
}


@pytest.mark.parametrize("name", FAILURES)
def test_no_error_shows_a_secret(place: Place, name: str) -> None:
    """No text, repr, pickle or chain of an error, nor the locals of our frames, hold a key."""
    with pytest.raises(SettingsError) as caught:
        FAILURES[name](place)
    error = caught.value
    assert KEY not in everything_shown(error)
    assert KEY.encode() not in pickle.dumps(error)
    assert (error.__cause__, error.__context__) == (None, None)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"token": f" {KEY}'\n"}, KEY),
        ({"seal": KEY.encode()}, KEY),
        ({"seal": KEY}, KEY),
        ({"keys": ["other", KEY]}, "other"),
        ({"keys": [KEY]}, KEY),
        ({"number_token": 47114711}, "47114711"),
    ],
)
def test_a_validator_may_quote_what_it_refuses(given: dict[str, Any], value: str) -> None:
    """What a user's validator says of a secret is told without it, in whatever shape it was."""
    with pytest.raises(SettingsError, match=r"REDACTED'? is bad, and so are") as caught:
        Quoting(**given)
    assert value not in str(caught.value)


@settings(max_examples=60)
@given(
    st.text(string.ascii_letters + string.digits + "-_.~+/=", min_size=12, max_size=40),
    st.sampled_from(
        ["api_key", "proxy", "headers", "base_url", "timeout", "verify", "retry", "tracing"]
    ),
    st.sampled_from(["{}\n", "{}", "http://u:{}@", "https://{}@h", "\u20ac{}", "{}\0"]),
)
def test_whatever_is_wrong_stays_hidden(secret: str, name: str, form: str) -> None:
    """For any text in any setting, an error never shows it."""
    secret = f"sk{secret}"
    text = form.format(secret)
    value: Any = {"headers": {"X-Api-Key": text}}.get(name, text)
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: value, "deadline": -1})
    assert secret not in everything_shown(caught.value)
    assert secret.encode() not in pickle.dumps(caught.value)


def test_a_frozen_setting_does_not_show_what_it_refuses() -> None:
    """Setting a field is an error that shows the name, not the value."""
    made = Settings()
    with pytest.raises(AttributeError) as caught:
        made.api_key = SecretStr(KEY)
    assert KEY not in everything_shown(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def secretive() -> Settings:
    """Return settings with a secret wherever one may be."""
    return Settings(
        api_key=KEY,
        proxy=PROXY,
        headers={
            "Authorization": f"Bearer {KEY}",
            "X-Api-Key": KEY,
            "X-Auth-Token": "short",
            "X-Team": "blue",
        },
    )


def test_no_view_shows_a_secret() -> None:
    """Every way to print settings masks keys, sensitive headers and a proxy's password."""
    made = secretive()
    views = [
        repr(made),
        str(made),
        f"{made}",
        repr([made]),
        made.model_dump_json(),
        json.dumps(made.model_dump(mode="json")),
        str(made.explain()),
        repr(made.explain()),
        json.dumps(made.explain().to_dict()),
        repr(made.given()["api_key"]),
    ]
    for view in views:
        assert KEY not in view
        assert "short" not in view


def test_what_was_overruled_is_masked_too(place: Place) -> None:
    """A shadowed secret is not kept: neither a table nor a pickle holds it."""
    old = "sk-live-old-0123456789-QRST"
    place.user(
        f'api_key = "{old}"\nproxy = "user:{old}@proxy.example"\n[headers]\nX-Api-Key = "{old}"'
    )
    made = place.load(environ={"PENSTOCK_API_KEY": KEY}, proxy=None, headers={"x-api-key": KEY})
    shadowed = {
        value.path: [each.shown for each in value.shadowed] for value in made.explain().values
    }
    assert shadowed["api_key"] == ["****QRST"]
    assert shadowed["headers.x-api-key"] == ["****QRST"]
    assert old not in json.dumps(made.explain().to_dict())
    assert old.encode() not in pickle.dumps(made)


def test_masks_tell_which_key_it_is() -> None:
    """The last four characters show from sixteen on; a shorter secret shows nothing."""
    assert Settings(api_key="0123456789abcdef").explain()["api_key"].shown == "****cdef"
    assert Settings(api_key="0123456789abcde").explain()["api_key"].shown == "****"
    shown = {value.path: value.shown for value in secretive().explain().values}
    assert shown["proxy"] == "http://REDACTED:REDACTED@proxy.example:3128"
    assert shown["headers.X-Auth-Token"] == "****"
    assert shown["headers.X-Team"] == "blue"


def test_a_secret_is_known_by_its_type_or_its_name() -> None:
    """A product's own secrets are masked, whether the type or only the name says so."""

    class Login(Section):
        """Two fields that are secrets."""

        phrase: SecretStr = SecretStr("correct horse battery staple")
        client_secret: str = "hunter2hunter2hunter2"

    class Vault(Settings):
        pin: SecretStr = SecretStr("0000")
        access_token: str | None = None
        pins: dict[str, SecretStr] = Field(default_factory=dict)
        login: Login = Login()

    made = Vault(pin="1234", access_token="opensesame-opensesame", pins={"a": "5678"})
    text = f"{made!r} {made.explain()}"
    for secret in ("1234", "5678", "opensesame-o", "hunter2hunter2h", "correct"):
        assert secret not in text
    assert made.replace(pin="4321").explain()["pin"].shadowed[0].shown == "****"


def test_a_dump_cannot_be_sent_by_mistake() -> None:
    """A JSON dump holds masks, and settings refuse masks; a Python dump comes back whole."""
    made = secretive()
    with pytest.raises(SettingsError) as caught:
        Settings(**json.loads(made.model_dump_json()))
    assert {problem.path for problem in caught.value.problems} == {
        "api_key",
        "proxy",
        "headers.Authorization",
        "headers.X-Api-Key",
        "headers.X-Auth-Token",
    }
    assert Settings(**made.model_dump()) == made


def test_a_warning_shows_no_value(place: Place) -> None:
    """A slip in a name tells the name; raised as an error, its frames hold no environment."""
    with pytest.raises(SettingsWarning) as caught:  # the suite turns warnings into errors
        place.load(environ={"PENSTOCK_APIKEY": KEY})
    assert KEY not in everything_shown(caught.value)


def test_pydantic_settings_debug_log_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The debug log of pydantic-settings, which prints sources in clear, never sees ours."""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("pydantic_settings")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        Settings.load(environ={"PENSTOCK_API_KEY": KEY})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert stream.getvalue() == ""


def test_a_printed_traceback_is_short(place: Place) -> None:
    """What a person sees is the caller's line, one frame or two of ours, and the problems."""
    with pytest.raises(SettingsError) as caught:
        place.load(timeout=-1)
    frames = [
        frame
        for frame in traceback.extract_tb(caught.value.__traceback__)
        if "/penstock/" in frame.filename
    ]
    assert [frame.name for frame in frames] == ["load", "settle"]
