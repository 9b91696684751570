"""The laws of a copy of a request, which every attempt and every signed send is."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest

from penstock import copy_request

URL = "https://api.example.com/v1/things?page=2"
BODIES: list[dict[str, Any]] = [{}, {"json": {"a": 1}}, {"content": [b"a", b"b"]}]


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def http(request: pytest.FixtureRequest) -> Any:
    """The family whose requests are copied."""
    return request.param


@pytest.mark.parametrize("body", BODIES, ids=["none", "bytes", "stream"])
def test_a_copy_has_all_a_request_has(http: Any, body: dict[str, Any]) -> None:
    """A copy has every attribute of a family's request, equal to the original's."""
    request = http.Request("PUT", URL, headers=[("X-Twice", "1"), ("X-Twice", "2")], **body)
    request.extensions = {"timeout": {"read": 1.0}, "trace": print}
    assert vars(copy_request(request)) == vars(request)
    assert type(copy_request(request)) is type(request)


def test_a_copy_shares_its_body_alone(http: Any) -> None:
    """What is done to a copy's headers, extensions and limits is not done to the original."""
    request = http.Request(
        "POST", URL, content=b"body", headers=http.Headers({"X-One": "é"}, "utf-8")
    )
    request.extensions = {"timeout": {"read": 1.0}}
    kept = request.headers.raw
    copy = copy_request(request)
    copy.headers["X-One"] = "2"
    copy.extensions["timeout"]["read"] = 2.0
    copy.extensions["more"] = 3
    assert request.headers.raw == kept
    assert request.extensions == {"timeout": {"read": 1.0}}
    assert copy.stream is request.stream
