"""Images of a project's own code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nox_buildkit.init.commands import PORT, Known, Proposed, command_of
from nox_buildkit.init.django import SETTINGS, django_keys, settings_of
from nox_buildkit.init.entry_points import EntryPoint, entry_points
from nox_buildkit.init.proposal import ProposedImage
from nox_buildkit.init.requirements import console_scripts, read_tables
from nox_buildkit.init.stated import WORKDIR

#: What serves first, where there are several.
_ORDER = ("django", "fastapi", "asgi", "sanic", "flask", "aiohttp", "celery", "script")
_WORDS = {"django": "Django", "fastapi": "FastAPI", "sanic": "Sanic", "flask": "Flask",
          "celery": "Celery", "asgi": "An ASGI application", "script": "A program",
          "aiohttp": "An application of aiohttp"}  # fmt: skip


def images_of_code(
    name: str, folder: Path, known: Known, base: str, notes: list[str]
) -> Iterator[ProposedImage]:
    """Yield what serves, a worker beside it, else a program; add doubts to ``notes``."""
    found = sorted(entry_points(folder, known.files), key=lambda e: _ORDER.index(e.kind))
    if any(each.kind == "django" for each in found):
        # Its asgi.py and wsgi.py are what its server imports.
        found = [e for e in found if e.kind in ("django", "celery", "script")]
    served = next((each for each in found if each.kind not in ("celery", "script")), None)
    worker = next((each for each in found if each.kind == "celery"), None)
    scripts = console_scripts(folder)
    if not (served or worker) and scripts and _is_package(folder):
        others = f" ({', '.join(scripts[1:])} too)" if len(scripts) > 1 else ""
        why = f"The program '{scripts[0]}' that the project installs{others}."
        yield ProposedImage(name, why, {"package": True, "command": [scripts[0]]})
        return
    script = next((each for each in found if each.kind == "script"), None)
    for each in (served, worker, None if served or worker else script):
        if each is None:
            continue
        proposed = command_of(each, known)
        is_second = each is worker and served is not None
        yield _image("worker" if is_second else name, folder, each, proposed, base)
        notes += _doubts(folder, each, proposed, found)


def _doubts(
    folder: Path, chosen: EntryPoint, proposed: Proposed, found: Sequence[EntryPoint]
) -> Iterator[str]:
    if proposed.note:
        yield f"{chosen.path}: {proposed.note}"
    for name in dict.fromkeys(chosen.wanted):
        yield f"{chosen.path}: {name} has to be set when a container starts"
    if chosen.kind == "django":
        settings = settings_of(folder, chosen, proposed.served)
        yield from django_keys(folder, chosen, settings)[1]
    others = [o.path for o in found if o.kind == chosen.kind and o != chosen]
    if chosen.kind == "script":
        if others:
            yield f"{chosen.path}: guessed; {', '.join(others[:5])} can be started, too"
        return
    for path in list(dict.fromkeys(others))[:5]:
        yield f"{path} has an application, too: not taken"


def _image(
    name: str, folder: Path, found: EntryPoint, proposed: Proposed, base: str
) -> ProposedImage:
    env: dict[str, str] = {}
    keys: dict[str, Any] = {"command": list(proposed.command)}
    if found.kind == "django":
        env[SETTINGS] = settings_of(folder, found, proposed.served)
        keys |= django_keys(folder, found, env[SETTINGS])[0]
    if found.root:
        env["PYTHONPATH"] = f"{WORKDIR}/{found.root}"
    keys |= {"env": env} if env else {}
    keys |= {"expose": [int(PORT)]} if proposed.serves else {}
    if proposed.command[0] == "uwsgi" and base == "debian":
        keys["apt"] = ["libpython3.13"]
    doubt = f" {proposed.note[0].upper()}{proposed.note[1:]}." if proposed.note else ""
    return ProposedImage(name, f"{_WORDS[found.kind]}, found in {found.path}.{doubt}", keys)


def _is_package(folder: Path) -> bool:
    """Tell whether the project can be installed, so that its programs are there."""
    tables = read_tables(folder / "pyproject.toml")
    setup = any((folder / name).is_file() for name in ("setup.py", "setup.cfg"))
    return setup or "build-system" in tables or "scripts" in tables.get("project", {})
