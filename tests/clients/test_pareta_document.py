"""Every Python example of Pareta's configuration guide, its import changed, and its async twin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock.testing import Script
from penstock.transport.owned import AsyncPoolTransport, PoolTransport

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS = {
    "/v1/models": {"object": "list", "data": [{"id": "ep_contract_kie_qwen"}]},
    "/v1/chat/completions": {"choices": [{"message": {"content": "Acme and Bolt"}}]},
}
MODELS = f"ModelList({ANSWERS['/v1/models']!r})\n"
PRODUCTION = "https://api.pareta.ai"
STAGING = "https://api-staging.pareta.ai"


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """A Pareta that answers whoever asks, through whatever transport, and a key for it."""
    monkeypatch.setenv("PARETA_API_KEY", "pareta_sk_test_0123456789")
    monkeypatch.delenv("PARETA_BASE_URL", raising=False)
    pareta = Script([lambda request: ANSWERS[request.url.path]], forever=True)

    def handle(self: Any, request: httpx.Request) -> httpx.Response:
        return pareta.handle_request(request)

    async def handle_async(self: Any, request: httpx.Request) -> httpx.Response:
        return await pareta.handle_async_request(request)

    for cls in (PoolTransport, httpx.HTTPTransport):
        monkeypatch.setattr(cls, "handle_request", handle)
    for cls in (AsyncPoolTransport, httpx.AsyncHTTPTransport):
        monkeypatch.setattr(cls, "handle_async_request", handle_async)
    return pareta


def quick_start() -> None:
    from penstock.clients.pareta import Pareta

    pa = Pareta.from_env()
    print(pa.models.list())


async def quick_start_async() -> None:
    from penstock.clients.pareta import AsyncPareta

    pa = AsyncPareta.from_env()
    print(await pa.models.list())


def in_a_block() -> None:
    from penstock.clients.pareta import Pareta

    with Pareta.from_env() as pa:
        print(pa.models.list())


async def in_a_block_async() -> None:
    from penstock.clients.pareta import AsyncPareta

    async with AsyncPareta.from_env() as pa:
        models = await pa.models.list()
        print(models)


def closed_by_hand() -> None:
    from penstock.clients.pareta import Pareta

    pa = Pareta.from_env()
    try:
        print(pa.models.list())
    finally:
        pa.close()
    assert pa.is_closed


async def closed_by_hand_async() -> None:
    from penstock.clients.pareta import AsyncPareta

    pa = AsyncPareta.from_env()
    try:
        print(await pa.models.list())
    finally:
        await pa.aclose()
    assert pa.is_closed


def own_http_client() -> None:
    from penstock.clients.pareta import Pareta

    # Route through a corporate proxy with a tuned connection pool.
    my_client = httpx.Client(
        proxy="http://proxy.internal:8080",
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=10),
        timeout=httpx.Timeout(120.0, connect=10.0),
    )

    pa = Pareta(api_key="pareta_sk_live", http_client=my_client)
    print(pa.models.list())
    pa.close()
    assert not my_client.is_closed
    my_client.close()  # you opened it, you close it


async def own_http_client_async() -> None:
    from penstock.clients.pareta import AsyncPareta

    client = httpx.AsyncClient(proxy="http://proxy.internal:8080")
    pa = AsyncPareta.from_env(http_client=client)
    try:
        print(await pa.models.list())
    finally:
        await client.aclose()  # you opened it, you close it


@pytest.mark.parametrize("example", [quick_start, in_a_block, closed_by_hand, own_http_client])
def test_models_are_printed(
    example: Callable[[], None], script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples that list models print them, and ask production."""
    example()
    assert capsys.readouterr().out == MODELS
    assert [str(request.url) for request in script.requests] == [f"{PRODUCTION}/v1/models"]


@pytest.mark.parametrize(
    "example", [quick_start_async, in_a_block_async, closed_by_hand_async, own_http_client_async]
)
def test_models_are_printed_async(
    example: Callable[[], Any], script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """The async twins print the same."""
    asyncio.run(example())
    assert capsys.readouterr().out == MODELS
    assert [str(request.url) for request in script.requests] == [f"{PRODUCTION}/v1/models"]


def test_staging_by_the_environment(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `PARETA_BASE_URL` set, the same code talks to staging, in both colours."""
    monkeypatch.setenv("PARETA_BASE_URL", STAGING)
    quick_start()
    asyncio.run(quick_start_async())
    assert capsys.readouterr().out == MODELS * 2
    assert [str(request.url) for request in script.requests] == [f"{STAGING}/v1/models"] * 2


def test_overrides_over_the_environment() -> None:
    """Keyword arguments of `from_env` go straight to the constructor."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    pa = Pareta.from_env(max_retries=5, timeout=120.0)
    assert (pa.max_retries, pa.timeout) == (5, 120.0)
    apa = AsyncPareta.from_env(max_retries=5, timeout=120.0)
    assert (apa.max_retries, apa.timeout) == (5, 120.0)


def test_constructor_parameters() -> None:
    """Both clients take the documented arguments, and these are their defaults."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    pa = Pareta(
        api_key="pareta_sk_live_…",
        base_url="https://api.pareta.ai",
        timeout=60.0,
        max_retries=2,
        http_client=None,
    )
    apa = AsyncPareta(
        api_key="pareta_sk_live_…",
        base_url="https://api.pareta.ai",
        timeout=60.0,
        max_retries=2,
        http_client=None,
    )
    assert (pa.base_url, pa.timeout, pa.max_retries) == (PRODUCTION, 60.0, 2)
    assert (apa.base_url, apa.timeout, apa.max_retries) == (PRODUCTION, 60.0, 2)
    for plain in (Pareta(api_key="pareta_sk_live_…"), AsyncPareta(api_key="pareta_sk_live_…")):
        assert (plain.base_url, plain.max_retries) == (PRODUCTION, 2)
        assert plain.timeout == httpx.Timeout(60.0, connect=10.0)


def test_an_empty_key(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty key is a `ParetaError` before any call, with the documented text."""
    from penstock.clients.pareta import AsyncPareta, Pareta, ParetaError

    try:
        pa: Any = Pareta(api_key="")
    except ParetaError as e:
        print(e)
    try:
        pa = AsyncPareta(api_key="")
    except ParetaError as e:
        print(e)
        pa = None
    assert pa is None
    text = (
        "missing API key. Pass api_key=… or set PARETA_API_KEY "
        "(mint a pareta_sk_ key in the dashboard).\n"
    )
    assert capsys.readouterr().out == text * 2


def test_production_and_staging() -> None:
    """The base URL selects the environment, production unless given."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    # Production — base_url omitted, defaults applied.
    prod = Pareta(api_key="pareta_sk_live_…")

    # Staging — pass it explicitly, or set PARETA_BASE_URL.
    staging = Pareta(
        api_key="pareta_sk_test_…",
        base_url="https://api-staging.pareta.ai",
    )
    aprod = AsyncPareta(api_key="pareta_sk_live_…")
    astaging = AsyncPareta(
        api_key="pareta_sk_test_…",
        base_url="https://api-staging.pareta.ai",
    )
    assert (prod.base_url, staging.base_url) == (PRODUCTION, STAGING)
    assert (aprod.base_url, astaging.base_url) == (PRODUCTION, STAGING)


def test_timeouts() -> None:
    """A timeout is one number for everything, or an `httpx.Timeout`."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    # Simple: one number for everything.
    pa: Any = Pareta(api_key="pareta_sk_live_…", timeout=120.0)
    assert pa.timeout == 120.0
    pa = AsyncPareta(api_key="pareta_sk_live_…", timeout=120.0)
    assert pa.timeout == 120.0

    # Granular: long read budget for big generations, short connect budget.
    pa = Pareta(
        api_key="pareta_sk_live_…",
        timeout=httpx.Timeout(120.0, connect=10.0),
    )
    assert pa.timeout == httpx.Timeout(120.0, connect=10.0)
    pa = AsyncPareta(
        api_key="pareta_sk_live_…",
        timeout=httpx.Timeout(120.0, connect=10.0),
    )
    assert pa.timeout == httpx.Timeout(120.0, connect=10.0)


def test_retries() -> None:
    """Retries may be more, or none."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    # More patient: handy for batch jobs against a busy environment.
    pa: Any = Pareta(api_key="pareta_sk_live_…", max_retries=5)
    assert pa.max_retries == 5
    pa = AsyncPareta(api_key="pareta_sk_live_…", max_retries=5)
    assert pa.max_retries == 5

    # Disable retries entirely: every failure surfaces immediately.
    pa = Pareta(api_key="pareta_sk_live_…", max_retries=0)
    assert pa.max_retries == 0
    pa = AsyncPareta(api_key="pareta_sk_test_…", max_retries=0)
    assert pa.max_retries == 0


def test_a_batch_job_against_staging() -> None:
    """The cookbook's patient client has every value it was given."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    pa: Any = Pareta(
        api_key="pareta_sk_test_…",
        base_url="https://api-staging.pareta.ai",
        timeout=httpx.Timeout(180.0, connect=10.0),
        max_retries=5,
    )
    assert (pa.base_url, pa.timeout.read, pa.max_retries) == (STAGING, 180.0, 5)
    pa = AsyncPareta(
        api_key="pareta_sk_test_…",
        base_url="https://api-staging.pareta.ai",
        timeout=httpx.Timeout(180.0, connect=10.0),
        max_retries=5,
    )
    assert (pa.base_url, pa.timeout.read, pa.max_retries) == (STAGING, 180.0, 5)


def test_a_completion(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """The lifecycle example prints the answer, in both colours."""
    from penstock.clients.pareta import AsyncPareta, Pareta

    with Pareta.from_env() as pa:
        completion = pa.chat.completions.create(
            model="ep_contract_kie_qwen",
            messages=[{"role": "user", "content": "Extract the parties."}],
        )
        print(completion.choices[0].message.content)
    # HTTP client closed on exit

    async def main() -> None:
        async with AsyncPareta.from_env() as pa:
            completion = await pa.chat.completions.create(
                model="ep_contract_kie_qwen",
                messages=[{"role": "user", "content": "Extract the parties."}],
            )
            print(completion.choices[0].message.content)

    asyncio.run(main())
    assert capsys.readouterr().out == "Acme and Bolt\n" * 2
    assert script.bodies[0] == script.bodies[1]
