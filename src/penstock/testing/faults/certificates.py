"""The certificates of the TLS cases, made when first asked for; they are valid for loopback."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import trustme
except ImportError as error:
    msg = "the TLS cases need the trustme package: pip install 'penstock[test]'"
    raise ConfigurationError(msg) from error

_HERE = ("127.0.0.1", "localhost")
_DAY = dt.timedelta(days=1)


class Certificates:
    """An authority, and servers that deserve its trust or do not.

    Attributes:
        authority: The file of the authority's certificate: what a client is to trust.
    """

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-faults-")
        self.authority = str(Path(self._folder.name) / "authority.pem")
        self._authority.cert_pem.write_to_path(self.authority)
        self._contexts: dict[str, ssl.SSLContext] = {}

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def context(self, name: str) -> ssl.SSLContext:
        """Return the context of a server.

        Args:
            name: `good` and `cut` (in order), `expired`, `early`, `misnamed`, `nameless` (a common
                name and nothing else), `unknown` (of another authority), `alone` (self-signed),
                `strict` (asks for a client certificate), `old` (TLS 1.1 at most).
        """
        if name not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made: Callable[[ssl.SSLContext], Any] = getattr(self, f"_{name}", self._good)
            made(context)
            self._contexts[name] = context
        return self._contexts[name]

    def _good(self, context: ssl.SSLContext) -> None:
        self._authority.issue_cert(*_HERE).configure_cert(context)

    def _expired(self, context: ssl.SSLContext) -> None:
        now = dt.datetime.now(dt.UTC)
        past = self._authority.issue_cert(*_HERE, not_before=now - 2 * _DAY, not_after=now - _DAY)
        past.configure_cert(context)

    def _early(self, context: ssl.SSLContext) -> None:
        tomorrow = dt.datetime.now(dt.UTC) + _DAY
        self._authority.issue_cert(*_HERE, not_before=tomorrow).configure_cert(context)

    def _misnamed(self, context: ssl.SSLContext) -> None:
        self._authority.issue_cert("elsewhere.example").configure_cert(context)

    def _nameless(self, context: ssl.SSLContext) -> None:
        self._authority.issue_cert(common_name="127.0.0.1").configure_cert(context)

    def _unknown(self, context: ssl.SSLContext) -> None:
        trustme.CA().issue_cert(*_HERE).configure_cert(context)

    def _alone(self, context: ssl.SSLContext) -> None:
        stranger = trustme.CA()  # an authority's own certificate is signed by itself
        with stranger.cert_pem.tempfile() as cert, stranger.private_key_pem.tempfile() as key:
            context.load_cert_chain(cert, key)

    def _strict(self, context: ssl.SSLContext) -> None:
        self._good(context)
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    def _old(self, context: ssl.SSLContext) -> None:
        self._good(context)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is the point of it
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
