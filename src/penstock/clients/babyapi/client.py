"""`BabyAPI` and `AsyncBabyAPI`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from penstock import (
    API,
    CLIENT_ARGUMENTS,
    UNSET,
    Async,
    AsyncAPI,
    BaseAPI,
    Colour,
    InvalidOption,
    Sync,
    add_middleware,
    check_settings,
    choose_stack,
    operation,
)
from penstock.clients.babyapi.calling import Calling
from penstock.clients.babyapi.endpoints import CHAT, COMPLETIONS
from penstock.clients.babyapi.errors import BabyAPIError, from_failure
from penstock.clients.babyapi.options import (
    NAMES,
    Options,
    header_texts,
    overrides_of,
    wrong_options,
)
from penstock.clients.babyapi.policy import ShouldRetry, stack_of
from penstock.clients.babyapi.resources import Baby, Chat, Completions, Embeddings, Rerank

if TYPE_CHECKING:
    from penstock import Middleware, Stack
    from penstock.clients.babyapi.settings import BabyAPISettings

BASE_URL = "https://api.babyapi.org"
TIMEOUT_S = 60.0


class _BabyAPI(BaseAPI[Colour], Calling[Colour]):
    """What both colours share: see `BabyAPI`."""

    _others = CLIENT_ARGUMENTS - {"headers", "timeout"}

    def __init__(
        self,
        api_key: str | Callable[[], Any] | None = None,
        base_url: str | None = None,
        timeout_s: float | None = TIMEOUT_S,
        max_retries: int = 2,
        retry_base_delay_s: float = 0.25,
        default_headers: Mapping[str, Any] | None = None,
        default_model: str | None = None,
        should_retry: ShouldRetry | None = None,
        *,
        http_client: Any = None,
        stack: Stack | Callable[[Stack], Stack] | None = None,
        middleware: Iterable[Middleware] = (),
        settings: BabyAPISettings | None = None,
        **options: Any,
    ) -> None:
        check_settings(settings, _settings_class)
        variables = os.environ if settings is None else {}
        key = api_key or variables.get("BABYAPI_API_KEY") or variables.get("BABY_API_KEY") or None
        url = base_url or variables.get("BABYAPI_BASE_URL") or _base_of(http_client) or BASE_URL
        model = (default_model or "").strip() or variables.get("BABYAPI_DEFAULT_MODEL", "").strip()
        keeps_timeout = http_client is not None and timeout_s == TIMEOUT_S
        base_delay = max(0.0, float(retry_base_delay_s))
        redirects = http_client is None
        own = partial(stack_of, should_retry, base_delay, settings, redirects=redirects)
        client = self._make_client(
            url.rstrip("/"),
            api_key=key,
            headers=header_texts(default_headers or {}),
            timeout=UNSET if keeps_timeout else timeout_s,
            max_retries=max(0, int(max_retries)),
            stack=add_middleware(choose_stack(stack, own), middleware),
            settings=settings,
            http_client=http_client,
            **options,
        )
        super().__init__(client, from_failure)
        self._default_model = model or None
        self._stream_timeout: float | None = None
        self._has_credential = key is not None or options.get("auth") is not None

    @classmethod
    def from_settings(
        cls,
        settings: BabyAPISettings | None = None,
        *,
        config_file: Any = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Make a client from settings.

        Args:
            settings: Loaded settings; without them, the environment and the files are read.
            config_file: A settings file to read instead of looking for one.
            profile: The profile in it.
            environ: Variables instead of the process's.
            **overrides: Any argument of the constructor; they win.

        Raises:
            SettingsError: A setting is wrong; the message names its source.
        """
        check_settings(settings, _settings_class)
        if settings is None:
            settings = _settings_class().load(
                config_file=config_file, profile=profile, environ=environ
            )
        return cls(**{**settings.arguments(), "settings": settings, **overrides})

    @property
    def base_url(self) -> str:
        """Where BabyAPI is, without a slash at the end."""
        base_url: str = self._client.base_url
        return base_url

    @property
    def default_model(self) -> str | None:
        """The model of an inference that names none."""
        return self._default_model

    def with_options(self, **overrides: Any) -> Self:
        """Return a view of this client with other options; closing it leaves this one open.

        Args:
            **overrides: `api_key`, `timeout_s`, `max_retries` and `headers`, as in
                `RequestOptions`, and any other field of `penstock.RequestOptions`: `deadline`,
                `idempotency_key`, `stack`, …. A time limit given here holds for streams too.

        Raises:
            BabyAPIError: `INVALID_TIMEOUT`, `INVALID_MAX_RETRIES` or `INVALID_REQUEST_OPTIONS`.
        """
        given = {name: overrides.pop(name) for name in NAMES if name in overrides}
        over = {**overrides, **overrides_of(given)}
        try:
            view = super().with_options(**over)
        except InvalidOption as error:
            problem = error.message
        else:
            view._stream_timeout = over.get("timeout", self._stream_timeout)
            view._has_credential |= not over.keys().isdisjoint({"api_key", "auth"})
            return view
        raise wrong_options(problem)

    @operation
    async def infer(
        self,
        /,
        body: Mapping[str, Any] | None = None,
        *,
        request_options: Options = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Answer a conversation if there are `messages`, else continue a `prompt`.

        Args:
            body: The body of either.
            request_options: What this call overrides.
            **fields: The same by keyword; they win.

        Returns:
            What `chat.completions.create` or `completions.create` returns.

        Raises:
            BabyAPIError: The call failed. `INVALID_INFER_INPUT`: there is neither.
        """
        if body is not None and not isinstance(body, Mapping):
            msg = f"infer() takes a mapping, not {type(body).__name__}"
            raise BabyAPIError(msg, code="INVALID_INFER_INPUT")
        merged = {**(body or {}), **fields}
        if "messages" in merged:
            return await self._create(*CHAT, merged, request_options)
        if "prompt" in merged:
            return await self._create(*COMPLETIONS, merged, request_options)
        msg = "infer() needs `messages` (a chat) or `prompt` (a completion)"
        raise BabyAPIError(msg, code="INVALID_INFER_INPUT")

    @property
    def chat(self) -> Chat[Colour]:
        """Conversations."""
        return self._sub(Chat)

    @property
    def completions(self) -> Completions[Colour]:
        """Continuations of a prompt."""
        return self._sub(Completions)

    @property
    def embeddings(self) -> Embeddings[Colour]:
        """Texts as vectors."""
        return self._sub(Embeddings)

    @property
    def rerank(self) -> Rerank[Colour]:
        """Documents by how well they answer a query."""
        return self._sub(Rerank)

    @property
    def baby(self) -> Baby[Colour]:
        """Text in, text out."""
        return self._sub(Baby)


class BabyAPI(_BabyAPI[Sync], API):
    """A client of BabyAPI.

    The key, the base URL and the default model are read from the environment where no argument
    gives them; `from_settings` reads every setting, files and profiles too.

    Args:
        api_key: The key, or a callable (async in the async client) that supplies it for each
            attempt; else `BABYAPI_API_KEY`, else `BABY_API_KEY`. Without one, calls fail.
        base_url: Where BabyAPI is; else `BABYAPI_BASE_URL`, else *http_client*'s, else
            `https://api.babyapi.org`.
        timeout_s: Seconds for one attempt, or None for no limit. Streams have no limit.
        max_retries: How many repeats may follow the first attempt; less than 0 is 0.
        retry_base_delay_s: Seconds before the first repeat; each further one waits twice as long,
            and 20 % more or less by chance.
        default_headers: Headers of every request.
        default_model: The model of an inference that names none; else `BABYAPI_DEFAULT_MODEL`.
        should_retry: Called with a failed attempt's status (None if there was no response), its
            error (None if there was one) and its JSON body, and says whether to try again. When it
            raises, the default rule holds: failed connections, timeouts, 408, 429 and 5xx.
        http_client: Your own httpx or httpx2 client to send with; it is never closed, and keeps
            its own time limits unless *timeout_s* is another than 60.
        stack: Instead of this client's whole stack, rules for repeats and error table included; or
            a function that makes it from this client's own.
        middleware: Your own, just outside `Retry`; just inside, if it says `zone = "attempt"`.
        settings: What `from_settings` read.
        **options: Any other argument of `penstock.Client`: `deadline`, `proxy`, `verify`,
            `transport`, `logger`, `tracer_provider`, ….

    Raises:
        BabyAPIError: `INVALID_HEADERS`.
        InvalidOption: Another value cannot work.
    """


class AsyncBabyAPI(_BabyAPI[Async], AsyncAPI):
    """The async twin of `BabyAPI`: methods are awaited, streams are iterated with `async for`."""


def _base_of(http_client: Any) -> str:
    return "" if http_client is None else str(http_client.base_url)


def _settings_class() -> type[BabyAPISettings]:
    from penstock.clients.babyapi.settings import BabyAPISettings  # pydantic comes with it

    return BabyAPISettings
