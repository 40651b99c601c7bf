"""Applications in the code of a project, found in its syntax trees: nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from nox_buildkit.init.syntax import called, is_guard, read_tree, required_variables

Kind = Literal["fastapi", "asgi", "sanic", "flask", "aiohttp", "django", "celery", "script"]

#: Classes whose instances are applications.
_CLASSES: dict[str, Kind] = {
    "FastAPI": "fastapi",
    "Starlette": "asgi",
    "Litestar": "asgi",
    "Quart": "asgi",
    "falcon.asgi.App": "asgi",
    "get_asgi_application": "asgi",
    "Sanic": "sanic",
    "Flask": "flask",
    "bottle.Bottle": "flask",
    "falcon.App": "flask",
    "web.Application": "aiohttp",
    "Celery": "celery",
}
_FACTORIES = (
    "create_app", "make_app", "get_app", "build_app", "app_factory", "create_application",
    "get_application",
)  # fmt: skip
#: Folders and files that are no part of what is served.
_ASIDE = frozenset(
    {"tests", "test", "docs", "examples", "scripts", "migrations", "noxfile.py", "setup.py",
     "tasks_dev.py", "node_modules", "site-packages"}
)  # fmt: skip
_MOST = 2000


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An application: ``variable`` of the module in ``path``; a ``factory`` is called for it.

    ``maker``: the function that made it, where its class is not said; ``wanted``: variables of the
    environment that its module cannot do without.
    """

    kind: Kind
    path: str
    variable: str = ""
    factory: bool = False
    maker: str = ""
    wanted: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The folder that its module is imported from, relative to the project; may be empty."""
        if self.kind == "django":
            return PurePosixPath(self.path).parent.as_posix().removeprefix(".")
        return "src" if self.path.startswith("src/") else ""

    @property
    def module(self) -> str:
        """The name by which the module is imported from there."""
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
    found = [each for name in candidates[:_MOST] for each in _of_file(folder, name)]
    made = {each.variable: each.kind for each in reversed(found) if each.factory}
    known = [replace(e, kind=made[e.maker]) if e.maker in made else e for e in found]
    called_ones = {each.maker for each in known if each.maker in made}
    return [
        each
        for each in known
        if (not each.maker or each.maker in made)
        # What its factory makes is the application already.
        and not (each.factory and each.variable in called_ones)
    ]


def _is_aside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(_ASIDE & set(parts)) or parts[-1].startswith(("test_", "conftest"))


def _likelihood(name: str) -> tuple[int, int, str]:
    path = PurePosixPath(name)
    usual = ("main.py", "app.py", "asgi.py", "wsgi.py", "__main__.py", "__init__.py", "server.py")
    rank = usual.index(path.name) if path.name in usual else len(usual)
    return len(path.parts), rank, name


def _of_file(folder: Path, name: str) -> Iterator[EntryPoint]:
    tree = read_tree(folder / name)
    if tree is None:
        return
    if PurePosixPath(name).name == "manage.py":
        above = folder / PurePosixPath(name).parent
        if settings := named_settings(tree) or _settings_beside(above):
            yield EntryPoint("django", name, settings)
            return
    wanted = tuple(required_variables(tree))
    for node in tree.body:
        if assigned := _application(node):
            kind, variable, maker = assigned
            yield EntryPoint(kind, name, variable, maker=maker, wanted=wanted)
        elif isinstance(node, ast.FunctionDef) and _is_factory(node):
            values = (n.value for n in ast.walk(node) if isinstance(n, ast.Assign | ast.Return))
            kinds = [made for value in values if (made := _kind(value))]
            if kinds:
                yield EntryPoint(kinds[0], name, node.name, factory=True, wanted=wanted)
    if PurePosixPath(name).name == "__main__.py" or any(map(is_guard, tree.body)):
        yield EntryPoint("script", name, wanted=wanted)


def _is_factory(node: ast.FunctionDef) -> bool:
    """Tell whether a server can call it for an application: without an argument."""
    needed = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
    keywords = any(default is None for default in node.args.kw_defaults)
    return node.name in _FACTORIES and needed == 0 and not keywords


def _application(node: ast.stmt) -> tuple[Kind, str, str] | None:
    """Return kind and name of the application that ``node`` assigns, and the factory it is of."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value:
        target, value = node.target, node.value
    else:
        return None
    if not isinstance(target, ast.Name):
        return None
    if kind := _kind(value):
        return kind, target.id, ""
    maker = called(value).rpartition(".")[2]
    return ("asgi", target.id, maker) if maker in _FACTORIES else None


def _kind(value: ast.expr | None) -> Kind | None:
    name = called(value)
    parts = name.split(".")
    # Most are told by their own name; some have one that many classes have.
    return next(
        (k for c, k in _CLASSES.items() if parts[-1 - c.count(".") :] == c.split(".")), None
    )


def named_settings(tree: ast.Module) -> str:
    """Return the settings module that a module of Django names: manage.py, or what is served."""
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
