"""Package names: `@namespace/slug:version`."""

from __future__ import annotations

import re
from typing import NamedTuple

from penstock.clients.bayt.errors import BaytValidationError

_FORM = re.compile(r"@([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)(?::(\S+))?")


class PackageName(NamedTuple):
    """The parts of a package name; a version may be missing."""

    namespace: str
    slug: str
    version: str | None


def parse_package_name(name: object) -> PackageName | None:
    """Return the parts of a package name, or None if it is not one.

    Namespace and slug are letters, digits, hyphens and underscores.

    Args:
        name: What may be one, such as `@workspace/support:v1`.
    """
    match = _FORM.fullmatch(name) if isinstance(name, str) else None
    return None if match is None else PackageName(*match.groups())


def checked_package_name(name: str) -> str:
    """Return *name* if it is a package name.

    Raises:
        BaytValidationError: It is not.
    """
    if parse_package_name(name) is None:
        shown = repr(name)[:100]
        msg = f"{shown} is not a package name: write @namespace/slug:version"
        raise BaytValidationError(msg)
    return name
