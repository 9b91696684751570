"""What no module of either wing calls: each has made an advisory for somebody."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from .sources import FRAMEWORK, WING, files, module_of, tree_of

if TYPE_CHECKING:
    from pathlib import Path

CALLS = {
    "pickle.load": "data that runs (CVE-2026-34993, CVE-2026-44843)",
    "pickle.loads": "data that runs",
    "pickle.Unpickler": "data that runs",
    "marshal.loads": "data that runs",
    "shelve.open": "data that runs",
    "yaml.load": "data that runs: safe_load does not",
    "yaml.unsafe_load": "data that runs",
    "yaml.full_load": "data that runs",
    "eval": "text that runs",
    "exec": "text that runs",
    "compile": "text that runs",
    "os.system": "a shell",
    "os.popen": "a shell",
    "tempfile.mktemp": "a name that somebody else may take (CVE-2026-25645)",
    "random.seed": "chance that others rely on",
    "ssl._create_unverified_context": "a context that verifies nothing",
    "ssl._create_default_https_context": "a switch for the whole process",
    "netrc.netrc": "passwords nobody asked for (CVE-2024-47081)",
}


@pytest.mark.parametrize("file", [*files(FRAMEWORK), *files(WING)], ids=module_of)
def test_nothing_dangerous_is_called(file: Path) -> None:
    """No data is run as code, no shell, no predictable temporary name, no process-wide switch."""
    names = {name for node in ast.walk(tree_of(file)) if (name := _name(node))}
    assert names & CALLS.keys() == set()


def _name(node: ast.AST) -> str | None:
    """Return what a node refers to or imports, dotted, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


@pytest.mark.parametrize("file", [*files(FRAMEWORK), *files(WING)], ids=module_of)
def test_no_shell_is_asked(file: Path) -> None:
    """Nothing is run with `shell=True`, and no name of `CALLS` is imported to be called bare."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.keyword):
            assert node.arg != "shell"
        if isinstance(node, ast.ImportFrom):
            imported = {f"{node.module}.{alias.name}" for alias in node.names}
            assert imported & CALLS.keys() == set()
