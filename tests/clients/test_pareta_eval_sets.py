"""`evals.sets`: rows of one's own, and the documents in them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock.clients.pareta import APIConnectionError, APITimeoutError, EvalSet, ParetaError
from penstock.clients.pareta.eval_sets import INLINE_BELOW
from penstock.testing import Reply, Script

from .pareta_support import KEY, Rig, parts_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"text": "Grüße"}, {"text": "b", "n": 1}]
SET = {"eval_set": {"id": "es_1", "task_id": "t1", "name": "mine", "item_count": 2}}
SIGNED = "https://storage.example.com/bucket/doc?X-Amz-Signature=secret123"
TICKET = {"upload_url": SIGNED, "storage_uri": "s3://bucket/doc"}
LARGE = b"x" * INLINE_BELOW


def upload(client: Any, file: Any, **more: Any) -> Any:
    """Put a document into the first row."""
    return client.evals.sets.upload_document("es_1", file, idx=0, field_name="doc", **more)


def test_rows_travel_as_json_lines(colour: Any) -> None:
    """A set is made by one multipart request: the rows as a file, task and name as fields."""
    rig = Rig(colour, SET)
    made = rig.run(lambda client: client.evals.sets.create(task="t1", items=ROWS, name="mine"))
    assert isinstance(made, EvalSet)
    assert (made.id, made.task_id, made.name, made.item_count, made.scoring_strategy) == (
        "es_1",
        "t1",
        "mine",
        2,
        None,
    )
    assert rig.sent == ["POST /v1/eval-sets"]
    lines = "\n".join(json.dumps(row) for row in ROWS).encode()
    assert parts_of(rig.script) == {
        "task_id": (None, None, b"t1"),
        "name": (None, None, b"mine"),
        "items": ("items.t1.jsonl", "application/jsonl", lines),
    }


def test_a_set_without_a_name_says_how_large_it_is(colour: Any) -> None:
    """The name is made of the number of rows, and rows may come from any iterable."""
    rig = Rig(colour, SET)
    rows = (row for row in ROWS)
    rig.run(lambda client: client.evals.sets.create(task="t1", items=rows))
    assert parts_of(rig.script)["name"][2] == b"sdk eval set (2 items)"


def test_a_multipart_request_is_tried_again_whole(colour: Any) -> None:
    """A repeat sends the same parts."""
    rig = Rig(colour, 503, SET)
    rig.run(lambda client: client.evals.sets.create(task="t1", items=ROWS))
    assert rig.script.bodies[0] == rig.script.bodies[1]
    assert parts_of(rig.script, 1)["task_id"][2] == b"t1"


@pytest.mark.parametrize("given", [{"task": "t1", "items": []}, {"task": "", "items": ROWS}])
def test_a_set_needs_a_task_and_rows(given: Any, colour: Any) -> None:
    """Without a task or rows nothing is sent."""
    rig = Rig(colour)
    with pytest.raises(ValueError, match="must not be empty"):
        rig.run(lambda client: client.evals.sets.create(**given))
    assert rig.sent == []


def test_sets_are_listed_looked_up_and_deleted(colour: Any) -> None:
    """Each comes out of its envelope; deleting returns nothing."""
    rig = Rig(colour, {"eval_sets": [{"id": "es_1"}]}, SET, Reply(204), {})
    assert [s.id for s in rig.run(lambda client: client.evals.sets.list())] == ["es_1"]
    assert rig.run(lambda client: client.evals.sets.retrieve("es_1")).name == "mine"
    assert rig.run(lambda client: client.evals.sets.delete("es_1")) is None
    assert rig.run(lambda client: client.evals.sets.retrieve("es_2")).id is None
    assert rig.sent == [
        "GET /v1/eval-sets",
        "GET /v1/eval-sets/es_1",
        "DELETE /v1/eval-sets/es_1",
        "GET /v1/eval-sets/es_2",
    ]


def test_a_small_document_goes_along(colour: Any) -> None:
    """Below 5 MiB a document is a part of one request."""
    rig = Rig(colour, {"ok": True})
    content = LARGE[:-1]
    assert rig.run(lambda client: upload(client, content, mime="image/png")) == {"ok": True}
    assert rig.sent == ["POST /v1/eval-sets/es_1/attach-blob"]
    assert parts_of(rig.script) == {
        "idx": (None, None, b"0"),
        "field_name": (None, None, b"doc"),
        "mime": (None, None, b"image/png"),
        "file": ("upload", "image/png", content),
    }


def test_a_large_document_goes_to_the_storage(colour: Any) -> None:
    """From 5 MiB on a URL is asked for, the bytes are put there, and Pareta is told."""
    rig = Rig(colour, TICKET, Reply(201), {"ok": True})
    assert rig.run(lambda client: upload(client, LARGE)) == {"ok": True}
    assert rig.sent == [
        "POST /v1/eval-sets/es_1/blob-upload-url",
        "PUT /bucket/doc?X-Amz-Signature=secret123",
        "POST /v1/eval-sets/es_1/blob-upload-complete",
    ]
    place = {"idx": 0, "field_name": "doc", "mime": "application/octet-stream"}
    assert rig.body(0) == {**place, "file_size": INLINE_BELOW}
    assert rig.body(2) == {**place, "storage_uri": "s3://bucket/doc"}
    put = rig.script.requests[1]
    assert (put.url.host, rig.script.bodies[1]) == ("storage.example.com", LARGE)
    assert put.headers["content-type"] == "application/octet-stream"
    assert put.headers["content-length"] == str(INLINE_BELOW)


@pytest.mark.parametrize("host", ["storage.example.com", "api.pareta.ai"])
@pytest.mark.parametrize(
    "over", [{}, {"request_options": {"api_key": KEY, "headers": {"X-A": KEY}}}]
)
@pytest.mark.parametrize("own_client", [False, True])
def test_the_storage_gets_none_of_our_credentials(
    host: str, over: Any, own_client: bool, colour: Any
) -> None:
    """Neither key nor headers of client and call go to the signed URL, at whatever origin it is."""
    ticket = TICKET | {"upload_url": f"https://{host}/doc?signature=s"}
    script = Script([ticket, 200, {"ok": True}])
    options: dict[str, Any] = {"headers": {"X-Api-Key": KEY}, "params": {"k": KEY}}
    if own_client:
        kind: Any = httpx.AsyncClient if colour.is_async else httpx.Client
        options["http_client"] = kind(transport=script, auth=("user", KEY))
    else:
        options["transport"] = script
    Rig(colour, **options).run(lambda client: upload(client, LARGE, **over))
    sent = f"{script.requests[1].url} {script.requests[1].headers.raw}"
    assert KEY not in sent
    assert "authorization" not in script.requests[1].headers
    assert script.requests[2].headers["authorization"] == f"Bearer {KEY}"


def test_the_storage_has_ten_minutes(colour: Any) -> None:
    """An upload may take 600 seconds an attempt, or what the call says."""
    slow = Reply(200, delay=590.0)
    rig = Rig(colour, TICKET, slow, {"ok": True})
    assert rig.run(lambda client: upload(client, LARGE)) == {"ok": True}
    rig = Rig(colour, TICKET, slow, {"ok": True}, max_retries=0)
    error = rig.error(lambda client: upload(client, LARGE, request_options={"timeout": 60.0}))
    assert type(error) is APITimeoutError


def test_an_upload_is_tried_again_and_may_fail(colour: Any) -> None:
    """The PUT is repeated like any request; the error of a refusal shows no signature."""
    rig = Rig(colour, TICKET, 503, httpx.ReadError("reset"), 200, {"ok": True})
    assert rig.run(lambda client: upload(client, LARGE)) == {"ok": True}
    rig = Rig(colour, TICKET, Reply(403, text="<Error>expired</Error>"))
    error = rig.error(lambda client: upload(client, LARGE))
    assert (type(error), error.message) == (ParetaError, "blob upload PUT failed: 403")
    assert "secret123" not in f"{error} {error.__cause__} {vars(error)}"
    rig = Rig(colour, TICKET, httpx.ConnectError("refused"), max_retries=0)
    assert type(rig.error(lambda client: upload(client, LARGE))) is APIConnectionError


def test_a_ticket_must_say_where(colour: Any) -> None:
    """An answer without the URL is an error of Pareta's, and nothing is uploaded."""
    rig = Rig(colour, {"storage_uri": "s3://b"})
    error = rig.error(lambda client: upload(client, LARGE))
    assert error.message == "the body has no upload_url and storage_uri"
    assert len(rig.sent) == 1


def test_a_document_may_be_a_path_or_a_file(tmp_path: Path, colour: Any) -> None:
    """Name and media type come from the file, wherever it is; a given media type wins."""
    path = tmp_path / "contract.pdf"
    path.write_bytes(b"%PDF")
    unnamed = io.BytesIO(b"\x89PNG")
    text = io.StringIO("grün")
    with path.open("rb") as opened:
        opened.seek(1)
        given: list[tuple[Any, Any]] = [
            (path, ("contract.pdf", "application/pdf", b"%PDF")),
            (str(path), ("contract.pdf", "application/pdf", b"%PDF")),
            (opened, ("contract.pdf", "application/pdf", b"PDF")),
            (unnamed, ("upload", "application/octet-stream", b"\x89PNG")),
            (text, ("upload", "application/octet-stream", "grün".encode())),
            (bytearray(b"raw"), ("upload", "application/octet-stream", b"raw")),
        ]
        for file, part in given:
            rig = Rig(colour, {})
            rig.run(lambda client, file=file: upload(client, file))
            assert parts_of(rig.script)["file"] == part


def test_what_is_no_document_is_refused(tmp_path: Path, colour: Any) -> None:
    """What cannot be read is an error before anything is sent."""
    rig = Rig(colour)
    with pytest.raises(TypeError, match="file must be a path, bytes or an open file, not int"):
        rig.run(lambda client: upload(client, 3))
    with pytest.raises(FileNotFoundError):
        rig.run(lambda client: upload(client, tmp_path / "nothing.pdf"))
    assert rig.sent == []
