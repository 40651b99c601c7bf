"""Applications in the code of a project, found in its syntax trees: nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

Kind = Literal["fastapi", "asgi", "flask", "django", "celery", "script"]

#: Classes whose instances are applications.
_CLASSES: dict[str, Kind] = {
    "FastAPI": "fastapi",
    "Starlette": "asgi",
    "Litestar": "asgi",
    "Quart": "asgi",
    "Flask": "flask",
    "Celery": "celery",
}
_FACTORIES = ("create_app", "make_app")
#: Folders and files that are no part of what is served.
_ASIDE = frozenset({"tests", "test", "docs", "examples", "scripts", "migrations", "noxfile.py"})
_MOST = 2000


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An application: ``variable`` of the module in ``path``; a ``factory`` is called for it."""

    kind: Kind
    path: str
    variable: str = ""
    factory: bool = False

    @property
    def module(self) -> str:
        """The name by which the module is imported from the folder of the project."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        inside = parts[1:] if parts[0] == "src" else parts
        return ".".join(inside).removesuffix(".__init__")

    @property
    def imported(self) -> str:
        """``module:variable``, as servers want it."""
        return f"{self.module}:{self.variable}"


def entry_points(folder: Path, files: Iterable[str]) -> list[EntryPoint]:
    """Return the applications of the Python ``files`` of ``folder``, the likeliest first."""
    candidates = [name for name in files if name.endswith(".py") and not _is_aside(name)]
    candidates.sort(key=_likelihood)
    return [found for name in candidates[:_MOST] for found in _of_file(folder, name)]


def _is_aside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(_ASIDE & set(parts)) or parts[-1].startswith(("test_", "conftest"))


def _likelihood(name: str) -> tuple[int, int, str]:
    path = PurePosixPath(name)
    usual = ("main.py", "app.py", "asgi.py", "wsgi.py", "__main__.py", "__init__.py", "server.py")
    rank = usual.index(path.name) if path.name in usual else len(usual)
    return len(path.parts), rank, name


def _of_file(folder: Path, name: str) -> Iterator[EntryPoint]:
    try:
        tree = ast.parse((folder / name).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    if name == "manage.py" and (settings := _settings(tree) or _settings_beside(folder)):
        yield EntryPoint("django", name, settings)
        return
    for node in tree.body:
        if made := _application(node):
            yield EntryPoint(made[0], name, made[1])
        elif isinstance(node, ast.FunctionDef) and node.name in _FACTORIES:
            values = (n.value for n in ast.walk(node) if isinstance(n, ast.Assign | ast.Return))
            kinds = [kind for value in values if (kind := _kind(value))]
            yield from (EntryPoint(kind, name, node.name, factory=True) for kind in kinds[:1])
    if PurePosixPath(name).name == "__main__.py" or any(map(_is_guard, tree.body)):
        yield EntryPoint("script", name)


def _application(node: ast.stmt) -> tuple[Kind, str] | None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value:
        target, value = node.target, node.value
    else:
        return None
    kind = _kind(value)
    return (kind, target.id) if kind and isinstance(target, ast.Name) else None


def _kind(value: ast.expr | None) -> Kind | None:
    if not isinstance(value, ast.Call):
        return None
    function = value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return _CLASSES.get(name)


def _is_guard(node: ast.stmt) -> bool:
    """Tell whether it is ``if __name__ == "__main__"``."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


def _settings(tree: ast.Module) -> str:
    """Return the settings module that a manage.py of Django names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 2:
            key, value = node.args
            named = isinstance(key, ast.Constant) and key.value == "DJANGO_SETTINGS_MODULE"
            if named and isinstance(value, ast.Constant):
                return str(value.value)
    return ""


def _settings_beside(folder: Path) -> str:
    """Return the one module of settings beside a manage.py that names none."""
    found = [*folder.glob("*/settings.py"), *folder.glob("*/settings/__init__.py")]
    if len(found) != 1:
        return ""
    path = found[0].relative_to(folder).with_suffix("")
    return ".".join(path.parts).removesuffix(".__init__")
