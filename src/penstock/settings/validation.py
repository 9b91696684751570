"""From pydantic's errors to problems: with a source and a cure, and without any value."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from pydantic import SecretBytes, SecretStr

from penstock.redact import REDACTED
from penstock.settings.checks import header_value
from penstock.settings.errors import Problem, RefusedError
from penstock.settings.mask import is_secret
from penstock.settings.merge import Merged
from penstock.settings.schema import Leaf, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from penstock.settings.schema import Keys

_CURES = {
    "float": "write a number such as 2.5",
    "int": "write a whole number such as 3",
    "bool": "write true or false",
    "string": "put it in quotes",
}
_MIN_SECRET = 4  # shorter texts would blank ordinary words out of a message


def problems_of(
    error: ValidationError, table: Table, merged: Merged | None = None
) -> list[Problem]:
    """Return a problem for each setting that pydantic refused.

    Args:
        error: What it raised. Its inputs are not looked at.
        table: The schema.
        merged: Where each value came from.
    """
    merged = merged or Merged()
    secrets = sorted(_secrets(merged), key=len, reverse=True)  # one may begin like another
    problems: dict[str, Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        slot, path = _find(table, detail["loc"])
        entry = merged.winners.get(slot)
        refused = detail.get("ctx", {}).get("error")
        cure = refused.hint if isinstance(refused, RefusedError) else _cure(detail)
        message = _message(detail, refused)
        for secret in secrets:
            message = message.replace(secret, REDACTED)
        source = str(entry.source) if entry else ""
        problems.setdefault(path, Problem(path, message, source, cure))
    return list(problems.values())


def header_problems(merged: Merged) -> list[Problem]:
    """Return a problem for each header that cannot go on the wire.

    Args:
        merged: Every entry.
    """
    problems = []
    for entry in merged.winners.values():
        if entry.leaf.holds_headers and entry.value is not None:
            try:
                header_value(entry.value)
            except RefusedError as refused:
                path = f"{entry.leaf.name}.{entry.key}"
                problems.append(Problem(path, str(refused), str(entry.source), refused.hint))
    return problems


def _find(table: Table, loc: tuple[int | str, ...]) -> tuple[Keys, str]:
    """Return where the entry is kept that an error is about, and its dotted path."""
    node: Leaf | Table = table
    rest = [str(part) for part in loc]
    while rest and isinstance(node, Table) and rest[0] in node.fields:
        node = node.fields[rest.pop(0)]
    if isinstance(node, Leaf) and node.shape == "mapping" and rest:
        return node.slot(rest[0]), f"{node.name}.{rest[0]}"
    unknown = rest[:1] if isinstance(node, Table) else []
    return node.path, ".".join((*node.path, *unknown))


def _message(detail: ErrorDetails, refused: Any) -> str:
    if isinstance(refused, Exception):
        return str(refused)
    if detail["type"] == "extra_forbidden":
        return "unknown key"
    said = detail["msg"].replace("Input should be", "must be")
    return said[:1].lower() + said[1:]


def _cure(detail: ErrorDetails) -> str:
    return _CURES.get(detail["type"].partition("_")[0], "")


def _secrets(merged: Merged) -> Iterator[str]:
    """Yield what must not be in a message, whatever a validator put into it."""
    for entry in chain(merged.winners.values(), *merged.shadowed.values()):
        leaf = entry.leaf
        named = leaf.is_secret or leaf.holds_headers or is_secret(entry.key)
        for text in _texts(entry.value):
            if (named or "@" in text) and len(text) >= _MIN_SECRET:
                yield text


def _texts(value: Any) -> Iterator[str]:
    """Yield each text in *value* as a message may quote it: as it is, stripped, and by its repr."""
    if isinstance(value, SecretStr | SecretBytes):
        value = value.get_secret_value()
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        yield from {text, text.strip(), repr(text)[1:-1]}
