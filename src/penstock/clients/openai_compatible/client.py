"""The clients: where the API is, what it is asked with, and the stack its calls go through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import httpx

from penstock import (
    API,
    CLIENT_ARGUMENTS,
    UNSET,
    Async,
    AsyncAPI,
    BaseAPI,
    Colour,
    Stack,
    Sync,
    add_middleware,
    check_settings,
    choose_stack,
)
from penstock.clients.openai_compatible.chat import Chat
from penstock.clients.openai_compatible.completions import Completions
from penstock.clients.openai_compatible.embeddings import Embeddings
from penstock.clients.openai_compatible.errors import OpenAIError, own_error, status_error
from penstock.clients.openai_compatible.models import Models
from penstock.clients.openai_compatible.rerank import Rerank
from penstock.middleware import GenAI, RaiseForStatus, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from penstock import HeaderValue, Middleware, Response, TimeoutValue
    from penstock.clients.openai_compatible.settings import OpenAISettings

BASE_URL = "https://api.openai.com/v1"
TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""Seconds of each phase of an attempt, as the openai package has them: answers can be slow."""

STATUSES = frozenset({408, 409, 429, *range(500, 600)})
"""What is tried again, as the openai package has it."""

_POLICY = {"base_delay": 0.5, "max_delay": 8.0, "retry_after_cap": 120.0, "over_cap": "stop"}


class _OpenAICompatible(BaseAPI[Colour]):
    """What both colours share: see `OpenAICompatible`."""

    _others = CLIENT_ARGUMENTS

    def __init__(
        self,
        base_url: Any = UNSET,
        *,
        api_key: Any = UNSET,
        organization: str | None = None,
        project: str | None = None,
        headers: Mapping[str, HeaderValue] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: TimeoutValue = UNSET,  # type: ignore[assignment]  # UNSET is of no type but its own
        max_retries: int = UNSET,  # type: ignore[assignment]  # as above
        middleware: Iterable[Middleware] = (),
        stack: Stack | Callable[[Stack], Stack] | None = None,
        settings: OpenAISettings | None = None,
        http_client: Any = None,
        default_headers: Mapping[str, HeaderValue] | None = None,
        default_query: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        check_settings(settings, _settings_class)
        given = {} if settings is None else settings.given()
        if api_key is UNSET and "api_key" not in given and "auth" not in options:
            raise OpenAIError(_no_key(type(self).__name__))
        if api_key is None and "api_key" in given and settings is not None:
            settings = settings.replace(api_key=None)
        if timeout is UNSET and http_client is None:
            timeout = given.get("timeout", TIMEOUT.read)
            timeout = TIMEOUT if timeout == TIMEOUT.read else timeout
        own = {
            "Accept": "application/json",
            "OpenAI-Organization": organization or given.get("organization"),
            "OpenAI-Project": project or given.get("project"),
        }
        client = self._make_client(
            _with_version(base_url or given.get("base_url") or _base_of(http_client) or BASE_URL),
            api_key=None if api_key is UNSET else api_key,
            headers={
                **{name: value for name, value in own.items() if value is not None},
                **(default_headers or {}),
                **(headers or {}),
            },
            params={**(default_query or {}), **(params or {})},
            timeout=timeout,
            max_retries=max_retries,
            stack=add_middleware(
                choose_stack(stack, partial(_standard, settings, http_client)), middleware
            ),
            settings=settings,
            http_client=http_client,
            **options,
        )
        super().__init__(client, own_error)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Make a client from `OPENAI_API_KEY`, `OPENAI_BASE_URL` and their kin.

        Args:
            **overrides: Any argument of the constructor; they win.

        Raises:
            OpenAIError: There is no key.
            SettingsError: A variable cannot be used; the message names it.
        """
        return cls(settings=_settings_class().from_env(), **overrides)

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
    def models(self) -> Models[Colour]:
        """What the server has."""
        return self._sub(Models)


class OpenAICompatible(_OpenAICompatible[Sync], API):
    """A client of an OpenAI-compatible API.

    Values come from arguments and defaults alone; `from_env` reads the environment, and
    `OpenAISettings.load` files too.

    Args:
        base_url: Where the API is, with or without `/v1` at its end where nothing else follows the
            host. OpenAI's own unless given.
        api_key: The key, or a callable (async in the async client) that supplies it for each
            attempt. None, for a server that asks for none, must be said.
        organization: Who is billed: sent as `OpenAI-Organization`.
        project: What is billed: sent as `OpenAI-Project`.
        headers: Headers of every request.
        params: Query parameters of every request.
        timeout: Seconds for one attempt, an `httpx.Timeout`, or None. 600 s for each phase and 5 s
            to connect unless given.
        max_retries: How many repeats may follow the first attempt. 2 unless given.
        middleware: The user's own, just outside `Retry`; just inside, if it says
            `zone = "attempt"`.
        stack: Instead of this client's whole stack, retry rules and error table included; or a
            function that makes it from this client's own.
        settings: `OpenAISettings`, where values that no argument gives come from.
        http_client: Your own httpx or httpx2 client to send with; it is never closed.
        default_headers: The openai package's name for *headers*.
        default_query: The openai package's name for *params*.
        **options: Any other argument of `penstock.Client`: `deadline`, `proxy`, `verify`,
            `transport`, `logger`, `tracer_provider`, ….

    Raises:
        OpenAIError: There is no key.
        InvalidOption: A value cannot work.
    """


class AsyncOpenAICompatible(_OpenAICompatible[Async], AsyncAPI):
    """The async twin of `OpenAICompatible`: methods are awaited, streams iterated."""


def _standard(settings: OpenAISettings | None, http_client: Any) -> Stack:
    """Return the standard stack with this API's error table and retry rules."""
    policy: Any = _POLICY
    if settings is not None:
        policy = {name: getattr(settings.retry, name) for name in _POLICY}
    retry = Retry(
        statuses=STATUSES,
        retry_unsafe_methods=True,
        should_retry_header="x-should-retry",
        unless=_has_no_quota,
        jitter="equal",
        **policy,
    )
    stack = GenAI.instead_of_tracing(Stack.standard(settings, redirects=http_client is None))
    return stack.replace(RaiseForStatus, RaiseForStatus(status_error, own_error)).replace(
        Retry, retry
    )


def _has_no_quota(response: Response) -> bool:
    """Tell whether nothing but a payment can help (OpenAI, "Error codes": `insufficient_quota`)."""
    return b'"insufficient_quota"' in response.content


def _with_version(base_url: Any) -> Any:
    """Return *base_url*, with `/v1` where it is a host and nothing else."""
    text = str(base_url)
    return base_url if urlsplit(text).path.strip("/") else f"{text.rstrip('/')}/v1"


def _base_of(http_client: Any) -> str:
    return "" if http_client is None else str(http_client.base_url)


def _no_key(name: str) -> str:
    return (
        f"{name} has no API key: pass api_key=…, or set OPENAI_API_KEY and call "
        f"{name}.from_env(); for a server that asks for none, say api_key=None"
    )


def _settings_class() -> type[OpenAISettings]:
    from penstock.clients.openai_compatible.settings import OpenAISettings  # pydantic comes with it

    return OpenAISettings
