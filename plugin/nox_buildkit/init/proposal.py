"""A buildspec for a project that has none: what was recognised, and what is a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nox_buildkit.buildspec.model.grammar import IMAGE_NAME
from nox_buildkit.init.commands import PORT, Proposed, command_of
from nox_buildkit.init.entry_points import EntryPoint, entry_points
from nox_buildkit.init.existing import FromDockerfile, Process, read_dockerfile, read_procfile
from nox_buildkit.init.requirements import read_tables, required_names

#: What serves first, where there are several.
_ORDER = ("django", "fastapi", "asgi", "flask", "celery", "script")
_WORKDIR = "/app"
#: Variables that every image has, or that concern the installation.
_OWN_ENV = re.compile(r"PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PATH|PIP_\w+|UV_\w+|POETRY_\w+")


@dataclass(frozen=True, slots=True)
class ProposedImage:
    """An image of the proposal; ``why``: a sentence for its comment."""

    name: str
    command: tuple[str, ...]
    why: str
    entrypoint: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    expose: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    python: str = ""
    health: tuple[str, ...] = ()
    context: str = ""
    package: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """``notes``: doubts, and what has no counterpart, for whoever asked."""

    images: tuple[ProposedImage, ...]
    notes: tuple[str, ...] = field(default=())


def propose(folder: Path, files: Sequence[str]) -> Proposal:
    """Look at the project in ``folder``, of which ``files`` would go into an image.

    The members of a uv workspace that can be started are images of their own.
    """
    members = [_member(folder, name, files) for name in _members(folder)]
    images = tuple(image for member in members for image in member.images)
    if images:
        return Proposal(images, tuple(note for member in members for note in member.notes))
    found = _propose(folder, files)
    if found.images:
        return found
    why = "Nothing that can be started was found: write your command."
    nothing = ProposedImage(_name(folder), ("python", "-m", "http.server", PORT), why)
    return Proposal((nothing,), ("no entry point was found: set 'command' in buildspec.yaml",))


def _members(folder: Path) -> list[str]:
    tool = read_tables(folder / "pyproject.toml").get("tool", {})
    patterns = tool.get("uv", {}).get("workspace", {}).get("members", [])
    found = (path for pattern in patterns for path in sorted(folder.glob(str(pattern))))
    return [p.relative_to(folder).as_posix() for p in found if (p / "pyproject.toml").is_file()]


def _member(folder: Path, name: str, files: Sequence[str]) -> Proposal:
    inside = [path.removeprefix(f"{name}/") for path in files if path.startswith(f"{name}/")]
    found = _propose(folder / name, inside)
    images = tuple(replace(image, context=name) for image in found.images)
    return Proposal(images, tuple(f"{name}/{note}" for note in found.notes))


def _propose(folder: Path, files: Sequence[str]) -> Proposal:
    name = _name(folder)
    required = required_names(folder)
    images: list[ProposedImage] = []
    notes: list[str] = []
    if (folder / "Procfile").is_file():
        images += _of_procfile(name, read_procfile(folder / "Procfile", PORT))
    found = sorted(entry_points(folder, files), key=lambda each: _ORDER.index(each.kind))
    if not images:
        scripts = read_tables(folder / "pyproject.toml").get("project", {}).get("scripts", {})
        images += _of_code(name, found, required, list(scripts), notes)
    if (folder / "Dockerfile").is_file():
        stated = read_dockerfile(folder / "Dockerfile")
        images = [_with(images[0] if images else None, name, stated), *images[1:]]
        if stated.command:
            # Doubts were about another one.
            notes.clear()
        notes += [f"Dockerfile:{line}: {text}: not taken over" for line, text in stated.left]
    return Proposal(tuple(images), tuple(notes))


def _name(folder: Path) -> str:
    tables = read_tables(folder / "pyproject.toml")
    poetry = tables.get("tool", {}).get("poetry", {})
    stated = tables.get("project", {}).get("name") or poetry.get("name")
    name = re.sub(r"[^a-z0-9]+", "-", str(stated or folder.resolve().name).lower()).strip("-")
    return name if re.fullmatch(IMAGE_NAME, name) else "app"


def _of_procfile(name: str, processes: Iterable[Process]) -> Iterator[ProposedImage]:
    for each in processes:
        if each.name == "release":
            continue
        serves = each.name == "web"
        yield ProposedImage(
            name if serves else each.name.replace("_", "-"),
            each.command,
            f"The process '{each.name}' of the Procfile.",
            expose=(PORT,) if serves else (),
        )


def _of_code(
    name: str,
    found: Sequence[EntryPoint],
    required: dict[str, frozenset[str]],
    scripts: Sequence[str],
    notes: list[str],
) -> Iterator[ProposedImage]:
    served = next((each for each in found if each.kind not in ("celery", "script")), None)
    worker = next((each for each in found if each.kind == "celery"), None)
    script = next((each for each in found if each.kind == "script"), None)
    for each in (served, worker, None if served or worker else script):
        if each is None:
            continue
        proposed = command_of(each, required)
        if proposed.note:
            notes.append(f"{each.path}: {proposed.note}")
        is_second = each is worker and served is not None
        yield _image("worker" if is_second else name, each, proposed)
        if each.kind != "script":
            others = [o.path for o in found if o.kind == each.kind and o != each]
            notes += [f"{path} has an application, too: not taken" for path in others[:5]]
    if not (served or worker or script) and scripts:
        why = f"The program '{scripts[0]}' of pyproject.toml."
        yield ProposedImage(name, (scripts[0],), why, package=True)


def _image(name: str, found: EntryPoint, proposed: Proposed) -> ProposedImage:
    words = {"django": "Django", "fastapi": "FastAPI", "flask": "Flask", "celery": "Celery"}
    what = words.get(found.kind, "an ASGI application" if found.kind == "asgi" else "a program")
    env = {}
    if found.kind == "django":
        env["DJANGO_SETTINGS_MODULE"] = found.variable
    if found.path.startswith("src/"):
        env["PYTHONPATH"] = f"{_WORKDIR}/src"
    doubt = f" {proposed.note[0].upper()}{proposed.note[1:]}." if proposed.note else ""
    return ProposedImage(
        name,
        proposed.command,
        f"{what[0].upper()}{what[1:]}, found in {found.path}.{doubt}",
        env=tuple(env.items()),
        expose=(PORT,) if proposed.serves else (),
    )


def _with(image: ProposedImage | None, name: str, stated: FromDockerfile) -> ProposedImage:
    """Return ``image`` with what a Dockerfile says in its place."""
    env = {**dict(image.env if image else ()), **stated.env}
    command = stated.command or (image.command if image and not stated.entrypoint else ())
    return ProposedImage(
        image.name if image else name,
        command,
        "As the Dockerfile has it." if stated.command else image.why if image else "",
        entrypoint=stated.entrypoint,
        apt=tuple(stated.apt),
        env=tuple((k, v) for k, v in env.items() if not _OWN_ENV.fullmatch(k)),
        expose=tuple(stated.expose) or (image.expose if image else ()),
        user=stated.user,
        workdir=stated.workdir if stated.workdir not in ("", "/", _WORKDIR) else "",
        python=stated.python,
        health=stated.health,
    )
