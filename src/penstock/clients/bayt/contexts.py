"""Files and URLs that belong to prompts."""

from __future__ import annotations

from penstock import safe_url
from penstock.clients.bayt.model import BaytModel


class ContextItem(BaytModel):
    """A file or a URL that belongs to a prompt. What its type does not have is None.

    Attributes:
        label: What its author calls it.
    """

    __slots__ = ()

    label: str | None

    @property
    def id(self) -> str:
        """Names it to `download_context_file`."""
        return self._text("id")

    @property
    def type(self) -> str:
        """`file` or `url`."""
        return self._text("type", "url")

    @property
    def created_at(self) -> int | None:
        """When it was made, in milliseconds since the epoch."""
        return self._data.get("createdAt")

    @property
    def url(self) -> str | None:
        """The URL, of a URL."""
        return self._data.get("url") if self.is_url() else None

    @property
    def url_fetched_at(self) -> int | None:
        """When Bayt last fetched the URL, in milliseconds since the epoch."""
        return self._data.get("urlFetchedAt") if self.is_url() else None

    @property
    def file_name(self) -> str | None:
        """The file's name."""
        return self._data.get("fileName") if self.is_file() else None

    @property
    def file_size(self) -> int | None:
        """The file's size in bytes."""
        return self._data.get("fileSize") if self.is_file() else None

    @property
    def mime_type(self) -> str | None:
        """The file's media type."""
        return self._data.get("mimeType") if self.is_file() else None

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return self.type == "file"

    def is_url(self) -> bool:
        """Tell whether it is a URL."""
        return self.type == "url"

    def __repr__(self) -> str:
        if self.is_file():
            return f"<ContextItem type='file' name={self.file_name!r} size={self.file_size}>"
        return f"<ContextItem type='url' url={safe_url(self.url or '')!r}>"

    def __str__(self) -> str:
        if self.label:
            return f"{self.label} ({self.type})"
        return (self.file_name or "Untitled file") if self.is_file() else self.url or "Untitled URL"


class DownloadURL(BaytModel):
    """A URL that gives a file to whoever has it. It does not show in a repr.

    Attributes:
        url: The URL.
    """

    __slots__ = ()

    url: str

    @property
    def expires_in(self) -> float | None:
        """Seconds for which it works: `expiresIn`."""
        return self._data.get("expiresIn")

    def __repr__(self) -> str:
        return f"<DownloadURL {safe_url(self.url or '')!r}, expires in {self.expires_in} s>"
