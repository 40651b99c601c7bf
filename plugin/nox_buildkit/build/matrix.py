"""The entries of a CI build matrix, and the pipeline that GitLab makes of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from nox_buildkit.build.project import Project
from nox_buildkit.oci.platform import PLATFORMS

#: Names the image that jobs of GitLab run in.
IMAGE_VARIABLE = "NOX_BUILDKIT_IMAGE"


@dataclass(frozen=True, slots=True)
class MatrixEntry:
    """An image on a platform; ``runners``: the labels of a machine to build it on."""

    image: str
    platform: str
    runners: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name that is fit for artifacts and jobs."""
        return f"{self.image}-{self.platform.replace('/', '-')}"

    def to_json(self) -> dict[str, Any]:
        """Return the entry of GitHub's ``matrix.include``; ``runner`` is for ``runs-on``."""
        runner = self.runners[0] if len(self.runners) == 1 else list(self.runners)
        return {
            "image": self.image,
            "platform": self.platform,
            "name": self.name,
            "runner": runner,
        }


def matrix_of(project: Project, images: Sequence[str]) -> tuple[MatrixEntry, ...]:
    """Return an entry for each of the ``images`` and each platform that was asked for."""
    stated = project.spec.runners
    return tuple(
        MatrixEntry(name, platform, stated.get(platform) or (PLATFORMS[platform].runner,))
        for name in images
        for platform in project.spec.images[name].platforms
        if not project.platforms or platform in project.platforms
    )


def gitlab_pipeline(entries: Sequence[MatrixEntry], stated: Sequence[str]) -> str:
    """Return a child pipeline: a job for each entry, and one that merges what they pushed.

    ``stated``: platforms whose runners the spec names; others take any runner.
    """
    jobs: dict[str, Any] = {}
    for entry in entries:
        command = ["nox", "-s", "build", "--", entry.image, "--platform", entry.platform]
        jobs[f"build {entry.name}"] = {
            "extends": ".nox-buildkit",
            "stage": "build",
            **({"tags": list(entry.runners)} if entry.platform in stated else {}),
            "script": [shlex.join([*command, "--push-by-digest"])],
            "artifacts": {"paths": ["dist/results/"]},
        }
    if entries:
        images = dict.fromkeys(entry.image for entry in entries)
        chosen = " ".join(f"--image {shlex.quote(image)}" for image in images)
        jobs["merge"] = {
            "extends": ".nox-buildkit",
            # `needs` takes 50 jobs at most; a stage has the artifacts of those before it anyway.
            "stage": "release",
            "script": [f"nox -s merge -- dist/results/*.json {chosen}"],
            "artifacts": {"paths": ["dist/release.json"]},
        }
    else:
        # A pipeline without a job is an error.
        jobs["nothing changed"] = {"stage": "build", "script": ["echo nothing changed"]}
    # A child pipeline has the variables of its parent, and not its image.
    install = {
        "image": f"${IMAGE_VARIABLE}",
        "before_script": ["python3 -m pip install nox-buildkit"],
    }
    base = {".nox-buildkit": install}
    return yaml.safe_dump({"stages": ["build", "release"], **base, **jobs}, sort_keys=False)
