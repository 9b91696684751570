"""The Link header (RFC 8288)."""

from __future__ import annotations

import re

_LINK = re.compile(r'<([^>]*)>((?:[^,"<]|"(?:[^"\\]|\\.)*")*)')
_PARAMETER = re.compile(r';\s*([^\s;,="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_QUOTED_PAIR = re.compile(r"\\(.)")


def link_of(header: str, relation: str) -> str | None:
    """Return the target of the first link with *relation*, or None.

    Relations are compared without case (§2.1.1), and a link may have several, separated by spaces;
    only its first `rel` counts (§3.3). A link with an `anchor` is about another resource (§3.2) and
    is passed over.

    Args:
        header: The value of the Link header, repeated ones joined by commas.
        relation: A relation type, such as `next`.
    """
    for target, tail in _LINK.findall(header):
        parameters: dict[str, str] = {}
        for name, quoted, token in _PARAMETER.findall(tail):
            parameters.setdefault(name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) or token)
        relations = parameters.get("rel", "").lower().split()
        if relation.lower() in relations and "anchor" not in parameters:
            return str(target).strip()
    return None
