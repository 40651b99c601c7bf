"""Calls of ``register`` in a noxfile, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.arguments.parser import session_names


@dataclass(frozen=True, slots=True)
class Registered:
    """A call: the path of the spec and the prefix of the sessions."""

    buildspec: Path
    prefix: str = ""

    def session(self, name: str) -> str | None:
        """Return which session the user calls ``name``, if any."""
        own = name.removeprefix(self.prefix)
        return own if name.startswith(self.prefix) and own in session_names() else None


def registered(noxfile: Path) -> list[Registered]:
    """Return the calls in ``noxfile``; the usual one if it has none that can be read."""
    try:
        tree = ast.parse(noxfile.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return [Registered(noxfile.parent / "buildspec.yaml")]
    found = [_read(call, noxfile.parent) for call in _calls(tree)]
    return found or [Registered(noxfile.parent / "buildspec.yaml")]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            if (function.id if isinstance(function, ast.Name) else name) == "register":
                yield node


def _read(call: ast.Call, folder: Path) -> Registered:
    values = dict(zip(("buildspec", "prefix"), call.args, strict=False))
    values |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    texts = {
        name: node.value
        for name, node in values.items()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return Registered(folder / texts.get("buildspec", "buildspec.yaml"), texts.get("prefix", ""))
