"""SECURITY.md names tests that are there."""

from __future__ import annotations

import re

from .pages import ROOT


def test_every_guard_has_its_test() -> None:
    """Each test that SECURITY.md names is there, and each file of tests/security is named."""
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    file, missing = "", []
    for named, test in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", text):
        file = named or file
        source = ROOT / file
        if file and not (source.exists() and f"def {test}" in source.read_text("utf-8")):
            missing.append(f"{file}::{test}")
    assert missing == []
    tests = {path.name for path in (ROOT / "tests" / "security").glob("test_*.py")}
    assert tests <= set(re.findall(r"test_\w+\.py", text))
