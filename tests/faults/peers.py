"""nginx, HAProxy and squid, each started on free loopback ports for as long as a test needs it."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
_BY = 20.0  # seconds within which a server must have started

NGINX, HAPROXY, SQUID = (shutil.which(name, path=_PATH) for name in ("nginx", "haproxy", "squid"))
ALL_FOUND = None not in {NGINX, HAPROXY, SQUID}

USER, PASSWORD = "proxy-user", "proxy-password-93c2"

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/json;
  limit_req_zone all zone=slow:64k rate=1r/m;
  gzip on;
  gzip_types application/json;
  gzip_min_length 1;
  server {{
    listen 127.0.0.1:{port};
    keepalive_timeout 1ms;
    client_max_body_size 1k;
    location /ok {{ return 200 '{{"ok": true}}'; }}
    location /limited {{
      limit_req zone=slow;
      limit_req_status 429;
      add_header Retry-After 7 always;
      try_files /nothing @ok;
    }}
    location @ok {{ return 200 '{{"ok": true}}'; }}
    location /away {{ return 302 http://127.0.0.1:{upstream}$arg_to; }}
    location /refused {{ proxy_pass http://127.0.0.1:{nobody}; }}
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_read_timeout 100ms;
      proxy_next_upstream off;
    }}
  }}
}}
"""

_HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 100ms
  timeout http-keep-alive 1ms
  retries 0
frontend all
  bind 127.0.0.1:{port}
  http-request deny deny_status 429 if {{ path /limited }}
  acl fine path /ok
  http-request return status 200 content-type application/json string '{{"ok": true}}' if fine
  use_backend nobody if {{ path /refused }}
  default_backend upstream
backend upstream
  server one 127.0.0.1:{upstream}
backend nobody
  server none 127.0.0.1:{nobody}
"""

_SQUID = """
http_port 127.0.0.1:{port}
pid_filename none
access_log none
cache_log {folder}/cache.log
cache_store_log none
cache deny all
shutdown_lifetime 0 seconds
coredump_dir {folder}
auth_param basic program {helper} {folder}/users
auth_param basic realm faults
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


class Peer(NamedTuple):
    """A server that runs."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _started(command: list[str], port: int, folder: Path) -> Iterator[Peer]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        _await_port(process, port, folder)
        yield Peer(port)
    finally:
        process.terminate()
        process.wait(_BY)


def _await_port(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    late = time.monotonic() + _BY
    again = threading.Event()
    while process.poll() is None and time.monotonic() < late:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            again.wait(0.02)
        else:
            return
    logs = "".join(path.read_text("utf-8", "replace") for path in folder.glob("*o*t*"))
    raise AssertionError(f"{process.args!r} did not start: {logs}")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="penstock-peer-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # what these servers become, when root starts them, is another user
        yield folder


@contextmanager
def nginx(upstream: int) -> Iterator[Peer]:
    """Run nginx in front of *upstream*: it keeps idle connections for a millisecond."""
    with _folder() as folder:
        port = _free_port()
        file = folder / "nginx.conf"
        file.write_text(
            _NGINX.format(folder=folder, port=port, upstream=upstream, nobody=_free_port())
        )
        with _started([str(NGINX), "-p", str(folder), "-c", str(file)], port, folder) as peer:
            yield peer


@contextmanager
def haproxy(upstream: int) -> Iterator[Peer]:
    """Run HAProxy in front of *upstream*: it keeps idle connections for a millisecond."""
    with _folder() as folder:
        port = _free_port()
        file = folder / "haproxy.cfg"
        file.write_text(_HAPROXY.format(port=port, upstream=upstream, nobody=_free_port()))
        with _started([str(HAPROXY), "-f", str(file), "-db"], port, folder) as peer:
            yield peer


@contextmanager
def squid() -> Iterator[Peer]:
    """Run squid, which wants Basic credentials from everybody."""
    with _folder() as folder:
        port = _free_port()
        users = folder / "users"
        users.write_text(f"{USER}:{hashlib.md5(PASSWORD.encode()).hexdigest()}\n")
        users.chmod(0o644)
        file = folder / "squid.conf"
        helper = next(Path("/usr/lib").rglob("basic_ncsa_auth"))
        file.write_text(_SQUID.format(port=port, folder=folder, helper=helper))
        with _started([str(SQUID), "-f", str(file), "-N"], port, folder) as peer:
            yield peer
