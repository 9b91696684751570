"""The clients: where Pareta is, what it is asked with, and the stack its calls go through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import httpx

from penstock import (
    API,
    CLIENT_ARGUMENTS,
    UNSET,
    Async,
    AsyncAPI,
    BaseAPI,
    Colour,
    InvalidOption,
    Secret,
    Sync,
    add_middleware,
    check_settings,
    choose_stack,
)
from penstock.clients.pareta.chat import Chat
from penstock.clients.pareta.endpoints import Endpoints
from penstock.clients.pareta.errors import ParetaError, own_error
from penstock.clients.pareta.evals import Evals
from penstock.clients.pareta.models import Models
from penstock.clients.pareta.policy import standard_stack
from penstock.clients.pareta.tasks import Tasks

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from penstock import HeaderValue, Middleware, Stack, TimeoutValue
    from penstock.clients.pareta.settings import ParetaSettings

BASE_URL = "https://api.pareta.ai"
"""Production; staging is `https://api-staging.pareta.ai`. A key is good for one of them."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds of one attempt: 10 to connect, and 60 overall."""

MAX_RETRIES = 2

_NO_KEY = (
    "missing API key. Pass api_key=… or set PARETA_API_KEY "
    "(mint a pareta_sk_ key in the dashboard)."
)


class _Pareta(BaseAPI[Colour]):
    """What both clients share; `Pareta` says what the arguments are."""

    _others = CLIENT_ARGUMENTS

    def __init__(
        self,
        *,
        api_key: Any = None,
        base_url: str | None = None,
        timeout: TimeoutValue = None,
        max_retries: int = UNSET,  # type: ignore[assignment]  # UNSET is of no type but its own
        http_client: Any = None,
        headers: Mapping[str, HeaderValue] | None = None,
        middleware: Iterable[Middleware] = (),
        stack: Stack | Callable[[Stack], Stack] | None = None,
        settings: ParetaSettings | None = None,
        **options: Any,
    ) -> None:
        check_settings(settings, _settings_class)
        given: dict[str, Any] = {} if settings is None else settings.given()
        if not api_key and "api_key" not in given:
            raise ParetaError(_NO_KEY)
        if max_retries is UNSET:
            max_retries = given.get("retry.max_retries", MAX_RETRIES)
        if timeout is None:
            timeout = given.get("timeout", TIMEOUT)
        own = partial(standard_stack, settings, redirects=http_client is None)
        client = self._make_client(
            str(base_url or given.get("base_url") or BASE_URL),
            api_key=_usable(api_key) if api_key else None,
            timeout=timeout if http_client is None else UNSET,
            max_retries=max(0, int(max_retries)),
            headers={"Accept": "application/json", **(headers or {})},
            stack=add_middleware(choose_stack(stack, own), middleware),
            settings=settings,
            http_client=http_client,
            **options,
        )
        super().__init__(client, own_error)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Make a client from `PARETA_API_KEY`, `PARETA_BASE_URL` and their kin.

        Args:
            **overrides: Any argument of the constructor; they win.

        Raises:
            ParetaError: There is no key.
            SettingsError: A variable cannot be used; the message names it.
        """
        return cls(settings=_settings_class().from_env(), **overrides)

    @classmethod
    def from_settings(
        cls,
        settings: ParetaSettings | None = None,
        *,
        config_file: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Make a client from the environment and settings files.

        Args:
            settings: Loaded settings instead.
            config_file: A settings file to read instead of looking for one.
            profile: The profile in it.
            environ: Variables instead of the process's.
            **overrides: Any argument of the constructor; they win.

        Raises:
            ParetaError: There is no key.
            SettingsError: A setting cannot be used; the message names its source.
        """
        if settings is None:
            settings = _settings_class().load(config_file, profile, environ)
        return cls(settings=settings, **overrides)

    @property
    def base_url(self) -> str:
        """Where Pareta is, without a slash at the end."""
        return str(self._client.base_url)

    @property
    def api_key(self) -> Any:
        """The key, for another client that is to have it; what supplies it, if that was given."""
        key = self.options.api_key
        return key.reveal() if isinstance(key, Secret) else key

    @property
    def timeout(self) -> Any:
        """Seconds for one attempt, or an `httpx.Timeout`; UNSET over an `http_client`."""
        return self.options.timeout

    @property
    def max_retries(self) -> Any:
        """How many repeats may follow the first attempt."""
        return self.options.max_retries

    @property
    def chat(self) -> Chat[Colour]:
        """Conversations."""
        return self._sub(Chat)

    @property
    def models(self) -> Models[Colour]:
        """What can be called."""
        return self._sub(Models)

    @property
    def endpoints(self) -> Endpoints[Colour]:
        """What is deployed."""
        return self._sub(Endpoints)

    @property
    def tasks(self) -> Tasks[Colour]:
        """The catalog of what models are benchmarked on."""
        return self._sub(Tasks)

    @property
    def evals(self) -> Evals[Colour]:
        """Models evaluated on rows of one's own."""
        return self._sub(Evals)


class Pareta(_Pareta[Sync], API):
    """A client of Pareta.

    Values come from arguments and defaults alone; `from_env` and `from_settings` read the
    environment and files.

    Args:
        api_key: The key, or a callable (async in the async client) that supplies it for each
            attempt.
        base_url: Production unless given; slashes at its end do not matter.
        timeout: Seconds for one attempt, or an `httpx.Timeout`, which bounds its phases, and the
            whole attempt by the longest of them. 60 s, and 10 s to connect, unless given. An
            *http_client* keeps its own instead.
        max_retries: How many repeats may follow the first attempt; below 0 is 0. 2 unless given.
        http_client: Your own httpx or httpx2 client to send with; it is never closed.
        headers: Headers of every request.
        middleware: The user's own, just outside `Retry`; just inside, if it says
            `zone = "attempt"`.
        stack: Instead of this client's whole stack, retry rules and error table included; or a
            function that makes it from this client's own, `penstock.clients.pareta.standard_stack`.
        settings: Where values that no argument gives come from.
        **options: Any other argument of `penstock.Client`: `deadline`, `proxy`, `verify`,
            `transport`, `logger`, `tracer_provider`, ….

    Raises:
        ParetaError: There is no key, or it is empty.
        InvalidOption: Another value cannot work.
    """


class AsyncPareta(_Pareta[Async], AsyncAPI):
    """The async twin of `Pareta`, with the same arguments: its methods are awaited."""


def _usable(key: Any) -> Any:
    """Return a key that no traceback shows.

    What no header can carry is refused at the first call: a client with a placeholder for a key can
    be made, as Pareta's documentation does.
    """
    if not isinstance(key, str):
        return key
    try:
        return Secret(key)
    except InvalidOption as error:
        problem = error.message

    def refuse() -> str:
        raise InvalidOption(problem)

    return refuse


def _settings_class() -> type[ParetaSettings]:
    from penstock.clients.pareta.settings import ParetaSettings  # pydantic comes with it

    return ParetaSettings
