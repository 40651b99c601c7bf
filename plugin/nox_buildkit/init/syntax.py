"""Questions to syntax trees of Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def read_tree(path: Path) -> ast.Module | None:
    """Return the syntax tree of a file; None if it has none."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def called(value: ast.expr | None) -> str:
    """Return the dotted name of what ``value`` calls; empty if it is no call."""
    return dotted(value.func) if isinstance(value, ast.Call) else ""


def dotted(node: ast.expr) -> str:
    """Return a name with its dots; empty if it is something else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_guard(node: ast.stmt) -> bool:
    """Tell whether it is ``if __name__ == "__main__"``."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


def required_variables(tree: ast.Module) -> Iterator[str]:
    """Yield variables of the environment without which the module cannot be imported."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Try):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                name = node.slice.value if isinstance(node.slice, ast.Constant) else None
                if dotted(node.value) in ("os.environ", "environ") and isinstance(name, str):
                    yield name
