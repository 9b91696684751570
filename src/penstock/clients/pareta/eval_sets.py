"""`evals.sets`: rows of one's own to evaluate models on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from penstock import Colour, operation, plain
from penstock.clients.pareta.documents import Document, Readable, read_document
from penstock.clients.pareta.errors import APIStatusError, ParetaError
from penstock.clients.pareta.eval_objects import EvalSet
from penstock.clients.pareta.resource import Options, ParetaResource, path_to

if TYPE_CHECKING:
    import builtins

INLINE_BELOW = 5 * 1024 * 1024
"""Bytes: what Pareta takes in a request of its own; what is larger goes to the storage."""

UPLOAD_TIMEOUT = 600.0
"""Seconds that one attempt to send a document to the storage may take."""

_PATH = "/v1/eval-sets"

Rows = Iterable[Mapping[str, Any]]


class EvalSets(ParetaResource[Colour]):
    """`client.evals.sets`."""

    @operation
    async def create(
        self, *, task: str, items: Rows, name: str | None = None, request_options: Options = None
    ) -> EvalSet:
        """Make an eval set of rows.

        Args:
            task: The task the rows are of.
            items: The rows, as the task's schema has them.
            name: What to call the set; named after the number of rows unless given.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: There is no task, or there are no rows.
            BadRequestError: A row is not as the schema has it.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._make(task, items, name, request_options)

    @operation
    async def list(self, *, request_options: Options = None) -> builtins.list[EvalSet]:
        """List the eval sets of the organization.

        Args:
            request_options: See `penstock.RequestOptions`.

        Raises:
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._many(
            EvalSet,
            _PATH,
            below="eval_sets",
            operation="evals.sets.list",
            request_options=request_options,
        )

    @operation
    async def retrieve(self, eval_set_id: str, *, request_options: Options = None) -> EvalSet:
        """Return an eval set.

        Args:
            eval_set_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such set.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._look_up(eval_set_id, request_options)

    @operation
    async def delete(self, eval_set_id: str, *, request_options: Options = None) -> None:
        """Delete an eval set.

        Args:
            eval_set_id: Its id.
            request_options: See `penstock.RequestOptions`.

        Raises:
            ValueError: The id is empty.
            NotFoundError: There is no such set.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        await self._request(
            "DELETE",
            path_to(_PATH, eval_set_id),
            operation="evals.sets.delete",
            request_options=request_options,
        )

    @operation
    async def upload_document(
        self,
        eval_set_id: str,
        file: Readable,
        *,
        idx: int,
        field_name: str,
        mime: str | None = None,
        request_options: Options = None,
    ) -> Any:
        """Put a document into a field of a row.

        Below 5 MiB it goes along in one request. Larger ones go straight to the storage, at a
        signed URL that Pareta gives out for it: without the key and the client's headers.

        Args:
            eval_set_id: The set.
            file: The document: a path, its bytes, or a file that is open.
            idx: The row, 0 the first.
            field_name: The field.
            mime: Its media type, guessed by the file's name unless given.
            request_options: For each of the requests; to the storage its limits alone. See
                `penstock.RequestOptions`.

        Returns:
            What the server says, as JSON.

        Raises:
            ValueError: The id is empty.
            TypeError: *file* is nothing that can be read.
            OSError: The file cannot be read.
            NotFoundError: There is no such set.
            ParetaError: The storage refused.
            APIStatusError: Pareta refused.
            APIConnectionError: The wire failed.
        """
        path = path_to(_PATH, eval_set_id)
        document = await self.runtime.call(
            lambda: read_document(file, mime),
            lambda: anyio.to_thread.run_sync(read_document, file, mime),
        )
        call = {"operation": "evals.sets.upload_document", "request_options": request_options}
        place = {"idx": idx, "field_name": field_name, "mime": document.mime}
        if len(document.content) < INLINE_BELOW:
            return await self._data(
                "POST",
                f"{path}/attach-blob",
                files={"file": tuple(document)},
                data={**place, "idx": str(idx)},
                **call,
            )
        size = {"file_size": len(document.content)}
        ticket = await self._with_fields(
            "upload_url",
            "storage_uri",
            method="POST",
            path=f"{path}/blob-upload-url",
            json=place | size,
            **call,
        )
        await self._store(ticket["upload_url"], document, request_options)
        stored = place | {"storage_uri": ticket["storage_uri"]}
        return await self._data("POST", f"{path}/blob-upload-complete", json=stored, **call)

    async def _store(self, url: str, document: Document, request_options: Options) -> None:
        """Send a document to the storage."""
        try:
            await self._signed(
                "PUT",
                url,
                content=document.content,
                headers={"Accept": "*/*", "Content-Type": document.mime},
                timeout=UPLOAD_TIMEOUT,
                operation="evals.sets.upload_document",
                request_options=request_options,
            )
        except APIStatusError as error:  # the storage's, and no word of Pareta's
            msg = f"blob upload PUT failed: {error.status_code}"
            raise ParetaError(msg) from error

    async def _make(
        self, task: str, items: Rows, name: str | None, request_options: Options
    ) -> EvalSet:
        rows = [json.dumps(plain(item)) for item in items]
        if not task or not rows:
            msg = "task and items are required and must not be empty"
            raise ValueError(msg)
        return await self._one(
            EvalSet,
            "POST",
            _PATH,
            below="eval_set",
            files={"items": (f"items.{task}.jsonl", "\n".join(rows).encode(), "application/jsonl")},
            data={"task_id": task, "name": name or f"sdk eval set ({len(rows)} items)"},
            operation="evals.sets.create",
            request_options=request_options,
        )

    async def _look_up(self, eval_set_id: str, request_options: Options) -> EvalSet:
        return await self._one(
            EvalSet,
            "GET",
            path_to(_PATH, eval_set_id),
            below="eval_set",
            operation="evals.sets.retrieve",
            request_options=request_options,
        )
