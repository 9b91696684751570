"""From what a method was given to what its request is sent with."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from penstock import UNSET, InvalidOption, plain
from penstock.clients.openai_compatible.params import CallArguments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_CALL = frozenset(CallArguments.__annotations__)
_SENT_AS = {"extra_headers": "headers", "extra_query": "params"}


def arguments(
    operation: str,
    known: Collection[str],
    given: Mapping[str, Any],
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a request is sent with.

    Args:
        operation: The operation's name.
        known: The names of its parameters.
        given: The parameters it was given.
        body: The rest of its body; None where there is none.

    Raises:
        InvalidOption: A name is not a parameter; the nearest one is named.
    """
    call: dict[str, Any] = {"operation": operation}
    sent = {} if body is None else body
    for name, value in given.items():
        if name not in known:
            raise _unknown(operation, name, known)
        if value is UNSET:
            continue
        if name not in _CALL:
            sent[name] = plain(value)
        elif name == "timeout" or (value is not None and name != "extra_body"):
            call[_SENT_AS.get(name, name)] = value
    sent.update(given.get("extra_body") or {})
    if sent:
        call["json"] = sent
    return call


def listed(name: str, given: Iterable[Any], example: str) -> list[Any]:
    """Return *given* as a list of what is sent.

    Args:
        name: The parameter's name.
        given: What was given for it.
        example: What to write in the list.

    Raises:
        InvalidOption: It is one item where many are meant: a text would be sent as its letters, a
            message as its keys.
    """
    if isinstance(given, (str, bytes, Mapping)):
        msg = f"{name} must be a list, not {type(given).__name__}: write {name}=[{example}]"
        raise InvalidOption(msg)
    return [plain(item) for item in given]


def _unknown(operation: str, name: str, known: Collection[str]) -> InvalidOption:
    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return InvalidOption(
        f"{operation} takes no {name!r}: {meant}what this server alone takes goes in extra_body="
    )
