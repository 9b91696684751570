from __future__ import annotations

import ssl
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.transport import http11, httpx2_family, httpx_family
from penstock.transport.http11 import Messages

from .colours import Colour

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.transport import Family

PARSERS: dict[str, type[Messages]] = {"h11": Messages}
collect_ignore = ["test_plain.py"]
if find_spec("httptools") is not None:
    from penstock.transport.plain import PlainMessages

    PARSERS["llhttp"] = PlainMessages
    collect_ignore.clear()

FAMILIES = {"httpx": httpx_family, "httpx2": httpx2_family}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]()


@pytest.fixture(params=["sync", "asyncio", "trio"])
def colour(request: pytest.FixtureRequest, family: Family) -> Colour:
    return Colour(request.param, family)


@pytest.fixture(params=sorted(PARSERS))
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have new connections use llhttp where they can, or h11 alone."""
    monkeypatch.setattr(http11, "_kind_of_messages", lambda: PARSERS[request.param])


@dataclass(frozen=True)
class Certificates:
    """An authority, TLS contexts of servers it vouches for, and a client's certificate."""

    authority: str
    server: ssl.SSLContext
    strict_server: ssl.SSLContext
    misnamed_server: ssl.SSLContext
    client: tuple[str, str]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    client = authority.issue_cert("client.example")
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))

    def server(name: str, mode: ssl.VerifyMode) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = mode
        return context

    return Certificates(
        str(folder / "authority.pem"),
        server("localhost", ssl.CERT_NONE),
        server("localhost", ssl.CERT_REQUIRED),
        server("elsewhere.example", ssl.CERT_NONE),
        (str(folder / "client.pem"), str(folder / "client.key")),
    )


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the certificate file of an authority that vouches for nobody here."""
    path = tmp_path_factory.mktemp("stranger") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)
