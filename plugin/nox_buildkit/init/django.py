"""Settings of Django, read from their syntax tree: files to collect, a database to migrate."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nox_buildkit.init.entry_points import EntryPoint, named_settings
from nox_buildkit.init.lookup import is_file
from nox_buildkit.init.stated import WORKDIR
from nox_buildkit.init.syntax import called, dotted, read_tree, required_variables

#: The variable that names the module of settings.
SETTINGS = "DJANGO_SETTINGS_MODULE"
_ROOTS = ("BASE_DIR", "PROJECT_DIR", "ROOT_DIR")


@dataclass(slots=True)
class DjangoSettings:
    """``static``, ``sqlite``: paths below the folder of manage.py; ``key``: a variable."""

    static: str = ""
    sqlite: str = ""
    key: str = ""
    apps: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


def served_by(package: str, found: EntryPoint, files: Collection[str]) -> tuple[str, str]:
    """Return the modules of WSGI and of ASGI, empty where there is none; ``package``: a guess."""
    names = []
    for name in ("wsgi", "asgi"):
        beside = [f for f in files if f.endswith(f"/{name}.py")]
        prefix = f"{found.root}/" if found.root else ""
        inside = [f.removeprefix(prefix) for f in beside if f.startswith(prefix)]
        guess = f"{package.replace('.', '/')}/{name}.py"
        path = guess if guess in inside else min(inside, key=len, default="")
        names.append(path.removesuffix(".py").replace("/", "."))
    return (names[0], names[1]) if any(names) else (f"{package}.wsgi", f"{package}.asgi")


def settings_of(folder: Path, found: EntryPoint, served: str) -> str:
    """Return the settings that the module ``served`` names, else those of manage.py."""
    path = folder / found.root / f"{served.replace('.', '/')}.py"
    tree = read_tree(path) if served and is_file(path) else None
    return (named_settings(tree) if tree else "") or found.variable


def django_keys(folder: Path, found: EntryPoint, module: str) -> tuple[dict[str, Any], list[str]]:
    """Return keys that the settings in ``module`` ask for, and doubts."""
    settings = _read(folder / found.root / module.replace(".", "/"))
    manage = ["python", found.path]
    keys: dict[str, Any] = {}
    notes: list[str] = []
    # A value that is only there when a container starts.
    step_env = dict.fromkeys({settings.key} - {""}, "only-for-the-build")
    others = settings.wanted - step_env.keys()
    if module != found.variable:
        # Those that manage.py names are others.
        step_env[SETTINGS] = module
    if settings.static and "django.contrib.staticfiles" in settings.apps and not others:
        output = posixpath.join(found.root, settings.static)
        step = {"run": [*manage, "collectstatic", "--noinput"], "output": [output]}
        keys["steps"] = [step | ({"env": step_env} if step_env else {})]
    if settings.sqlite:
        inside = posixpath.dirname(posixpath.join(found.root, settings.sqlite))
        place = {"directories": [f"{WORKDIR}/{inside}"]} if inside else {"writable-workdir": True}
        keys |= {"prestart": [[*manage, "migrate", "--noinput"]], **place}
        notes.append(f"{found.path}: the database is a file: it ends with its container")
    for name in sorted({*settings.wanted, settings.key} - {""}):
        notes.append(f"{module}: {name} has to be set when a container starts")
    return keys, notes


def _read(base: Path) -> DjangoSettings:
    settings = DjangoSettings()
    for path in (
        base.parent / "base.py",
        base / "base.py",
        base / "__init__.py",
        Path(f"{base}.py"),
    ):
        if is_file(path) and (tree := read_tree(path)):
            settings.wanted |= set(required_variables(tree))
            for node in tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    _take(settings, node.targets[0].id, node.value)
    return settings


def _take(settings: DjangoSettings, name: str, value: ast.expr) -> None:
    if name == "STATIC_ROOT":
        settings.static = _path(value)
    elif name == "SECRET_KEY":
        settings.key = _variable(value)
    elif name in ("INSTALLED_APPS", "DJANGO_APPS") and isinstance(value, ast.List | ast.Tuple):
        settings.apps |= {str(e.value) for e in value.elts if isinstance(e, ast.Constant)}
    elif name == "DATABASES" and isinstance(value, ast.Dict):
        for database in value.values:
            pairs = dict(_pairs(database))
            engine = pairs.get("ENGINE")
            if isinstance(engine, ast.Constant) and str(engine.value).endswith("sqlite3"):
                settings.sqlite = _path(pairs["NAME"]) if "NAME" in pairs else ""


def _pairs(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), value


def _path(value: ast.expr) -> str:
    """Return a path that is written below the folder of the project; empty for any other."""
    match value:
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(last))):
            if dotted(left) in _ROOTS:
                return last
            above = _path(left)
            return f"{above}/{last}" if above else ""
        case ast.Call(args=[first, *rest]) if called(value) in ("os.path.join", "path.join"):
            words = [str(w.value) for w in rest if isinstance(w, ast.Constant)]
            known = dotted(first) in _ROOTS and len(words) == len(rest) and words
            return "/".join(words) if known else ""
        case ast.Call(args=[first]) if called(value) == "str":
            return _path(first)
    return ""


def _variable(value: ast.expr) -> str:
    """Return the variable of the environment that has a secret key, if nothing else has one."""
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return str(value.slice.value) if dotted(value.value).endswith("environ") else ""
    if not isinstance(value, ast.Call) or not value.args:
        return ""
    name, *default = value.args
    stated = [*default, *(k.value for k in value.keywords if k.arg == "default")]
    filled = any(not isinstance(d, ast.Constant) or d.value for d in stated)
    asks = called(value).rpartition(".")[2] in ("get", "getenv", "config", "env", "str", "environ")
    known = asks and isinstance(name, ast.Constant) and not filled
    return str(name.value) if known and isinstance(name, ast.Constant) else ""
