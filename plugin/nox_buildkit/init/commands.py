"""The command of an application: its server, as far as the requirements have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nox_buildkit.init.entry_points import EntryPoint, Kind

PORT = "8000"
_ADDRESS = f"0.0.0.0:{PORT}"
_HOST = ("--host", "0.0.0.0", "--port", PORT)  # noqa: S104 - in a container

Required = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """The ``command`` of an image, listening on ``PORT`` if it ``serves``; ``note``: a doubt."""

    command: tuple[str, ...]
    note: str = ""
    serves: bool = True


def command_of(found: EntryPoint, required: Required) -> Proposed:
    """Return the command that starts ``found``."""
    return _COMMANDS[found.kind](found, required)


def _celery(found: EntryPoint, _required: Required) -> Proposed:
    worker = ("celery", "-A", found.imported, "worker", "--loglevel", "INFO")
    return Proposed(worker, serves=False)


def _script(found: EntryPoint, _required: Required) -> Proposed:
    if found.path.endswith("/__main__.py"):
        package = found.module.removesuffix(".__main__")
        return Proposed(("python", "-m", package), serves=False)
    return Proposed(("python", found.path), serves=False)


def _fastapi(found: EntryPoint, required: Required) -> Proposed:
    has_cli = "fastapi-cli" in required or {"standard", "all"} & required.get("fastapi", set())
    if has_cli and not found.factory:
        named = () if found.variable in ("app", "api") else ("--app", found.variable)
        return Proposed(("fastapi", "run", found.path, *named, *_HOST))
    return _asgi(found, required)


def _asgi(found: EntryPoint, required: Required) -> Proposed:
    if "uvicorn" in required or not {"hypercorn", "granian", "daphne"} & required.keys():
        factory = ("--factory",) if found.factory else ()
        note = "" if "uvicorn" in required else "add uvicorn to the requirements"
        return Proposed(("uvicorn", found.imported, *factory, *_HOST), note)
    if "granian" in required:
        factory = ("--factory",) if found.factory else ()
        return Proposed(("granian", "--interface", "asgi", *_HOST, *factory, found.imported))
    called = f"{found.imported}()" if found.factory else found.imported
    if "hypercorn" in required:
        return Proposed(("hypercorn", called, "--bind", _ADDRESS))
    return Proposed(("daphne", "-b", "0.0.0.0", "-p", PORT, found.imported))  # noqa: S104


def _flask(found: EntryPoint, required: Required) -> Proposed:
    called = f"{found.imported}()" if found.factory else found.imported
    if "gunicorn" in required:
        return Proposed(("gunicorn", "--bind", _ADDRESS, called))
    if "waitress" in required:
        call = ("--call",) if found.factory else ()
        return Proposed(("waitress-serve", f"--listen={_ADDRESS}", *call, found.imported))
    note = "this is Flask's server for development: add gunicorn to the requirements"
    return Proposed(("flask", "--app", found.imported, "run", *_HOST), note)


def _django(found: EntryPoint, required: Required) -> Proposed:
    package = found.variable.rpartition(".")[0]
    # Settings may be a package: the entry points lie beside it.
    package = package.removesuffix(".settings")
    if "gunicorn" in required:
        return Proposed(("gunicorn", "--bind", _ADDRESS, f"{package}.wsgi"))
    if "uvicorn" in required:
        return Proposed(("uvicorn", f"{package}.asgi:application", *_HOST))
    if "uwsgi" in required:
        return Proposed(("uwsgi", "--http", _ADDRESS, "--module", f"{package}.wsgi", "--master"))
    if "daphne" in required:
        asgi = f"{package}.asgi:application"
        return Proposed(("daphne", "-b", "0.0.0.0", "-p", PORT, asgi))  # noqa: S104
    note = "this is Django's server for development: add gunicorn to the requirements"
    return Proposed(("python", "manage.py", "runserver", "--noreload", _ADDRESS), note)


_COMMANDS: Mapping[Kind, Callable[[EntryPoint, Required], Proposed]] = {
    "fastapi": _fastapi,
    "asgi": _asgi,
    "flask": _flask,
    "django": _django,
    "celery": _celery,
    "script": _script,
}
