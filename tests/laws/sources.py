"""The source of both wings, as the laws of imports and of the public surface read it."""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


FRAMEWORK = _folder("penstock")
WING = _folder("penstock_middleware")


class Import(NamedTuple):
    """One imported name.

    Attributes:
        module: The module it is imported from, or the module that is imported.
        name: The name, or None for `import module`.
        typing_only: Whether it stands under `if TYPE_CHECKING`.
        function: The function it stands in, or None.
    """

    module: str
    name: str | None
    typing_only: bool
    function: str | None


def files(folder: Path) -> list[Path]:
    """Return the modules below *folder*."""
    return sorted(folder.rglob("*.py"))


def module_of(file: Path) -> str:
    """Return the dotted name of a file of either wing."""
    folder = FRAMEWORK if file.is_relative_to(FRAMEWORK) else WING
    parts = [folder.name, *file.relative_to(folder).with_suffix("").parts]
    return ".".join(parts).removesuffix(".__init__")


def tree_of(file: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


@cache
def imports(file: Path) -> list[Import]:
    """Return everything a file imports, wherever it does."""
    return list(_imports(tree_of(file), typing_only=False, function=None))


def _imports(node: ast.AST, *, typing_only: bool, function: str | None) -> Iterator[Import]:
    asks = isinstance(node, ast.If) and _asks_for_typing(node)
    for child in ast.iter_child_nodes(node):
        typing = typing_only or (asks and child not in node.orelse)
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, None, typing, function)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "a relative import: imports are absolute in this house"
            for alias in child.names:
                yield Import(str(child.module), alias.name, typing, function)
        else:
            inside = getattr(child, "name", None) if _is_function(child) else function
            yield from _imports(child, typing_only=typing, function=inside)


def _asks_for_typing(block: ast.If) -> bool:
    return isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
