"""The oldest dependencies: what is promised of them is what is tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
OURS = {"bench", "dev", "docs", "oracles", "test"}
"""The extras that are for who works on Penstock."""


def floors() -> dict[str, Version]:
    """Return the least version of each dependency, those of a user's extras among them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [line for name in sorted(extras.keys() - OURS) for line in extras[name]]
    wanted = [Requirement(line) for line in (*project["dependencies"], *asked)]
    return {
        canonicalize_name(one.name): Version(part.version)
        for one in wanted
        for part in one.specifier
        if part.operator == ">="
    }


def test_the_oldest_are_those_that_are_promised() -> None:
    """`constraints-oldest.txt` has each dependency at the least version `pyproject.toml` allows."""
    text = (ROOT / "constraints-oldest.txt").read_text()
    pinned = dict(re.findall(r"^(\S+)==(\S+)$", text, re.MULTILINE))
    assert len(pinned) == len(text.splitlines())
    oldest = {canonicalize_name(name): Version(version) for name, version in pinned.items()}
    assert {name: oldest.get(name) for name in floors()} == floors()
