"""nox -s matrix: what a CI build matrix iterates over."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project
from nox_buildkit.oci.platform import PLATFORMS


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print an entry for each image and platform. Raises SpecError."""
    entries = matrix(open_project(buildspec, Selection.of(arguments)))
    if arguments.json:
        json.dump({"include": entries}, sys.stdout)
        print()
        return
    for entry in entries:
        print(f"{entry['image']}  {entry['platform']}  {entry['runner']}")


def matrix(project: Project) -> list[dict[str, str]]:
    """``image``, ``platform``, a ``name`` fit for artifacts, and GitHub's native ``runner``."""
    return [
        {
            "image": name,
            "platform": platform,
            "name": f"{name}-{platform.replace('/', '-')}",
            "runner": PLATFORMS[platform].runner,
        }
        for name in project.images
        for platform in project.spec.images[name].platforms
        if not project.platforms or platform in project.platforms
    ]
