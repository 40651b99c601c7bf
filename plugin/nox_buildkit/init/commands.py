"""The command of an application: its server, as far as the requirements have one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from nox_buildkit.init.django import served_by
from nox_buildkit.init.entry_points import EntryPoint, Kind

PORT = "8000"
_ADDRESS = f"0.0.0.0:{PORT}"
_HOST = ("--host", "0.0.0.0", "--port", PORT)  # noqa: S104 - in a container
_DAPHNE = ("daphne", "-b", "0.0.0.0", "-p", PORT)  # noqa: S104


@dataclass(frozen=True, slots=True)
class Known:
    """A project: its requirements with their extras, and its files."""

    required: Mapping[str, frozenset[str]]
    files: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """The ``command`` of an image, listening on ``PORT`` if it ``serves``; ``note``: a doubt.

    ``served``: the module that Django's server imports.
    """

    command: tuple[str, ...]
    note: str = ""
    serves: bool = True
    served: str = ""


def command_of(found: EntryPoint, known: Known) -> Proposed:
    """Return the command that starts ``found``."""
    return _COMMANDS[found.kind](found, known)


def _celery(found: EntryPoint, _known: Known) -> Proposed:
    worker = ("celery", "-A", found.imported, "worker", "--loglevel", "INFO")
    return Proposed(worker, serves=False)


def _script(found: EntryPoint, _known: Known) -> Proposed:
    if found.path.endswith("/__main__.py"):
        package = found.module.removesuffix(".__main__")
        return Proposed(("python", "-m", package), serves=False)
    return Proposed(("python", found.path), serves=False)


def _fastapi(found: EntryPoint, known: Known) -> Proposed:
    if "fastapi-cli" in known.required and not found.factory:
        named = () if found.variable in ("app", "api") else ("--app", found.variable)
        return Proposed(("fastapi", "run", found.path, *named, *_HOST))
    return _asgi(found, known)


def _asgi(found: EntryPoint, known: Known) -> Proposed:
    required = known.required
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
    return Proposed((*_DAPHNE, found.imported))


def _sanic(found: EntryPoint, _known: Known) -> Proposed:
    factory = ("--factory",) if found.factory else ()
    return Proposed(("sanic", found.imported, *factory, *_HOST))


def _aiohttp(found: EntryPoint, known: Known) -> Proposed:
    called = f"{found.imported}()" if found.factory else found.imported
    if "gunicorn" in known.required:
        worker = ("--worker-class", "aiohttp.GunicornWebWorker")
        return Proposed(("gunicorn", "--bind", _ADDRESS, *worker, called))
    return Proposed(("python", found.path), "it listens where its code says", serves=False)


def _flask(found: EntryPoint, known: Known) -> Proposed:
    called = f"{found.imported}()" if found.factory else found.imported
    if "gunicorn" in known.required:
        return Proposed(("gunicorn", "--bind", _ADDRESS, called))
    if "waitress" in known.required:
        call = ("--call",) if found.factory else ()
        return Proposed(("waitress-serve", f"--listen={_ADDRESS}", *call, found.imported))
    if "flask" not in known.required and known.required:
        return Proposed(
            ("gunicorn", "--bind", _ADDRESS, called), "add gunicorn to the requirements"
        )
    note = "this is Flask's server for development: add gunicorn to the requirements"
    return Proposed(("flask", "--app", found.imported, "run", *_HOST), note)


def _django(found: EntryPoint, known: Known) -> Proposed:
    package = found.variable.rpartition(".")[0]
    # Settings may be a package: the entry points lie beside it.
    wsgi, asgi = served_by(package.removesuffix(".settings"), found, known.files)
    by_asgi = f"{asgi}:application"
    # It brings its own Python, which looks for the packages where it is told.
    uwsgi = ("--virtualenv", "/opt/venv", "--need-app", "--die-on-term")
    servers: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("gunicorn", wsgi, ("gunicorn", "--bind", _ADDRESS, wsgi)),
        ("uvicorn", asgi, ("uvicorn", by_asgi, *_HOST)),
        ("uwsgi", wsgi, ("uwsgi", "--http-socket", _ADDRESS, "--module", wsgi, "--master", *uwsgi)),
        ("daphne", asgi, (*_DAPHNE, by_asgi)),
        ("granian", asgi, ("granian", "--interface", "asgi", *_HOST, by_asgi)),
        ("hypercorn", asgi, ("hypercorn", by_asgi, "--bind", _ADDRESS)),
        ("waitress", wsgi, ("waitress-serve", f"--listen={_ADDRESS}", f"{wsgi}:application")),
    )
    for package, module, command in servers:
        if module and package in known.required:
            return Proposed(command, served=module)
    note = "this is Django's server for development: add gunicorn to the requirements"
    return Proposed(("python", found.path, "runserver", "--noreload", _ADDRESS), note)


_COMMANDS: Mapping[Kind, Callable[[EntryPoint, Known], Proposed]] = {
    "fastapi": _fastapi,
    "asgi": _asgi,
    "sanic": _sanic,
    "aiohttp": _aiohttp,
    "flask": _flask,
    "django": _django,
    "celery": _celery,
    "script": _script,
}
