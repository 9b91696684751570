from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from .echo import Echo
from .tunnel import Tunnels

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    """Return a context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[Echo]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Echo(context) as running:
        yield running


@pytest.fixture(scope="module")
def proxy() -> Iterator[Tunnels]:
    with Tunnels() as running:
        yield running
