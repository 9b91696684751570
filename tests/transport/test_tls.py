from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from penstock.errors import ConfigurationError
from penstock.transport import PoolTransport, tls
from penstock.transport.tls import built, ssl_context, tls_settings

from .server import Server, polite

if TYPE_CHECKING:
    from .colours import Colour
    from .conftest import Certificates


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of trust stores loaded from now on, with no context kept from before."""
    loaded: list[Any] = []
    create = ssl.create_default_context

    def counted(**options: Any) -> ssl.SSLContext:
        loaded.append(options)
        return create(**options)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    ssl_context.cache_clear()
    return loaded


def test_a_custom_authority_is_trusted(colour: Colour, certificates: Certificates) -> None:
    """`verify=` as a file, as a context, and by the environment all trust its authority."""
    context = ssl.create_default_context(cafile=certificates.authority)
    with Server(polite, tls=certificates.server) as server:
        for options in (
            {"verify": certificates.authority},
            {"verify": context},
            {"environ": {"SSL_CERT_FILE": certificates.authority}},
            {"verify": False},
        ):
            assert colour.fetched(server.url, **options) == (200, b"hello")


def test_an_authority_of_the_system_is_not_enough(
    colour: Colour, certificates: Certificates, stranger: str
) -> None:
    """A server that the trusted authorities do not vouch for is a `ConnectError`."""
    with Server(polite, tls=certificates.server) as server:
        for options in (
            {},
            {"verify": stranger},
            {"trust_env": False, "environ": {"SSL_CERT_FILE": certificates.authority}},
        ):
            with pytest.raises(colour.error("ConnectError"), match="CERTIFICATE_VERIFY_FAILED"):
                colour.fetched(server.url, **options)
    assert server.heard == []


def test_another_hosts_certificate_is_refused(colour: Colour, certificates: Certificates) -> None:
    """A certificate for another name is a `ConnectError`."""
    with (
        Server(polite, tls=certificates.misnamed_server) as server,
        pytest.raises(colour.error("ConnectError"), match="CERTIFICATE_VERIFY_FAILED"),
    ):
        colour.fetched(server.url, verify=certificates.authority)


def test_a_client_certificate_is_shown(colour: Colour, certificates: Certificates) -> None:
    """A server that asks who the client is gets the certificate of `cert=`."""
    with Server(polite, tls=certificates.strict_server) as server:
        options = {"verify": certificates.authority, "cert": certificates.client}
        assert colour.fetched(server.url, **options) == (200, b"hello")


def test_a_missing_client_certificate_is_the_familys_error(
    colour: Colour, certificates: Certificates
) -> None:
    """What TLS says after its handshake is the family's error as well."""
    with Server(polite, tls=certificates.strict_server) as server:
        with pytest.raises(
            (colour.error("NetworkError"), colour.error("RemoteProtocolError"))
        ) as caught:
            colour.fetched(server.url, verify=certificates.authority)
        assert type(caught.value).__module__ == colour.family.name


def test_a_name_that_tls_cannot_ask_for(colour: Colour, certificates: Certificates) -> None:
    """A name that is no name to TLS is a `ConnectError` as well."""
    with Server(polite, tls=certificates.server) as server:
        request = colour.request(server.url)
        request.extensions["sni_hostname"] = ".localhost"
        with pytest.raises(colour.error("ConnectError")):
            colour.run(colour.fetch, request, verify=certificates.authority)


def test_one_context_is_built_for_all(
    colour: Colour, certificates: Certificates, builds: list[Any]
) -> None:
    """Clients with the same settings load the trust store once, at the first TLS handshake."""
    with Server(polite) as plain, Server(polite, tls=certificates.server) as secure:
        for _ in range(2):
            colour.fetched(plain.url, verify=certificates.authority)
        assert builds == []
        for _ in range(2):
            colour.fetched(secure.url, verify=certificates.authority)
    assert builds == [{"cafile": certificates.authority}]


def test_a_file_that_changed_is_another_setting(tmp_path: Path, stranger: str) -> None:
    """A renewed file of authorities is loaded by the clients made from then on."""
    path = tmp_path / "authority.pem"
    shutil.copy(stranger, path)
    before = tls_settings(str(path), None, {})
    assert tls_settings(str(path), None, {}) == before
    os.utime(path, ns=(1, 1))
    assert tls_settings(str(path), None, {}) != before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"verify": "/no/such/authority.pem"}, "/no/such/authority.pem"),
        ({"cert": "/no/such/client.pem"}, "/no/such/client.pem"),
        ({"environ": {"SSL_CERT_FILE": "/no/such/env.pem"}}, "SSL_CERT_FILE.*/no/such/env.pem"),
        ({"environ": {"SSL_CERT_DIR": "/no/such/dir"}}, "SSL_CERT_DIR.*/no/such/dir"),
    ],
)
def test_a_missing_file_is_named(options: dict[str, Any], named: str) -> None:
    """A file that is not there is an error at construction, with its path and its source."""
    with pytest.raises(ConfigurationError, match=named):
        PoolTransport(**{"environ": {}, **options})


def test_a_file_without_certificates_is_named(
    colour: Colour, certificates: Certificates, tmp_path: Path
) -> None:
    """A file that holds no certificate is an error before anything is sent."""
    path = tmp_path / "empty.pem"
    path.write_text("nothing here")
    with Server(polite, tls=certificates.server) as server:
        for options in (
            {"verify": str(path)},
            {"verify": certificates.authority, "cert": str(path)},
        ):
            with pytest.raises(ConfigurationError, match=str(path)):
                colour.fetched(server.url, **options)
    assert server.heard == []


def test_an_encrypted_key_needs_its_password(certificates: Certificates, tmp_path: Path) -> None:
    """Nobody is asked at the terminal for a key's password, and no error shows it."""
    chain, key_path = certificates.client
    key = serialization.load_pem_private_key(Path(key_path).read_bytes(), None)
    sealed = tmp_path / "sealed.key"
    sealed.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )

    def load(*password: str) -> ssl.SSLContext:
        settings = tls_settings(certificates.authority, (chain, str(sealed), *password), {})
        assert "hunter2" not in repr(settings)
        return built(ssl_context(settings, ("http/1.1",)))

    assert load("hunter2")
    with pytest.raises(ConfigurationError, match="password"):
        load()
    with pytest.raises(ConfigurationError) as caught:
        load("hunter3")
    assert "hunter3" not in str(caught.value)


def test_a_certificate_beside_a_context_is_refused(certificates: Certificates) -> None:
    """A context is used as it is: a certificate beside it would have no effect."""
    with pytest.raises(ConfigurationError, match="load_cert_chain"):
        tls_settings(ssl.create_default_context(), certificates.client, {})


def test_a_callers_context_is_used_as_it_is() -> None:
    """A context of the caller's own is neither copied nor replaced."""
    context = ssl.create_default_context()
    assert built(ssl_context(tls_settings(context, None, {}), ("http/1.1",))) is context


def test_the_default_authorities_are_certifis(builds: list[Any]) -> None:
    """Without any setting the trust store is certifi's, and a directory may be named instead."""
    import certifi

    built(ssl_context(tls_settings(True, None, {}), ("http/1.1",)))
    folder = str(Path(certifi.where()).parent)
    built(ssl_context(tls_settings(True, None, {"SSL_CERT_DIR": folder}), ("http/1.1",)))
    assert builds == [{"cafile": certifi.where()}, {"capath": folder}]


def test_session_keys_are_logged_only_where_the_environment_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSLKEYLOGFILE` works where `trust_env` is on, and not where it is off."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    for environ, logged in (({}, str(tmp_path / "keys")), (None, None)):
        ssl_context.cache_clear()
        context = built(ssl_context(tls_settings(True, None, environ), ("http/1.1",)))
        assert context.keylog_filename == logged


def test_protocols_are_offered_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's setting of protocols does not touch a context that others share."""
    context = ssl_context(tls_settings(False, None, {}), ("h2", "http/1.1"))
    offered: list[Any] = []
    monkeypatch.setattr(
        ssl.SSLContext, "set_alpn_protocols", lambda _, protocols: offered.append(protocols)
    )
    context.set_alpn_protocols(["http/1.1"])
    assert isinstance(context, tls.LateContext)
    assert built(context) is built(context)
    context.set_alpn_protocols(["http/1.1"])
    assert offered == [("h2", "http/1.1")]
