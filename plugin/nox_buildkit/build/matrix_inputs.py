"""Inputs that all platforms of one build have in common: results of two builds are told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.plan.identity import digest_of
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of an image on a platform; images below it count.

    ``generator``: digest of the program that renders plans; ``version``: of the project; ``lock``
    and ``sources``: digests, the second empty where a commit without changes says it: a job may
    make files of its own besides.
    """

    generator: str
    version: str
    lock: str
    sources: str

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Inputs:
        """Read what `to_json` has written. Raises LookupError, TypeError."""
        found = cls(*(value[field.name] for field in fields(cls)))
        if not all(isinstance(each, str) for each in asdict(found).values()):
            raise TypeError
        return found

    def to_json(self) -> dict[str, str]:
        """Return them as a result file has them."""
        return asdict(self)

    def differing(self, other: Inputs) -> str:
        """Return the names of those that differ from ``other``, for people."""
        mine, theirs = asdict(self), asdict(other)
        return " and ".join(_SHOWN[name] for name in mine if mine[name] != theirs[name])


_SHOWN = {
    "generator": "nox-buildkit",
    "version": "the version of the project",
    "lock": "the lock",
    "sources": "the sources",
}


def inputs_of(plan: Plan, image: ImagePlan, root: Path) -> dict[str, Inputs]:
    """Return the inputs of ``image`` by platform; ``root``: the folder of the project."""
    return {platform: _inputs(plan, image, platform, root) for platform in image.every_platform}


def _inputs(plan: Plan, image: ImagePlan, platform: str, root: Path) -> Inputs:
    lineage = plan.lineage(image, platform)
    committed = plan.git is not None and not plan.git.dirty
    sources = tuple((one.application.sources, one.application.files) for one in lineage)
    return Inputs(
        image.generator,
        image.publication.version,
        digest_of(tuple(_lock_digest(root, one.python.lock) for one in lineage)),
        "" if committed else digest_of(sources),
    )


def _lock_digest(root: Path, lock: str | None) -> str:
    return hashlib.sha256((root / lock).read_bytes()).hexdigest() if lock else ""


def require_one_build(image: ImagePlan, found: Sequence[tuple[Path, Mapping[str, Inputs]]]) -> None:
    """Refuse result files of ``image`` that are not of one build. Raises ReleaseError.

    ``found``: inputs by platform in each file. Variants may have sources and locks of their own.
    """
    first: dict[str, tuple[Path, Inputs]] = {}
    problems = {}
    for path, inputs in found:
        for platform in image.every_platform:
            if (each := inputs.get(platform)) is None:
                continue
            other, known = first.setdefault(image.on(platform).name, (path, each))
            if each != known:
                differing = each.differing(known)
                message = f"{path} and {other} are not of one build of {image.name}"
                problems[path] = Code.MATRIX_RESULT(
                    f"{message}: they differ in {differing}", "build all platforms of one state"
                )
    if problems:
        raise ReleaseError(*problems.values())
