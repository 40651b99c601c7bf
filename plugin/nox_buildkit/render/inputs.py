"""Folders that build steps read, in the context ``inputs``, each named by its content.

BuildKit runs a step again when any file that it mounts changes, so a step mounts only the folder
that it reads. Images with the same packages have the same folder, and so the same step.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.application import PlacedFile, TakenFile, with_group
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import Input, Placement, Requirements
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.start_programs import BECOME, INTERPOLATE, PRESTART
from nox_buildkit.render.scripts.layer import EPOCH

#: Where a step finds its folder, and the scripts.
INPUTS = "/run/inputs"
SCRIPTS = "/run/scripts"

#: Where a step finds what is taken from other images, each by its number.
TAKEN_FILES = "/run/taken"

#: The file in which the stage ``surroundings`` says to whom the working folder belongs.
OWNER = "/owner"

_FOLDER_OF_SCRIPTS = "scripts"
_FILES = "files"
#: Where a step finds the files of packages.
FILES = f"{INPUTS}/{_FILES}"

#: Mounts the scripts that steps run.
SCRIPTS_MOUNT = f"--mount=type=bind,from=inputs,source={_FOLDER_OF_SCRIPTS},target={SCRIPTS}"


@dataclass(frozen=True, slots=True)
class Copied:
    """A file with the digest ``sha256``: ``path`` on this machine, else one of the wheelhouse."""

    sha256: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Files for one step. ``copies``: by their path in the folder."""

    kind: str
    texts: Mapping[str, str]
    copies: Mapping[str, Copied] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``kind`` and the beginning of the digest of all that is in it."""
        copied = {name: file.sha256 for name, file in self.copies.items()}
        content = json.dumps([dict(self.texts), copied], sort_keys=True)
        return f"{self.kind}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def mount(self, subfolder: str = "") -> str:
        """Return the option that mounts it; ``subfolder``: only this, variables allowed."""
        source = f"{self.name}/{subfolder}" if subfolder else self.name
        return f"--mount=type=bind,from=inputs,source={source},target={INPUTS}"


def scripts() -> dict[str, str]:
    """Return the scripts that steps run: path in the inputs → text."""
    names = (
        "cross.py", "environment.py", "layer.py", "machine_code.py", "made_wheels.py",
        "make_wheel.py", "surroundings.py",
    )  # fmt: skip
    return {f"{_FOLDER_OF_SCRIPTS}/{name}": _script(name) for name in names}


def folders(image: ImagePlan) -> Iterator[Folder]:
    """Yield every folder that the stages of ``image`` read, once."""
    yield from map(folder_of, dict.fromkeys(x for stage in image.stages for x in stage.reads))


def folder_of(read: Input) -> Folder:
    """Return the folder with what a stage reads."""
    if isinstance(read, Placement):
        return _surroundings(read)
    return _requirements(read)


def mount_of(requirements: Requirements) -> str:
    """Return the option that mounts ``requirements`` of the machine that chooses."""
    folder = folder_of(requirements)
    variable = {"build": "BUILDARCH", "target": "TARGETARCH", None: ""}[requirements.machine]
    return folder.mount(f"linux-${variable}" if variable else "")


def _surroundings(placement: Placement) -> Folder:
    """Return what is placed around the application, in the form that ``surroundings.py`` reads."""
    owner = with_group(placement.user)
    placed = [_placed(file) for file in placement.files]
    texts: dict[str, str] = {}
    if placement.prestart:
        texts |= _program(PRESTART, placement.prestart)
        placed += _beside(PRESTART)
    if placement.interpolated:
        texts |= _program(INTERPOLATE, _pieces(placement))
        placed += _beside(INTERPOLATE)
    if placement.becomes:
        texts |= _program(BECOME, _account(placement))
        placed += _beside(BECOME)
    account = {"account": placement.account} if placement.account else {}
    texts["surroundings.json"] = _json(
        {
            **account,
            **({"tell": OWNER} if placement.workdir else {}),
            "user": owner,
            "directories": [{"path": path, "owner": owner} for path in placement.directories],
            "files": [*map(_taken, range(len(placement.taken)), placement.taken), *placed],
            "time": EPOCH,
        }
    )
    copies = {
        f"{_FILES}/{file.digest}": Copied(file.digest, None if file.address else file.path)
        for file in placement.files
        if file.kind == "file"
    }
    return Folder("surroundings", texts, copies)


def _program(path: str, description: object) -> dict[str, str]:
    """Return a program that containers start with, and the file that it reads."""
    stem = posixpath.basename(path).removesuffix(".py")
    return {f"{stem}.py": _script(f"{stem}.py"), f"{stem}.json": _json(description)}


def _beside(path: str) -> list[dict[str, str]]:
    folder, name = posixpath.split(path)
    names = (name, f"{name.removesuffix('.py')}.json")
    return [
        {"source": name, "target": f"{folder}/{name}", "mode": "0644", "owner": "0:0"}
        for name in names
    ]


def _pieces(placement: Placement) -> dict[str, list[object]]:
    return {
        word: [part if isinstance(part, str) else [part.name, part.default] for part in parts]
        for word, parts in placement.interpolated
    }


def _account(placement: Placement) -> dict[str, object]:
    uid, gid = map(int, placement.user.split(":"))
    folders = list(placement.directories)
    return {
        "name": placement.account,
        "uid": uid,
        "gid": gid,
        "directories": folders,
        "workdir": placement.workdir,
    }


def _placed(file: PlacedFile) -> dict[str, str]:
    content = {
        "file": {"source": f"{_FILES}/{file.digest}", "mode": file.mode},
        "link": {"link": file.link},
        # Without a source, and without a link.
        "folder": {"mode": file.mode},
    }
    return {**content[file.kind], "target": file.target, "owner": file.owner}


def _taken(number: int, file: TakenFile) -> dict[str, str]:
    stated = {"mode": file.mode, "folder_mode": file.folder_mode}
    place = {"taken": f"{TAKEN_FILES}/{number}", "target": file.target, "owner": file.owner}
    return place | {key: value for key, value in stated.items() if value}


def _requirements(requirements: Requirements) -> Folder:
    """A file ``requirements.txt`` for each list, in a folder ``linux-ARCHITECTURE``."""
    texts, copies = {}, {}
    for platform, packages in requirements.lists:
        folder = f"linux-{PLATFORMS[platform].architecture}" if platform else ""
        texts[posixpath.join(folder, "requirements.txt")] = _pinned(packages)
        for package in packages:
            name = posixpath.join(folder, _FILES, package.filename)
            copies[name] = Copied(package.sha256, package.path)
    return Folder(requirements.kind, texts, copies)


def _pinned(packages: Sequence[Package]) -> str:
    """One file a package: the hash leaves an installer no choice."""
    return "".join(f"{_requirement(p)} --hash=sha256:{p.sha256}\n" for p in packages)


def _requirement(package: Package) -> str:
    if package.version:
        return f"{package.name}=={package.version}"
    return f"{package.name} @ file://{FILES}/{package.filename}"


def _script(name: str) -> str:
    return files("nox_buildkit.render.scripts").joinpath(name).read_text()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
