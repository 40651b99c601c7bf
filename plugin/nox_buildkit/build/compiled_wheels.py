"""Wheels that builds compiled, kept in the wheelhouse: an engine that is new compiles none again.

A kept wheel takes the place of the stage that would make it. It is found by all that the stage
reads: its instructions, the sdist's hash, the image that compiles, the platform. No lock has its
hash: whoever can write to the cache can alter it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.cache_entries import is_whole, seal
from nox_buildkit.files import private_dir, remove
from nox_buildkit.lock.wheelhouse import KEPT_SECONDS, wheelhouse
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.base import LayoutImage
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import Package
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.stages import HERE, ON_TARGET, Stage, compiling_stage
from nox_buildkit.render.inputs import scripts
from nox_buildkit.render.stage import instructions

#: Stages with what others have compiled, on the target platforms and on the machine that builds.
_GATHERED = {ON_TARGET: "wheels", HERE: "pure-wheels"}


@dataclass(frozen=True, slots=True)
class CompiledWheel:
    """The wheel of ``package`` that a stage of ``image`` makes on ``platform``.

    ``prefix``: `HERE` or `ON_TARGET`.
    """

    image: ImagePlan
    package: Package
    prefix: str
    platform: str

    @property
    def stage(self) -> str:
        return compiling_stage(self.prefix, self.package)

    @property
    def context(self) -> str:
        """The name of the bake context that takes the place of the stage."""
        # The machine that builds is one, whatever platform it builds for.
        return self.stage if self.prefix == HERE else f"{self.stage}::{self.platform}"

    @property
    def gathered(self) -> str:
        """The stage from which it can be taken."""
        return _GATHERED[self.prefix]

    @property
    def folder(self) -> Path:
        """The folder that keeps it; empty if there was nothing to be made on the platform."""
        return wheelhouse() / "compiled" / self._key()

    @property
    def seal(self) -> Path:
        return self.folder.with_suffix(".json")

    def _key(self) -> str:
        stages = {stage.name: stage for stage in self.image.stages}
        read, waiting = [], [self.stage]
        while waiting:
            stage = stages.get(waiting.pop())
            if stage is None:
                continue
            if isinstance(stage.parent, str):
                read.append(instructions(self.image, stage))
            made = (getattr(operation, "made", "") for operation in stage.operations)
            waiting += filter(None, (self._parent(stage), *made))
        compiler = self.image.bases.named["compiler"]
        digest = compiler.digest
        if isinstance(compiler.source, LayoutImage):
            digest = dict(compiler.source.manifests).get(self.platform, digest)
        uv = self.image.python.uv
        cross = [base.digest for p, base in self.image.bases.cross if p == self.platform]
        key = [read, scripts(), digest, compiler.digest == digest, self.platform, uv, cross]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()

    def _parent(self, stage: Stage) -> str:
        """The stage that ``stage`` begins with on the platform."""
        if isinstance(stage.parent, str):
            return stage.parent
        return dict(stage.parent.aliases).get(PLATFORMS[self.platform].architecture, "")


def compiled_wheels(plan: Plan) -> Iterator[CompiledWheel]:
    """Yield all wheels that stages of ``plan`` make for its images."""
    for target in plan.targets:
        packages = target.packages
        for one in packages.platforms:
            for package in one.compiled:
                yield CompiledWheel(target, package, ON_TARGET, one.platform)
        # Machines of several kinds may build.
        if len(plan.native) == 1:
            for package in packages.compiled_for_all:
                yield CompiledWheel(target, package, HERE, plan.native[0])


def kept_contexts(plan: Plan) -> dict[str, dict[str, str]]:
    """Return the contexts that take the place of stages, by target: name → folder."""
    found: dict[str, dict[str, str]] = {}
    for wheel in compiled_wheels(plan):
        if is_whole(wheel.folder, wheel.seal):
            os.utime(wheel.seal)
            found.setdefault(wheel.image.name, {})[wheel.context] = str(wheel.folder)
    return found


def not_kept(plan: Plan) -> list[CompiledWheel]:
    """Return the wheels of ``plan`` that the wheelhouse does not have."""
    return [w for w in compiled_wheels(plan) if not is_whole(w.folder, w.seal)]


def keep(wheel: CompiledWheel, exported: Path) -> None:
    """Move the files of ``wheel`` from ``exported``, a folder with all of its stage, to its own."""
    taken = exported / wheel.platform.replace("/", "_") / "wheels" / wheel.package.name
    if not taken.parent.is_dir():
        return
    folder = private_dir(wheel.folder.parent) / f"{wheel.folder.name}.new"
    remove(folder)
    (folder / "wheels").mkdir(parents=True)
    for path in _wheels(taken):
        target = folder / "wheels" / path.parent.name / path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    remove(wheel.folder)
    folder.rename(wheel.folder)
    seal(wheel.folder, wheel.seal)


def _wheels(folder: Path) -> Iterator[Path]:
    """Yield the wheels in the folders of ``folder``, and nothing that foreign code linked there."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as places:
        for place in places:
            if not place.is_dir(follow_symlinks=False):
                continue
            with os.scandir(place) as files:
                for file in files:
                    if file.name.endswith(".whl") and file.is_file(follow_symlinks=False):
                        yield Path(file.path)


def forget_unused() -> None:
    """Remove what no build has used for long."""
    limit = time.time() - KEPT_SECONDS
    for stated in (wheelhouse() / "compiled").glob("*.json"):
        # Another build may do the same.
        with contextlib.suppress(OSError):
            if stated.stat().st_mtime < limit:
                remove(stated.with_suffix(""))
                remove(stated)
