"""The lines of a batch's input: OpenAI's format, a request each."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from penstock.bulk import BulkRequest
from penstock.cli.choices import standard_input

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXTS = ("custom_id", "method", "url")


@contextmanager
def opened(source: str) -> Iterator[IO[bytes]]:
    """Open a batch's input so that it can be read twice: what comes from a pipe is kept meanwhile.

    Args:
        source: Its path; `-` is standard input.
    """
    with ExitStack() as stack:
        file: IO[bytes]
        file = standard_input() if source == "-" else stack.enter_context(Path(source).open("rb"))
        if source == "-" or not file.seekable():
            kept = stack.enter_context(TemporaryFile())
            shutil.copyfileobj(file, kept)
            file = kept
        yield file


def count_checked(file: IO[bytes], source: str, base_url: str | None) -> int:
    """Return how many requests a file has.

    Args:
        file: From `opened`.
        source: Its path, for the error.
        base_url: What their paths are below, or None.

    Raises:
        click.UsageError: A line is no request, two have one id, or one has a path that is below
            nothing. The message names the line and quotes nothing of it.
    """
    seen: dict[str, int] = {}
    for number, line in _lines(file):
        try:
            request = _parsed(line)
        except ValueError as error:
            raise click.UsageError(f"{source}, line {number}: {error}") from None
        earlier = seen.setdefault(request["custom_id"], number)
        if earlier != number:
            raise click.UsageError(f"{source}, line {number}: its custom_id is that of {earlier}")
        if base_url is None and not urlsplit(request["url"]).scheme:
            wrong = "its url is a path, and there is no base URL: pass --base-url"
            raise click.UsageError(f"{source}, line {number}: {wrong}")
    return len(seen)


class Requests:
    """The requests of a file that was checked, read as they are sent.

    Args:
        file: From `opened`.
        base_url: What their paths are below, or None.
        total: How many there are.
    """

    def __init__(self, file: IO[bytes], base_url: str | None, total: int) -> None:
        self._file = file
        self._base_path = urlsplit(base_url or "").path.rstrip("/")
        self._total = total

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[BulkRequest]:
        # What was added since they were counted, such as their own results, is none of them.
        for _, line in islice(_lines(self._file), self._total):
            request = _parsed(line)
            url = _below(self._base_path, request["url"])
            body = {} if request.get("body") is None else {"json": request["body"]}
            yield BulkRequest(request["method"], url, id=request["custom_id"], **body)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except json.JSONDecodeError as error:
        wrong = f"not JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        wrong = f"not JSON: {type(error).__name__}"
    else:
        if not isinstance(request, dict):
            wrong = "not an object"
        else:
            missing = [
                it for it in _TEXTS if not isinstance(request.get(it), str) or not request[it]
            ]
            if not missing:
                return request
            wrong = f"{' and '.join(missing)} must be text"
    raise ValueError(wrong)


def _below(base_path: str, url: str) -> str:
    """Return a URL of the batch format as a path below the base URL.

    In that format a path begins with the API's version; so does, usually, the base URL end.
    """
    version = base_path.rpartition("/")[2]
    return url.removeprefix(f"/{version}") if version and url.startswith(f"/{version}/") else url
