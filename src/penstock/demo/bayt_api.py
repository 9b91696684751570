"""Bayt's prompts: one by its name, all by pages, and the URLs of the files that belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.demo.fields import whole_number
from penstock.demo.responses import APIError, DemoResponse, json_response
from penstock.demo.signed import EXPIRES_IN, signed_url

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

_FILE = {
    "id": "ctx_demo_1",
    "type": "file",
    "label": "Turbines",
    "fileName": "turbines.txt",
    "fileSize": 22,
    "mimeType": "text/plain",
    "createdAt": 1_760_000_000_000,
}
_LINK = {"id": "ctx_demo_2", "type": "url", "url": "https://example.com/water"}


def _prompt(number: int, slug: str, version: str, content: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"pmt_demo_{number}",
        "title": slug.capitalize(),
        "content": content,
        "description": f"The prompt for {slug}",
        "category": "demo",
        "workspaceSlug": "demo",
        "packageName": slug,
        "version": version,
        "context": [],
        **more,
    }


PROMPTS = (
    _prompt(
        1,
        "support",
        "v1",
        "Answer {{question}} in {{tone:string // how to sound}}.",
        systemPrompt="You work for {{company}}.",
        critiquePrompt="Is the answer kind?",
        context=[_FILE, _LINK],
    ),
    _prompt(2, "sales", "v2", "Praise {{product}}."),
    _prompt(3, "legal", "v0", "Sum up {{contract}}."),
)


def _names(prompt: dict[str, Any]) -> tuple[str, str]:
    name = f"@{prompt['workspaceSlug']}/{prompt['packageName']}"
    return name, f"{name}:{prompt['version']}"


def get(request: DemoRequest) -> DemoResponse:
    """Give the prompt of a package name, with or without its version."""
    name = request.fields().text("package_name")
    for prompt in PROMPTS:
        if name in _names(prompt):
            return json_response(prompt)
    raise APIError(404, f"There is no prompt {name}", param="package_name", code="not_found")


def every(request: DemoRequest) -> DemoResponse:
    """Give the prompts past `cursor`, at most `limit`, with the cursor of the next page or null."""
    limit = whole_number(request.param("limit") or "20", "limit", low=1, high=100)
    cursor = (request.param("cursor") or "after-0").removeprefix("after-")
    start = whole_number(cursor, "cursor", low=0, high=len(PROMPTS))
    end = start + limit
    more = end < len(PROMPTS)
    following = f"after-{end}" if more else None
    return json_response({"prompts": PROMPTS[start:end], "cursor": following, "hasMore": more})


def download_url(request: DemoRequest) -> DemoResponse:
    """Give a signed URL for the file of a context item."""
    item_id = request.param("contextId")
    if item_id == _LINK["id"]:
        raise APIError(400, f"{item_id} is not a file", param="contextId", code="not_a_file")
    if item_id != _FILE["id"]:
        message = f"There is no context item {item_id}"
        raise APIError(404, message, param="contextId", code="not_found")
    url = signed_url(request, str(_FILE["fileName"]))
    return json_response({"url": url, "expiresIn": EXPIRES_IN})
