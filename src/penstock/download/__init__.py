"""Downloads: a body straight into a file, whole or not there, going on where it broke off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.detached import DetachedResponse
from penstock.download.part import Part
from penstock.download.saving import Saving, blocking
from penstock.errors import InvalidOption, status_error
from penstock.progress import reporting

if TYPE_CHECKING:
    import os

    from penstock.base import BaseClient
    from penstock.progress import Progress


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded.

    Attributes:
        path: Where it is.
        size: Its bytes.
        resumed_from: How many of them were there before the last attempt; 0 if it brought them all.
        response: The last response's status, headers and URL, redacted.
    """

    path: Path
    size: int
    resumed_from: int
    response: DetachedResponse


async def download(
    client: BaseClient,
    url: Any,
    path: str | os.PathLike[str],
    call: Any,
    *,
    resume: bool,
    progress: Progress,
) -> Download:
    """Do what `Client.download` says, in either colour."""
    if any(name.lower() in {"range", "if-range"} for name in call.get("headers") or ()):
        msg = "a download asks for its ranges itself: leave Range and If-Range out"
        raise InvalidOption(msg)
    part = Part(Path(path))
    try:
        await blocking(client.runtime, lambda: part.open(resume=resume))
        with reporting(progress, part.target.name, in_bytes=True) as report:
            saving = Saving(part, report)
            view = client.with_options(stack=saving.into)
            given = {**call, "raise_for_status": True}
            response = await view._send("GET", url, given, stream=True)
            facts = DetachedResponse(
                response,
                b"",
                method="GET",
                url=response.request.url,
                secrets=client._scope.secrets,
            )
            if not saving.saved:  # a stack that raises nothing, or a status without a file
                await client.runtime.close(response)
                raise status_error(facts)
            await blocking(client.runtime, part.finish)
        return Download(part.target, part.size, saving.begun_at, facts)
    finally:
        part.close()
