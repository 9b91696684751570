"""The laws of connecting, over every engine: sockets, proxies, TLS, limits, processes and loops."""

from __future__ import annotations

import gc
import os
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock
from penstock import InvalidOption, Limits

from .colours import step
from .senders import SENDERS, Sender, able, over
from .server import Server, polite, proxy

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Certificates


@over(able("uds"))
def test_a_socket_in_the_file_system(sender: Sender, tmp_path: Path) -> None:
    """With `uds=`, the path is what is connected to, whatever the host."""
    path = str(tmp_path / "s")

    async def scenario(client: Any) -> None:
        assert (await sender.get(client)).content == b"hello"

    with Server(polite, path=path) as server:
        sender.run(scenario, "http://anywhere.example", uds=path)
    assert server.heard[0].headers["host"] == "anywhere.example"


def test_aiohttp_speaks_no_plain_text_where_tls_is_meant(tmp_path: Path) -> None:
    """An https URL over a Unix socket is refused by the engine that has no TLS there."""
    sender = Sender("aiohttp", "asyncio")
    path = str(tmp_path / "s")

    async def scenario(client: Any) -> None:
        with pytest.raises(InvalidOption, match="TLS"):
            await client.get("/")

    with Server(polite, path=path) as server:
        sender.run(scenario, "https://anywhere.example", uds=path)
    assert server.heard == []


@over(SENDERS)
@pytest.mark.parametrize("credentials", [None, "user:hunter2"])
@pytest.mark.parametrize("secure", [False, True])
def test_an_http_proxy(
    sender: Sender, certificates: Certificates, credentials: str | None, secure: bool
) -> None:
    """Plain requests and tunnels go through an http proxy, each with the credentials."""
    tls = certificates.server if secure else None
    userinfo = f"{credentials}@" if credentials else ""

    async def scenario(client: Any) -> None:
        for _ in range(2):
            got = await sender.get(client)
            assert got.content == (b"hello" if secure else f"{server.url}/".encode())

    with Server(polite, tls=tls) as server, Server(proxy(credentials)) as via:
        url = f"http://{userinfo}127.0.0.1:{via.port}"
        sender.run(scenario, server.url, proxy=url, verify=certificates.authority)
    assert len(via.heard) == (1 if secure else 2)


@over(SENDERS)
def test_a_proxy_that_refuses(sender: Sender, certificates: Certificates) -> None:
    """A proxy that refuses a tunnel is asked once, and the error is without its password."""

    async def scenario(client: Any) -> None:
        with pytest.raises(penstock.ProxyRefused, match="407") as caught:
            await sender.get(client, max_retries=2)
        assert caught.value.phase == "proxy"
        assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"

    with Server(proxy("user:other")) as via:
        proxied = f"http://user:hunter2@127.0.0.1:{via.port}"
        sender.run(scenario, "https://o.example", proxy=proxied, verify=certificates.authority)
    assert via.connections == 1


@over(SENDERS)
def test_a_stranger_is_not_trusted(
    sender: Sender, certificates: Certificates, stranger: str
) -> None:
    """A certificate of another authority, or for another name, ends a call at its first attempt."""

    async def scenario(client: Any) -> None:
        with pytest.raises(penstock.UntrustedCertificate, match="CERTIFICATE_VERIFY_FAILED") as it:
            await sender.get(client, max_retries=2)
        assert (it.value.phase, len(it.value.attempts)) == ("connect", 1)

    with Server(polite, tls=certificates.server) as server:
        sender.run(scenario, server.url, verify=stranger)
    with Server(polite, tls=certificates.misnamed_server) as server:
        sender.run(scenario, server.url, verify=certificates.authority)


@over(SENDERS)
def test_another_servers_certificate_is_not_blamed(sender: Sender) -> None:
    """What fails while the caller handles an untrusted certificate fails for its own reason."""

    async def scenario(client: Any) -> None:
        try:
            raise ssl.SSLCertVerificationError(1, "of another server")
        except ssl.SSLError:
            with pytest.raises(penstock.ConnectionFailed) as caught:
                await sender.get(client)
        assert type(caught.value) is penstock.ConnectionFailed

    with Server(polite) as server:
        url = server.url
    sender.run(scenario, url)


@over(SENDERS)
def test_a_client_certificate(sender: Sender, certificates: Certificates) -> None:
    """A server that asks who is there is shown the client's certificate."""

    async def scenario(client: Any) -> None:
        assert (await sender.get(client)).content == b"hello"

    with Server(polite, tls=certificates.strict_server) as server:
        options = {"verify": certificates.authority, "cert": certificates.client}
        sender.run(scenario, server.url, **options)


@over([sender for sender in able("per origin") if sender.is_async])
def test_an_origin_has_its_own_limit(sender: Sender) -> None:
    """No origin gets more connections than its share, and a full one holds up no other."""

    async def scenario(client: Any) -> None:
        async with (
            anyio.create_task_group() as group,
            client.stream("GET", one.url) as first,
            client.stream("GET", one.url) as second,
        ):
            for _ in range(5):
                group.start_soon(client.get, one.url)
            await anyio.wait_all_tasks_blocked()
            assert (await client.get(two.url)).content == b"hello"
            assert len(one.heard) == 2
            assert await first.aread() == await second.aread() == b"hello"

    with Server(polite) as one, Server(polite) as two:
        limits = Limits(max_connections=3, max_connections_per_origin=2)
        sender.run(scenario, None, limits=limits)
    assert one.connections <= 2
    assert len(one.heard) == 7


@over([sender for sender in SENDERS if sender.colour != "trio"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_forked_process_and_a_new_loop_have_their_own_connections(sender: Sender) -> None:
    """A child of a fork, and a second event loop, open their own."""
    client: Any = None

    async def once(*, close: bool = False) -> None:
        assert (await sender.get(client)).content == b"hello"
        if close:
            await sender.close(client)

    run: Any = partial(anyio.run, backend="asyncio") if sender.is_async else lambda fn: step(fn())
    with Server(polite) as server:
        client = sender.client(server.url)
        run(once)
        child = os.fork()
        if not child:
            code = 1
            try:
                run(once)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert server.connections == 2
        run(partial(once, close=True))
        assert server.connections == 2 + sender.is_async
    client = None
    gc.collect()


def test_the_wrong_loop_is_named() -> None:
    """An engine that needs asyncio says so on trio: when its client is made, or when it is used."""
    client = Sender("aiohttp", "trio").client("http://localhost")

    async def scenario() -> None:
        with pytest.raises(InvalidOption, match="trio"):
            Sender("aiohttp", "trio").client("http://localhost")
        with pytest.raises(InvalidOption, match="trio"):
            await client.get("/")

    anyio.run(scenario, backend="trio")
