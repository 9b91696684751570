"""What a Bayt client does: prompts one by one, in lists, and the files that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock import (
    UNSET,
    AsyncItemPages,
    Colour,
    Cursor,
    ItemPages,
    RequestOptions,
    Resource,
    operation,
    streaming_as,
)
from penstock.clients.bayt.contexts import DownloadURL
from penstock.clients.bayt.errors import BaytAPIError, BaytValidationError, storage_error
from penstock.clients.bayt.naming import checked_package_name
from penstock.clients.bayt.prompts import Prompt, PromptPage

if TYPE_CHECKING:
    from penstock import Page, PageRequest

_MOST = 100  # prompts on a page (Bayt's documentation of `list_prompts`)
_DOWNLOAD_URL = "/api/v1/prompts/context/download-url"
_BY_CURSOR = Cursor("cursor")
_WHILE_MORE = Cursor("cursor", more="hasMore")

Options = RequestOptions | Mapping[str, Any] | None
"""What `request_options=` takes: an object, or a dict of its fields."""


class Operations(Resource[Colour]):
    """The methods of a client, written once for both colours."""

    @operation
    async def get_prompt(self, package_name: str, *, request_options: Options = None) -> Prompt:
        """Fetch a prompt.

        Args:
            package_name: Its name: `@namespace/slug:version`.
            request_options: What this call overrides.

        Raises:
            BaytValidationError: It is not a package name; nothing was sent.
            BaytNotFoundError: There is no such prompt.
            BaytAuthError: The key is wrong, or may not see it.
            BaytRateLimitError: Too many requests, and the retries are used up.
            BaytAPIError: The call failed in another way.
        """
        return await self._fetch(
            Prompt,
            "POST",
            "/v1/prompts/get",
            json={"package_name": checked_package_name(package_name)},
            operation="prompts.get",
            request_options=request_options,
        )

    @operation
    async def list_prompts(
        self, limit: int = 20, cursor: str | None = None, *, request_options: Options = None
    ) -> PromptPage:
        """List one page of the prompts the key may see.

        Args:
            limit: How many at most, 1 to 100.
            cursor: The `cursor` of the page before.
            request_options: What this call overrides.

        Returns:
            The page: `prompts`, `cursor` and `hasMore`.

        Raises:
            BaytValidationError: The limit is none of 1 to 100; nothing was sent.
            BaytAPIError: The call failed; see `get_prompt`.
        """
        return await self._fetch(
            PromptPage,
            "GET",
            "/v1/prompts",
            params=_page(limit, cursor),
            operation="prompts.list",
            request_options=request_options,
        )

    @streaming_as(ItemPages[Prompt], AsyncItemPages[Prompt])
    def iter_prompts(
        self, limit: int = _MOST, cursor: str | None = None, *, request_options: Options = None
    ) -> Any:
        """Iterate over all prompts the key may see; each page is fetched when it is needed.

        Args:
            limit: How many prompts to fetch at once, 1 to 100.
            cursor: Where to begin: the `cursor` of the page before.
            request_options: What each of the calls overrides.

        Returns:
            An iterator of prompts, async in the async client. Its `pages()` iterates over the
            pages.

        Raises:
            BaytValidationError: The limit is none of 1 to 100; nothing was sent.
            BaytAPIError: While iterating: a call failed; see `get_prompt`.
        """
        return self._pages(
            Prompt,
            "/v1/prompts",
            by=_following,
            items="prompts",
            params=_page(limit, cursor),
            operation="prompts.list",
            request_options=request_options,
        )

    @operation
    async def get_context_download_url(
        self, context_id: str, *, request_options: Options = None
    ) -> DownloadURL:
        """Ask for a URL that gives the file of a context item.

        Args:
            context_id: The item's `id`.
            request_options: What this call overrides.

        Returns:
            Its `url`, and `expiresIn`: the seconds for which it works.

        Raises:
            BaytValidationError: The item is not a file.
            BaytNotFoundError: There is no such item.
            BaytAPIError: The call failed in another way; see `get_prompt`.
        """
        return await self._download_url(context_id, request_options)

    @operation
    async def download_context_file(
        self, context_id: str, *, request_options: Options = None
    ) -> bytes:
        """Download the file of a context item.

        The storage it is fetched from learns nothing of the client: neither key nor headers. A
        timeout in seconds bounds each phase of the download and not the whole.

        Args:
            context_id: The item's `id`.
            request_options: What both calls override: that for the URL, and that to the storage,
                where limits and telemetry alone hold.

        Returns:
            The file.

        Raises:
            BaytValidationError: The item is not a file.
            BaytNotFoundError: There is no such item.
            BaytAPIError: The call, or the download, failed in another way; see `get_prompt`.
        """
        link = await self._download_url(context_id, request_options)
        if not str(link.url).startswith(("https://", "http://")):
            raise BaytAPIError("Bayt gave no URL to download the file from")
        try:
            response = await self._signed(
                "GET",
                link.url,
                headers={"Accept": "*/*"},
                operation="contexts.download",
                request_options=request_options,
            )
        except BaytAPIError as error:
            raise storage_error(error) from error
        return response.content

    async def _download_url(self, context_id: str, request_options: Options) -> DownloadURL:
        return await self._fetch(
            DownloadURL,
            "GET",
            _DOWNLOAD_URL,
            params={"contextId": context_id},
            operation="contexts.download_url",
            request_options=request_options,
        )


def _page(limit: int, cursor: str | None) -> dict[str, Any]:
    """Return what asks for a page of prompts.

    Raises:
        BaytValidationError: The limit cannot be.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _MOST:
        msg = f"limit must be a whole number from 1 to {_MOST}, not {limit!r}"
        raise BaytValidationError(msg)
    return {"limit": limit, "cursor": cursor} if cursor else {"limit": limit}


def _following(page: Page[Any]) -> PageRequest | None:
    """Return what asks for the next page. Where a body has `hasMore`, it decides."""
    return (_BY_CURSOR if page.field("hasMore") is UNSET else _WHILE_MORE)(page)
