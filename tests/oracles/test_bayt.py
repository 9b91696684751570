"""Bayt's own package and ours, asked the same and answered the same, do the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from baytos import claro
from baytos.claro import client as their_module
from baytos.claro import utils as their_utils

from penstock.clients import bayt
from penstock.testing import VirtualClock

from .bayt_server import BASE, Answer, Asked, Playing, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Colour

KEY = "sk_" + "a1" * 20
HEADERS = {"X-App-Version": "1.2.3"}

PROMPT: dict[str, Any] = {
    "id": "pmt_1",
    "title": "Support",
    "content": "Answer {{question}} {{count:number // how many}} {{tags:array}} {{question}}",
    "systemPrompt": "You are {{persona:string}}.",
    "critiquePrompt": "",
    "description": "Answers customers",
    "category": "support",
    "workspaceSlug": "workspace",
    "packageName": "support",
    "version": "v1",
    "tags": ["a"],
    "context": [
        {"id": "1", "type": "file", "label": "FAQ", "fileName": "faq.pdf", "fileSize": 5,
         "mimeType": "application/pdf", "createdAt": 17},
        {"id": "2", "type": "url", "url": "https://kb.example.com/", "urlFetchedAt": 17},
        {"id": "3", "type": "file"},
        {"id": "4"},
    ],
}  # fmt: skip
DRAFT = {"id": 7, "title": None, "workspaceSlug": "w", "packageName": "p", "systemPrompt": "s"}
WRITTEN = {**PROMPT, "versionContent": {"content": "{{a}}", "systemPrompt": "{{b:bool}}"}}

ATTRIBUTES = [
    "id",
    "title",
    "content",
    "generator",
    "system",
    "critique",
    "description",
    "category",
    "namespace",
    "slug",
    "version",
    "is_draft",
    "package_name",
    "version_content",
]
METHODS = [
    "has_context",
    "has_system_prompt",
    "has_critique_prompt",
    "extract_variables",
    "to_dict",
    "keys",
    "__repr__",
    "__str__",
]
OF_AN_ITEM = [
    "id",
    "type",
    "label",
    "created_at",
    "url",
    "url_fetched_at",
    "file_name",
    "file_size",
    "mime_type",
]
METHODS_OF_AN_ITEM = ["is_file", "is_url", "to_dict", "__str__"]


class Case(NamedTuple):
    """A call, and what the server answers.

    Attributes:
        method: The method of the client.
        arguments: Its arguments.
        answers: What the server answers.
        max_retries: How often the client may try again.
    """

    method: str
    arguments: tuple[Any, ...]
    answers: list[Answer]
    max_retries: int = 0


LINK = {"url": f"{BASE}/files/faq.pdf?signature=s", "expiresIn": 3600}
BUSY = Answer(429)
WORDS = "no such luck"
NOT_A_FILE = "Context is not a file"
DOWNLOAD = ("download_context_file", ("ctx_1",))
URL = ("get_context_download_url", ("ctx 1",))
GET = ("get_prompt", ("@workspace/support:v1",))

CASES = {
    "a prompt": Case(*GET, [Answer(body=PROMPT)]),
    "a prompt without a version": Case("get_prompt", ("@a/b",), [Answer(body=DRAFT)]),
    "the first page": Case("list_prompts", (), [Answer(body={"prompts": [PROMPT, DRAFT]})]),
    "another page": Case(
        "list_prompts",
        (100, "c/2"),
        [Answer(body={"prompts": [], "cursor": "c3", "hasMore": True})],
    ),
    "no cursor": Case("list_prompts", (1, ""), [Answer(body={"prompts": []})]),
    "a download URL": Case(*URL, [Answer(body=LINK)]),
    "a file": Case(*DOWNLOAD, [Answer(body=LINK), Answer(body=b"%PDF")]),
    "429 and then a prompt": Case(*GET, [BUSY, BUSY, Answer(body=PROMPT)], 3),
    "429 and then a file": Case(*DOWNLOAD, [BUSY, Answer(body=LINK), Answer(body=b"1")], 1),
    "429 until the end": Case(*GET, [BUSY] * 4, 3),
    "429 in a list": Case("list_prompts", (), [BUSY]),
    **{
        f"{status} of {call[0]}": Case(*call, [Answer(status, {"error": WORDS})])
        for status in (401, 403, 404, 418, 500, 503)
        for call in (GET, URL)
    },
    **{
        f"{status} of list_prompts": Case("list_prompts", (), [Answer(status, {"error": WORDS})])
        for status in (401, 403, 418, 500)
    },
    "404 without a body": Case(*GET, [Answer(404)]),
    "400 of a download URL": Case(*URL, [Answer(400, {"error": NOT_A_FILE})]),
    "401 of a file": Case(*DOWNLOAD, [Answer(401, {"error": "who"})]),
    "a success that is no JSON": Case(*GET, [Answer(body=b"<html>")]),
    "a connection that is closed": Case(*GET, [Answer(0)]),
    "no URL for a file": Case(*DOWNLOAD, [Answer(body={})]),
    **{
        f"{status} of the storage": Case(*DOWNLOAD, [Answer(body=LINK), Answer(status)])
        for status in (401, 403, 404, 429, 500)
    },
    "no name": Case("get_prompt", ("",), []),
    "a name without a namespace": Case("get_prompt", ("support:v1",), []),
    "a name without a slug": Case("get_prompt", ("@workspace/:v1",), []),
    "a name with dots": Case("get_prompt", ("@workspace/..:v1",), []),
    "a limit of 0": Case("list_prompts", (0,), []),
    "a limit of 101": Case("list_prompts", (101,), []),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Playing]:
    with playing() as server:
        yield server


@pytest.fixture
def their_sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the published package, which take no time."""
    sleeps: list[float] = []
    monkeypatch.setattr(their_module, "time", SimpleNamespace(sleep=sleeps.append))
    return sleeps


class Outcome(NamedTuple):
    """What came of a call.

    Attributes:
        result: What it returned, or the error it raised.
        asked: What the server was asked.
        left: How many answers were left.
    """

    result: Any
    asked: list[Asked]
    left: int


def of_theirs(server: Playing, case: Case) -> Outcome:
    """Make a call with the published package."""
    server.play(case.answers)
    client = claro.BaytClient(KEY, server.url, case.max_retries)
    client.session.headers.update(HEADERS)
    try:
        result = getattr(client, case.method)(*case.arguments)
    except claro.BaytAPIError as error:
        result = error
    client.session.close()
    return Outcome(result, server.asked, server.left)


def of_ours(server: Playing, case: Case, colour: Colour, clock: VirtualClock) -> Outcome:
    """Make the same call with ours."""
    server.play(case.answers)
    cls: Any = bayt.AsyncBaytClient if colour.is_async else bayt.BaytClient
    client = cls(KEY, server.url, case.max_retries, headers=HEADERS, clock=clock)

    def call() -> Any:
        return getattr(client, case.method)(*case.arguments)

    async def acall() -> Any:
        async with client:
            return await call()

    try:
        result = colour.run(acall if colour.is_async else call)
    except bayt.BaytAPIError as error:
        result = error
    if not colour.is_async:
        client.close()
    return Outcome(result, server.asked, server.left)


def plain(result: Any) -> Any:
    """Return a result of either client as plain data, an error as the name of its class."""
    if isinstance(result, Exception):
        return type(result).__name__
    if type(result).__name__ == "Prompt":
        return facts(result)
    if hasattr(result, "to_dict"):
        result = {key: result[key] for key in result.to_dict()}
    if isinstance(result, dict):
        return {key: plain(value) for key, value in result.items()}
    return [plain(item) for item in result] if isinstance(result, list) else result


def facts(prompt: Any) -> dict[str, Any]:
    """Return everything a prompt of either package tells."""
    told = {name: getattr(prompt, name) for name in ATTRIBUTES}
    told |= {name: getattr(prompt, name)() for name in METHODS}
    told["items"] = {name: prompt[name] for name in prompt.keys() if name != "context"}  # noqa: SIM118 - theirs does not iterate
    told["others"] = [prompt["nonsense"], prompt.get("nonsense", 7), "nonsense" in prompt]
    told["context"] = [
        {name: getattr(item, name) for name in OF_AN_ITEM}
        | {name: getattr(item, name)() for name in METHODS_OF_AN_ITEM}
        | {"repr": repr(item) if item.label or item.url else ""}
        for item in prompt.context
    ]
    told["files"] = [item.id for item in prompt.get_file_contexts()]
    told["urls"] = [item.id for item in prompt.get_url_contexts()]
    return told


@pytest.mark.parametrize("name", CASES)
def test_same_requests_and_same_results(
    name: str, colour: Colour, server: Playing, their_sleeps: list[float]
) -> None:
    """Requests are the same on the wire, and so are results, errors' classes and the waits."""
    clock = VirtualClock()
    theirs, ours = of_theirs(server, CASES[name]), of_ours(server, CASES[name], colour, clock)
    assert plain(ours.result) == plain(theirs.result)
    assert (ours.asked, ours.left) == (theirs.asked, theirs.left)
    assert clock.sleeps == their_sleeps
    for words in (WORDS, NOT_A_FILE):
        assert words in str(ours.result) or words not in str(theirs.result)


@pytest.mark.parametrize(
    "data", [PROMPT, DRAFT, WRITTEN, {}], ids=["prompt", "draft", "written", "empty"]
)
def test_same_prompts(data: dict[str, Any]) -> None:
    """Prompts made of the same data tell the same."""
    assert facts(bayt.Prompt(data)) == facts(claro.Prompt(data))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"question": "q", "count": 1, "tags": [1], "persona": "p"},
        {"question": 1, "count": "1", "tags": "t", "persona": 2, "other": 3},
        {"question": None, "count": 1.5, "tags": (1,), "persona": ""},
    ],
)
def test_same_variables(values: dict[str, Any]) -> None:
    """Variables are checked and filled in alike."""
    ours, theirs = bayt.Prompt(PROMPT), claro.Prompt(PROMPT)
    assert ours.validate_variables(values) == theirs.validate_variables(values)
    filled = their_utils.interpolate_variables(theirs.content, values)
    assert ours.interpolate(values) == bayt.interpolate(ours.content, values) == filled


@pytest.mark.parametrize("kind", ["string", "str", "text", "number", "int", "integer", "boolean",
                                  "bool", "array", "list", "object", "dict", "date"])  # fmt: skip
@pytest.mark.parametrize("value", ["a", 1, 1.5, [1], (1,), {"a": 1}, None])
def test_same_types(kind: str, value: Any) -> None:
    """A value fits a type of one if it fits it of the other, and the message is the same."""
    data = {"content": f"{{{{v:{kind}}}}}"}
    problems = claro.Prompt(data).validate_variables({"v": value})
    assert bayt.Prompt(data).validate_variables({"v": value}) == problems


def test_the_same_names_are_public() -> None:
    """What the published package exports, ours does; its base errors have the same heirs."""
    assert set(claro.__all__) <= set(bayt.__all__)
    for name in claro.__all__:
        if name.endswith("Error"):
            assert [base.__name__ for base in getattr(claro, name).__mro__[:-3]] == [
                base.__name__ for base in getattr(bayt, name).__mro__[:-4]
            ]


@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        (Case(*GET, [Answer(400)]), ("BaytAPIError", "BaytValidationError")),
        (Case("list_prompts", (), [Answer(400)]), ("BaytAPIError", "BaytValidationError")),
        (Case("list_prompts", (), [Answer(404)]), ("BaytAPIError", "BaytNotFoundError")),
        (Case("get_prompt", ("@a/b:v1\n",), []), ("AssertionError", "BaytValidationError")),
    ],
)
def test_errors_that_differ(case: Case, kinds: tuple[str, str], server: Playing) -> None:
    """One table for all operations: 400 and 404 mean the same everywhere, as Bayt says."""
    theirs, ours = kinds
    if case.answers:
        assert type(of_theirs(server, case).result).__name__ == theirs
    else:
        assert their_utils.parse_package_name(*case.arguments) is not None
    clock = VirtualClock()
    sync: Any = SimpleNamespace(is_async=False, run=lambda call: call())
    assert type(of_ours(server, case, sync, clock).result).__name__ == ours


@pytest.mark.parametrize("answer", [Answer(500), Answer(503), Answer(0)])
def test_retries_that_differ(answer: Answer, colour: Colour, server: Playing) -> None:
    """Theirs gives up at a 5xx and a closed connection; ours tries again, as Bayt documents."""
    case = Case(*GET, [answer, Answer(body=PROMPT)], 3)
    theirs, ours = of_theirs(server, case), of_ours(server, case, colour, VirtualClock())
    assert (plain(theirs.result), len(theirs.asked)) == ("BaytAPIError", 1)
    assert (ours.result, len(ours.asked)) == (PROMPT, 2)


def test_retry_after_differs(colour: Colour, server: Playing, their_sleeps: list[float]) -> None:
    """Theirs waits its own time whatever `Retry-After` says; ours waits what it says."""
    case = Case(*GET, [Answer(429, headers={"Retry-After": "9"}), Answer(body=PROMPT)], 3)
    clock = VirtualClock()
    of_theirs(server, case)
    of_ours(server, case, colour, clock)
    assert their_sleeps == [1]
    assert 9 <= clock.sleeps[0] <= 10


def test_keys_differ() -> None:
    """Theirs wants a key of one form and shows a part of it; ours takes any and shows none."""
    with pytest.raises(ValueError, match="sk_"):
        claro.BaytClient("any-key")
    assert "a1a1" in repr(claro.BaytClient(KEY))
    assert bayt.BaytClient("any-key").api_key == "any-key"
    assert "a1a1" not in repr(bayt.BaytClient(KEY))


@pytest.mark.parametrize(
    ("template", "values", "theirs", "ours"),
    [
        ("{{a}} {{b}}", {"a": "{{b}}", "b": "x"}, "x x", "{{b}} x"),
        ("{{a // what}}", {"a": 1}, "{{a // what}}", "1"),
        ("{{{a}}}", {"a": 1}, "{{{a}}}", "{1}"),
    ],
)
def test_interpolation_that_differs(
    template: str, values: dict[str, Any], theirs: str, ours: str
) -> None:
    """What goes in is not looked at again, and every form of a variable is one."""
    assert their_utils.interpolate_variables(template, values) == theirs
    assert bayt.interpolate(template, values) == ours


def test_a_number_is_no_boolean() -> None:
    """Theirs takes True for a number; ours does not."""
    data = {"content": "{{n:number}}"}
    assert claro.Prompt(data).validate_variables({"n": True}) == {}
    assert bayt.Prompt(data).validate_variables({"n": True}) == {"n": "Expected number, got bool"}


def test_whole_package_names_differ() -> None:
    """Theirs doubles a `packageName` that is whole already; ours takes it apart."""
    data = {"workspaceSlug": "acme", "packageName": "@acme/support:v1", "version": "v1"}
    assert claro.Prompt(data).package_name == "@acme/@acme/support:v1:v1"
    assert bayt.Prompt(data).package_name == "@acme/support:v1"
