"""The clients the matrix has beside ours: bare httpx, httpx2, openai and requests.

Each is set up as its documentation says: timeouts, redirects and retries as it has them, and the
same two credentials in its headers.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from penstock.testing.faults.driving import LONG, SHORT
from penstock.testing.faults.outcome import KEY, OTHER_KEY
from penstock.testing.faults.rival import DONE, Rival, given_headers

if TYPE_CHECKING:
    from penstock.testing.faults.run import Run
    from penstock.testing.faults.server import FaultServer


class BareHttpx(Rival):
    """`httpx.Client`, following redirects."""

    name = "httpx"

    @property
    def http(self) -> Any:
        """The library."""
        return import_module(self.name)

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What its documentation lists under exceptions."""
        http = self.http
        return (http.HTTPError, http.InvalidURL, http.StreamError, http.CookieConflict)

    def client(self, server: FaultServer, run: Run) -> Any:
        """Return a client with a pool of one connection."""
        return self.http.Client(**options(self.http, server, run), follow_redirects=True)

    def send(
        self,
        client: Any,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Any:
        """Send a request and return the response."""
        return client.request(method, url, headers=headers, content=body, timeout=timeout)


class BareHttpx2(BareHttpx):
    """`httpx2.Client`, following redirects; it reads events by itself."""

    name = "httpx2"
    reads = Rival.reads | {"events"}

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What its documentation lists under exceptions."""
        return (*super().errors, self.http.SSEError)

    def ask(self, client: Any, run: Run) -> Any:
        """Make the call of a case and return what it gives."""
        ask = run.case.ask
        if ask.read != "events":
            return super().ask(client, run)
        timeout = SHORT if ask.slow else LONG
        got = []
        with client.stream(
            ask.method, run.url, headers={"Accept": "text/event-stream"}, timeout=timeout
        ) as response:
            if response.is_error:
                response.raise_for_status()
            for event in self.http.EventSource(response):
                if event.data == DONE:
                    break
                got.append(event.json())
        return got


class OpenAI(Rival):
    """The client of the openai package, whose generic calls take any path."""

    name = "openai"
    reads = Rival.reads | {"events", "model"}
    typed = True

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """The root of its exceptions."""
        return (import_module("openai").OpenAIError,)

    def client(self, server: FaultServer, run: Run) -> Any:
        """Return a client with a pool of one connection."""
        openai, http = import_module("openai"), import_module("httpx2")
        ask = run.case.ask
        return openai.OpenAI(
            api_key=KEY,
            base_url=run.origin,
            max_retries=ask.retries,
            timeout=SHORT if ask.slow else LONG,
            http_client=openai.DefaultHttpxClient(**options(http, server, run)),
            default_headers={"X-Api-Key": OTHER_KEY},
        )

    def send(
        self,
        client: Any,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Any:
        """Send a request and return the response."""
        request = _final(method, url, headers, body, timeout)
        return client.request(import_module("httpx2").Response, request)

    def ask(self, client: Any, run: Run) -> Any:
        """Make the call of a case and return what it gives."""
        openai, ask = import_module("openai"), run.case.ask
        timeout = SHORT if ask.slow else LONG
        request = _final(ask.method, run.url, given_headers(ask), ask.body, timeout)
        if ask.read == "bytes":
            return client.request(import_module("httpx2").Response, request).content
        if ask.read == "events":
            stream = client.request(object, request, stream=True, stream_cls=openai.Stream[object])
            return list(stream)
        if ask.read == "model":

            class Fits(openai.BaseModel):  # type: ignore[misc, name-defined]  # found at run time
                ok: bool

            return client.request(Fits, request).model_dump()
        return client.request(object, request)


class Requests(Rival):
    """`requests.Session`."""

    name = "requests"
    socks = "socks"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """The root of its exceptions."""
        return (import_module("requests").RequestException,)

    def client(self, server: FaultServer, run: Run) -> Any:
        """Return a session with a pool of one connection."""
        requests = import_module("requests")
        session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        session.max_redirects = 20  # as the others have it
        session.headers.update(_CREDENTIALS)
        if run.case.tls is not None:
            session.verify = server.certificates.authority
        if run.proxy is not None and not run.case.ask.environ:
            session.proxies = dict.fromkeys(("http", "https"), run.proxy)
        return session

    def send(
        self,
        client: Any,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Any:
        """Send a request and return the response."""
        return client.request(method, url, headers=headers, data=body, timeout=timeout)


RIVALS: tuple[type[Rival], ...] = (BareHttpx, BareHttpx2, OpenAI, Requests)
"""The clients that the matrix has beside ours."""

_CREDENTIALS = {"Authorization": f"Bearer {KEY}", "X-Api-Key": OTHER_KEY}


def options(http: Any, server: FaultServer, run: Run) -> dict[str, Any]:
    """Return what a client of httpx's kind is given for *run*.

    Args:
        http: The library.
        server: The server.
        run: The run.
    """
    given: dict[str, Any] = {
        "headers": _CREDENTIALS,
        "limits": http.Limits(max_connections=1),
        "timeout": LONG,
    }
    if run.case.tls is not None:
        given["verify"] = import_module("ssl").create_default_context(
            cafile=server.certificates.authority
        )
    if run.proxy is not None and not run.case.ask.environ:
        given["proxy"] = run.proxy
    return given


def _final(
    method: str, url: str, headers: dict[str, str], body: bytes | None, timeout: float
) -> Any:
    made = import_module("openai._models").FinalRequestOptions.construct(
        method=method.lower(), url=url, headers=headers, timeout=timeout
    )
    if body is not None:
        made.json_data = json.loads(body) if body.startswith(b"{") else body.decode()
    return made
