"""The results file: a line for each request that was answered, in OpenAI's batch format.

A run that is started again sends only what is missing: what was answered below 400 is finished.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.call import CALL
from penstock.detached import DetachedResponse, request_id_of
from penstock.errors import InvalidOption, StatusError
from penstock.lines import one_line
from penstock.locked_file import PERMISSIONS, naming, open_locked, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.bulk.results import BulkResult

_FIRST_ERROR = 400  # RFC 9110 §15
_JSON = "application/json"


class Recorder:
    """Writes results to a file as they come, and knows those that are there.

    Lines of requests that failed, and one that was torn by the end of a run, are taken out when it
    is opened: they are sent again.

    Args:
        path: The file.

    Raises:
        InvalidOption: It holds something else than results, is a link or no regular file, or
            somebody else writes to it.
        OSError: It cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._places: dict[str, tuple[int, int]] = {}
        self._file = open_locked(self._path, "run")
        try:
            with naming(self._path):
                if not self._index():
                    self._compact()
                self._file.seek(0, os.SEEK_END)
        except BaseException:
            self._file.close()
            raise

    def __contains__(self, id: str) -> bool:
        return id in self._places

    def record(self, id: str) -> dict[str, Any]:
        """Return the line of a finished request, parsed."""
        place, size = self._places[id]
        with self._lock, naming(self._path):
            self._file.seek(place)
            line = self._file.read(size)
            self._file.seek(0, os.SEEK_END)
        record: dict[str, Any] = json.loads(line)
        return record

    def write(self, result: BulkResult) -> None:
        """Add the line of a request that was sent."""
        line = line_of(result)
        with self._lock:
            write_whole(self._file, line, self._path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _index(self) -> bool:
        """Find the finished requests, and tell whether there is nothing but those."""
        self._places.clear()
        clean = True
        for place, line, named in self._lines():
            if named is None:
                clean = False
                continue
            clean = clean and named not in self._places
            self._places[named] = place, len(line)
        return clean

    def _lines(self) -> Iterator[tuple[int, bytes, str | None]]:
        """Give each line with its place, and its id if it is of a finished request."""
        self._file.seek(0)
        place = 0
        with open(os.dup(self._file.fileno()), "rb") as reader:  # noqa: PTH123 - it has no path
            for number, line in enumerate(reader, 1):
                if line.strip():
                    yield place, line, self._finished(line, number)
                place += len(line)

    def _finished(self, line: bytes, number: int) -> str | None:
        try:
            record = json.loads(line)
            named, response = record["custom_id"], record["response"]
            is_finished = response is not None and response["status_code"] < _FIRST_ERROR
        except (ValueError, TypeError, KeyError, RecursionError):
            if line.endswith(b"\n"):
                msg = f"line {number} of {self._path} is no result: give a file of its own"
                raise InvalidOption(msg) from None
            return None  # torn
        return named if is_finished and isinstance(named, str) and line.endswith(b"\n") else None

    def _compact(self) -> None:
        """Keep only the finished requests, the last line of each: all at once or not at all."""
        new = self._path.with_name(self._path.name + ".penstock-new")
        try:
            self._write_finished(new)
            if os.name == "nt":
                self._file.close()
            new.replace(self._path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        self._file.close()
        self._file = open_locked(self._path, "run")
        self._index()

    def _write_finished(self, new: Path) -> None:
        with naming(new), new.open("wb") as file:
            new.chmod(os.fstat(self._file.fileno()).st_mode & PERMISSIONS)
            for place, line, named in self._lines():
                if named is not None and self._places[named][0] == place:
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())


def line_of(result: BulkResult) -> bytes:
    """Return a result as a line of a batch's output."""
    return json.dumps(_record_of(result)).encode() + b"\n"


def _record_of(result: BulkResult) -> dict[str, Any]:
    """Return a result as such a line has it: a failure without a response is an `error`."""
    digest = hashlib.sha256(result.id.encode("utf-8", "replace")).hexdigest()
    response: Any = result.response
    error = result.error
    if isinstance(error, StatusError):
        response, error = error.response, None
    return {
        "id": f"batch_req_{digest[:24]}",
        "custom_id": result.id,
        "response": None if response is None else _response_record(response),
        "error": None if error is None else {"code": type(error).__name__, "message": str(error)},
    }


def response_of(record: dict[str, Any], http: Any) -> Any:
    """Return the response a line tells of.

    Args:
        record: The line, parsed.
        http: The family's module.
    """
    told = record["response"]
    kind = told.get("content_type")
    if "body_base64" in told:
        content = base64.b64decode(told["body_base64"])
    elif isinstance(told.get("body"), str) and not _is_json(kind):
        content = told["body"].encode("utf-8", "surrogatepass")
    else:
        content = json.dumps(told.get("body")).encode()
    # In bytes, since a server may have sent what is not ASCII.
    headers = {} if kind is None else {"Content-Type": kind.encode()}
    if told.get("request_id"):
        headers["x-request-id"] = told["request_id"].encode()
    return http.Response(told["status_code"], headers=headers, content=content)


def _response_record(response: Any) -> dict[str, Any]:
    kind = response.headers.get("content-type")
    told: dict[str, Any] = {
        "status_code": response.status_code,
        "request_id": _request_id_of(response),
        "content_type": kind,
    }
    if _is_json(kind):
        try:
            # What the file holds must be JSON for everybody: NaN is none.
            body = json.loads(response.content, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass
        else:
            return {**told, "body": body}
    try:
        text = response.content.decode()
    except UnicodeDecodeError:
        return {**told, "body_base64": base64.b64encode(response.content).decode()}
    return {**told, "content_type": kind if not _is_json(kind) else "text/plain", "body": text}


def _request_id_of(response: Any) -> str | None:
    """Return the server's id for the request as an error shows it."""
    secrets = ()
    if not isinstance(response, DetachedResponse):  # which has none left
        call = response.request.extensions.get(CALL)
        secrets = () if call is None else call.scope.secrets
    named = request_id_of(response.headers, secrets)
    return None if named is None else one_line(named)


def _is_json(kind: str | None) -> bool:
    media = (kind or "").partition(";")[0].strip().lower()
    return media == _JSON or media.endswith("+json")


def _refuse(constant: str) -> None:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)
