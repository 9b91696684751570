"""nginx on a free port of the loopback: a server in another process that costs a client nothing.

It answers every POST with the document of `stub`, and GET /bytes/N with N bytes once asked to. It
keeps connections for as long as a benchmark runs.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stub import ANSWER, HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOPS = {b"Date", b"Content-Type", b"Content-Length", b"Connection", b"Server"}
"""What nginx writes by itself."""

_CONFIG = """
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {home}/pid;
error_log {home}/error.log warn;
{user}
events {{ worker_connections {files}; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 3600s;
    client_header_timeout 3600s;
    client_max_body_size 0;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    large_client_header_buffers 8 64k;
    default_type application/json;
    sendfile on;
    tcp_nodelay on;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location / {{
            {headers}
            return 200 '{answer}';
        }}
        location /bytes/ {{
            root {home};
        }}
    }}
}}
"""


class Server:
    """A running nginx.

    Attributes:
        url: Where it listens, such as `http://127.0.0.1:40000`.
    """

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self._files = home / "bytes"
        self._files.mkdir()

    def serve_bytes(self, count: int) -> None:
        """Answer GET /bytes/*count* with so many bytes."""
        file = self._files / str(count)
        if not file.exists():
            file.write_bytes(b"x" * count)


@contextmanager
def nginx() -> Iterator[Server]:
    """Run nginx inside a `with` block; exit with the name of the package where it is missing."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        sys.exit("nginx is not installed: it is in the Debian package nginx-light")
    files = _raise_file_limit()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        home.chmod(0o755)
        port = _free_port()
        config = home / "nginx.conf"
        config.write_text(_config(home, port, files))
        command = [program, "-p", directory, "-c", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port, process, home)
                yield Server(f"http://127.0.0.1:{port}", home)
            finally:
                process.terminate()


def _config(home: Path, port: int, files: int) -> str:
    headers = [
        f"add_header {name.decode()} '{value.decode()}';"
        for name, value in HEAD
        if name not in _HOPS
    ]
    return _CONFIG.format(
        home=home,
        port=port,
        files=files,
        user="user root;" if os.geteuid() == 0 else "",
        headers=" ".join(headers),
        answer=ANSWER.decode(),
    )


def _raise_file_limit() -> int:
    """Let this process, and nginx after it, have as many connections as the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(most, 16384)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], home: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            log = home / "error.log"
            sys.exit(f"nginx did not start: {log.read_text() if log.exists() else ''}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit("nginx does not listen")
