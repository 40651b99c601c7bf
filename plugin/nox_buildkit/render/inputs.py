"""What build steps read: folders below the context ``inputs``, each named by its content.

A step has no more before its eyes than what it reads, since BuildKit runs it again when any of that
changes. Images that need the same have the same folder, and with it the same step.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Package, PlacedFile, PlatformPlan, StepPackages, with_group
from nox_buildkit.plan.wheel_platforms import PLATFORMS
from nox_buildkit.render.scripts.layer import EPOCH

#: Where a step finds its folder, and the scripts.
INPUTS = "/run/inputs"
SCRIPTS = "/run/scripts"

#: The program that runs others before the command, in an image that has some.
PRESTART = "/opt/prestart/prestart.py"

_FOLDER_OF_SCRIPTS = "scripts"
#: Files that no index has.
_FILES = "files"

#: Mounts the scripts that steps run.
SCRIPTS_MOUNT = f"--mount=type=bind,from=inputs,source={_FOLDER_OF_SCRIPTS},target={SCRIPTS}"


@dataclass(frozen=True, slots=True)
class Folder:
    """Files for one step. ``copies``: path in the folder → path on this machine, and digest."""

    kind: str
    texts: Mapping[str, str]
    copies: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``kind`` and the beginning of the digest of all that is in it."""
        copied = {name: digest for name, (_, digest) in self.copies.items()}
        content = json.dumps([dict(self.texts), copied], sort_keys=True)
        return f"{self.kind}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def mount(self, below: str = "") -> str:
        """Mounts it, or the folder ``below``, which may hold variables, for a step to read."""
        source = f"{self.name}/{below}" if below else self.name
        return f"--mount=type=bind,from=inputs,source={source},target={INPUTS}"


def scripts() -> dict[str, str]:
    """The scripts that steps run: path below the inputs → text."""
    names = ("environment.py", "layer.py", "surroundings.py", "wheels.py")
    return {f"{_FOLDER_OF_SCRIPTS}/{name}": _script(name) for name in names}


def folders(image: ImagePlan) -> Iterator[Folder]:
    """Every folder that the steps of ``image`` read."""
    if image.has_packages:
        yield pure(image)
    if image.has_native:
        yield native(image)
    if image.own:
        yield own(image)
    if image.step_packages:
        yield for_steps(image)
    on_targets = [x for one in image.platforms for x in one.packages if x.compiled]
    yield from map(sdist, dict.fromkeys((*compiled_here(image), *on_targets)))
    yield surroundings(image)


def pure(image: ImagePlan) -> Folder:
    """Packages for every platform."""
    return _requirements("pure", {"": image.pure})


def own(image: ImagePlan) -> Folder:
    """Packages for every platform that no index has."""
    return _requirements("own", {"": image.own})


def native(image: ImagePlan) -> Folder:
    """Packages by platform, each in a folder ``linux-ARCHITECTURE``."""
    return _requirements("native", _with_wheels(image.platforms))


def sdist(package: Package) -> Folder:
    """A package that is compiled."""
    return _requirements("sdist", {"": [package]})


def compiled_here(image: ImagePlan) -> tuple[Package, ...]:
    """What is compiled on the machine that builds: what may turn out to be pure, and for steps."""
    for_steps = (x for one in image.step_packages for x in one.packages if x.compiled)
    return tuple(dict.fromkeys((*image.compiled_everywhere, *for_steps)))


def for_steps(image: ImagePlan) -> Folder:
    """Packages for the machines that build, each in a folder ``linux-ARCHITECTURE``."""
    return _requirements("steps", _with_wheels(image.step_packages))


def surroundings(image: ImagePlan) -> Folder:
    """What is placed around the application, as ``surroundings.py`` reads it."""
    owner = with_group(image.config.user)
    placed = [_placed(file) for file in image.files]
    texts = {}
    if image.prestart:
        folder = posixpath.dirname(PRESTART)
        texts["prestart.py"] = _script("prestart.py")
        texts["prestart.json"] = _json(image.prestart)
        placed += [
            {"source": name, "target": f"{folder}/{name}", "mode": "0644", "owner": "0:0"}
            for name in texts
        ]
    texts["surroundings.json"] = _json(
        {
            "user": owner,
            "directories": [{"path": path, "owner": owner} for path in image.directories],
            "files": placed,
            "time": EPOCH,
        }
    )
    copies = {f"{_FILES}/{file.digest}": (file.path, file.digest) for file in image.files}
    return Folder("surroundings", texts, copies)


def _placed(file: PlacedFile) -> dict[str, str]:
    return {
        "source": f"{_FILES}/{file.digest}",
        "target": file.target,
        "mode": file.mode,
        "owner": file.owner,
    }


def _requirements(kind: str, lists: Mapping[str, Sequence[Package]]) -> Folder:
    """A file ``requirements.txt`` for each of ``lists``, in the folder that is its key."""
    texts, copies = {}, {}
    for below, packages in lists.items():
        texts[posixpath.join(below, "requirements.txt")] = _pinned(packages)
        for package in packages:
            if package.path:
                name = posixpath.join(below, _FILES, package.filename)
                copies[name] = (package.path, package.sha256)
    return Folder(kind, texts, copies)


def _with_wheels(platforms: Iterable[PlatformPlan | StepPackages]) -> dict[str, list[Package]]:
    return {
        f"linux-{PLATFORMS[one.platform].architecture}": [
            package for package in one.packages if not package.compiled
        ]
        for one in platforms
    }


def _pinned(packages: Sequence[Package]) -> str:
    """One file a package: the hash leaves an installer no choice."""
    return "".join(f"{_requirement(p)} --hash=sha256:{p.sha256}\n" for p in packages)


def _requirement(package: Package) -> str:
    if package.path:
        return f"{package.name} @ file://{INPUTS}/{_FILES}/{package.filename}"
    if package.url:
        return f"{package.name} @ {package.url}"
    return f"{package.name}=={package.version}"


def _script(name: str) -> str:
    return files("nox_buildkit.render.scripts").joinpath(name).read_text()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
