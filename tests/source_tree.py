"""Python sources as syntax trees, for the tests that judge structure and dialect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Modules of firmware/gateway that hold nothing but types: no device ever loads them.
TYPES_ONLY = {"contracts"}


@dataclass(frozen=True)
class Import:
    """One imported name: `gateway.rack.data` for `from gateway.rack import data` too."""

    module: str
    line: int
    for_types: bool  # under `if TYPE_CHECKING`


def python_files(folder: Path) -> list[Path]:
    """Every .py file below `folder`."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def parse(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def imports(tree: ast.Module) -> Iterator[Import]:
    """Every import, wherever it stands."""
    typing_only = type_checking_nodes(tree)
    for node in ast.walk(tree):
        for module in _modules(node):
            yield Import(module, node.lineno, node in typing_only)


def type_checking_nodes(tree: ast.Module) -> set[ast.AST]:
    """Everything under `if TYPE_CHECKING:`, which no interpreter runs."""
    guarded = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            guarded.update(part for statement in node.body for part in ast.walk(statement))
    return guarded


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        # relative imports do not occur: `test_architecture` refuses them
        prefix = "." * node.level + (node.module or "")
        return [f"{prefix}.{alias.name}" for alias in node.names]
    return []
