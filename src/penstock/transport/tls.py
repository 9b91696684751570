"""How servers are verified: one SSL context a process for each way, built when first needed."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from penstock.alone import Alone
from penstock.errors import ConfigurationError, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
Cert = str | os.PathLike[str] | tuple[str, str] | tuple[str, str, str]

_KEPT_CONTEXTS = 32
"""Contexts a process keeps for reuse. Each holds its trust store, some 800 KB."""


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """What a TLS handshake is done with. Equal settings share one SSL context.

    Attributes:
        context: The caller's own context, used as it is, or None.
        verified: Whether the server's certificate is checked.
        trusted: The file or directory of CA certificates, or None for certifi's.
        cert: The client certificate's file, its key's file and the key's password, as far as given.
        key_log: Whether `SSLKEYLOGFILE` is honoured.
        stamps: When the files last changed: a renewed certificate is another setting.
    """

    context: ssl.SSLContext | None = None
    verified: bool = True
    trusted: str | None = None
    cert: tuple[str, ...] = field(default=(), repr=False)
    key_log: bool = True
    stamps: tuple[int, ...] = ()

    def without_cert(self) -> TLSSettings:
        """Return the settings for a proxy, which is not shown the client's certificate."""
        return replace(self, cert=())


def tls_settings(
    verify: Verify, cert: Cert | None, environ: Mapping[str, str] | None
) -> TLSSettings:
    """Return the settings for what a client was given. Nothing is loaded yet.

    Args:
        verify: Whether to check the server's certificate; or a file or directory of CA certificates
            to check it with; or an SSL context to use as it is.
        cert: The client certificate's PEM file; or a tuple of that, its key's file and optionally
            the key's password.
        environ: Where `SSL_CERT_FILE` and `SSL_CERT_DIR` are looked up. None ignores them and
            `SSLKEYLOGFILE`.

    Raises:
        ConfigurationError: A file is missing, a type is wrong, or *cert* was given beside an SSL
            context.
    """
    if not isinstance(verify, (bool, str, os.PathLike, ssl.SSLContext)):
        msg = f"verify must be True, False, a path or an SSL context, not {type(verify).__name__}"
        raise InvalidOption(msg)
    if not isinstance(cert, (str, os.PathLike, tuple, type(None))):
        msg = f"cert must be a path, a tuple of paths or None, not {type(cert).__name__}"
        raise InvalidOption(msg)
    certs = () if cert is None else cert if isinstance(cert, tuple) else (os.fspath(cert),)
    if isinstance(verify, ssl.SSLContext):
        if certs:
            msg = "cert= has no effect beside an SSL context: call its load_cert_chain() instead"
            raise InvalidOption(msg)
        return TLSSettings(context=verify)
    stamps = [_stamp(path, "cert") for path in certs[:2]]
    trusted, source = None, "verify"
    if not isinstance(verify, bool):
        trusted = os.fspath(verify)
    elif verify and environ is not None:
        source = "SSL_CERT_FILE" if environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        trusted = environ.get(source) or None
    if trusted is not None:
        stamps.append(_stamp(trusted, source))
    return TLSSettings(
        verified=verify is not False,
        trusted=trusted,
        cert=certs,
        key_log=environ is not None,
        stamps=tuple(stamps),
    )


def _stamp(path: str, source: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a `Path` takes as long again
    except OSError as error:
        msg = f"{source}: cannot read {path}: {error.strerror}"
        raise ConfigurationError(msg) from error


class LateContext(ssl.SSLContext):
    """Stands in a pool for the SSL context that it builds at the first handshake.

    Loading a trust store takes some 16 ms, which a client that never speaks TLS does not pay.

    httpcore sets the application protocols for each connection, on a context that another thread
    may be copying them from. They are fixed here instead.

    Args:
        settings: What the handshake is done with.
        protocols: The application protocols to offer (RFC 7301), the preferred one first.
    """

    _settings: TLSSettings
    _protocols: tuple[str, ...]
    _built: ssl.SSLContext | None
    _lock: Alone

    def __new__(cls, settings: TLSSettings, protocols: tuple[str, ...]) -> Self:
        """Return a context with nothing loaded."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        self._settings = settings
        self._protocols = protocols
        self._built = None
        self._lock = Alone()
        return self

    def set_alpn_protocols(self, alpn_protocols: object) -> None:
        """Leave them as they are."""

    def built(self) -> ssl.SSLContext:
        """Return the context itself.

        Raises:
            ConfigurationError: A file of certificates cannot be loaded.
        """
        if self._built is None:
            return self._lock.run(self._build_once)
        return self._built

    def _build_once(self) -> ssl.SSLContext:
        if self._built is None:
            self._built = _build(self._settings, self._protocols)
        return self._built


@lru_cache(maxsize=_KEPT_CONTEXTS)
def ssl_context(settings: TLSSettings, protocols: tuple[str, ...]) -> ssl.SSLContext:
    """Return the context of *settings* for *protocols*: the same one for everybody who asks."""
    return settings.context or LateContext(settings, protocols)


def built(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return *context*, built by now if it was a late one.

    Raises:
        ConfigurationError: As `LateContext.built`.
    """
    return context.built() if isinstance(context, LateContext) else context


def _build(settings: TLSSettings, protocols: tuple[str, ...]) -> ssl.SSLContext:
    if settings.verified:
        context = _verifying(settings.trusted)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if not settings.key_log:
        context.keylog_filename = None  # type: ignore[assignment]  # None is how it is turned off
    if settings.cert:
        _identify(context, settings)
    context.set_alpn_protocols(protocols)
    return context


def _verifying(trusted: str | None) -> ssl.SSLContext:
    if trusted is None:
        import certifi

        trusted = certifi.where()
    try:
        if Path(trusted).is_dir():
            return ssl.create_default_context(capath=trusted)
        return ssl.create_default_context(cafile=trusted)
    except OSError as error:
        msg = f"cannot load CA certificates from {trusted}: {error.strerror}"
        raise ConfigurationError(msg) from error


def _identify(context: ssl.SSLContext, settings: TLSSettings) -> None:
    cert, key, password, *_ = (*settings.cert, None, None)
    try:
        context.load_cert_chain(str(cert), key, password or _no_password)
    except OSError as error:
        msg = f"cannot load the client certificate from {cert}: {error.strerror}"
        raise ConfigurationError(msg) from error


def _no_password() -> str:
    # OpenSSL would ask the terminal.
    msg = "the client certificate's key is encrypted: give its password as the third of cert="
    raise ConfigurationError(msg)
