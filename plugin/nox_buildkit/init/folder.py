"""Images of one folder: of its Procfile or its code, as its Dockerfile has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nox_buildkit.init.code import images_of_code
from nox_buildkit.init.commands import PORT, Known
from nox_buildkit.init.procfile import Process, read_procfile
from nox_buildkit.init.proposal import Proposal, ProposedImage, image_name
from nox_buildkit.init.requirement_files import choose
from nox_buildkit.init.requirements import console_scripts, read_tables, required_names
from nox_buildkit.init.stated import Stated
from nox_buildkit.init.with_stated import with_dockerfile


@dataclass(frozen=True, slots=True)
class Place:
    """A folder ``below`` the project's ``root``, with its ``files``; ``base``: of all images."""

    root: Path
    below: str
    files: Sequence[str]
    base: str

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.root / self.below

    def inside(self, below: str) -> Place:
        """Return the place of a folder of this one."""
        files = [f.removeprefix(f"{below}/") for f in self.files if f.startswith(f"{below}/")]
        return self if below == "." else replace(self, below=below, files=files)


def images_of_folder(place: Place, stated: Stated | None) -> Proposal:
    """Return the images of a folder, named after its project."""
    folder, name = place.folder, project_name(place.folder)
    chosen = choose(folder, place.root, place.files, stated)
    known = Known(required_names(folder, chosen.files), frozenset(place.files))
    doubts: list[str] = []
    notes = list(chosen.notes)
    images = list(images_of_code(name, folder, known, place.base, doubts))
    if (folder / "Procfile").is_file():
        processes = list(read_procfile(folder / "Procfile", PORT))
        code = images[0].keys if images else {}
        images = list(_of_procfile(name, processes, code, notes)) or images
    if stated:
        images = list(with_dockerfile(images, name, stated))
        programs = set(console_scripts(folder))
        # Such a program is there only where the project is installed.
        images = [replace(i, keys={**i.keys, "package": True}) if _program(i) in programs else i
                  for i in images]  # fmt: skip
        # What a step does was not left.
        steps = any("steps" in image.keys for image in images)
        notes += [n for n in stated.notes if not steps or "collectstatic" not in n]
        if "command" in stated.keys:
            # Doubts were about another one.
            doubts = []
    context = {} if place.below == "." else {"context": place.below}
    whole = [
        replace(image, keys={**context, **image.keys}, requirements=chosen.keys) for image in images
    ]
    return Proposal(tuple(whole), (*doubts, *notes))


def project_name(folder: Path) -> str:
    """Return the name of the project in ``folder``, as that of an image."""
    tables = read_tables(folder / "pyproject.toml")
    poetry = tables.get("tool", {}).get("poetry", {})
    stated = tables.get("project", {}).get("name") or poetry.get("name")
    return image_name(str(stated or folder.resolve().name))


def _program(image: ProposedImage) -> str:
    return next(iter((*image.keys.get("entrypoint", ()), *image.command)), "")


def _of_procfile(
    name: str, processes: Iterable[Process], code: Mapping[str, Any], notes: list[str]
) -> Iterator[ProposedImage]:
    besides = {k: v for k, v in code.items() if k in ("apt", "directories", "steps",
                                                     "writable-workdir", "env")}  # fmt: skip
    for each in processes:
        if each.name == "release":
            words = " ".join(each.started.command)
            notes.append(f"Procfile:{each.line}: release: {words}: not taken over: run it before "
                         "containers are replaced, or as 'prestart'")  # fmt: skip
            continue
        serves = each.name == "web"
        keys = {**besides, **each.started.keys}
        if serves:
            keys["expose"] = [int(PORT)]
        if serves and not any("${PORT" in word for word in each.started.command):
            # Whoever reads a Procfile sets it.
            keys["env"] = {**besides.get("env", {}), "PORT": PORT}
        why = f"The process '{each.name}' of the Procfile."
        yield ProposedImage(name if serves else image_name(each.name), why, keys)
