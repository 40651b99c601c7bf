"""nox -s matrix: what a CI build matrix iterates over."""

from __future__ import annotations

import argparse
from pathlib import Path

from nox_buildkit.build.changes import changed_images
from nox_buildkit.build.matrix import gitlab_pipeline, matrix_of
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import open_project
from nox_buildkit.report.console import downloads
from nox_buildkit.report.json_output import print_json


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print an entry for each image and platform. Raises NoxBuildkitError."""
    selection = Selection.of(arguments)
    project = open_project(buildspec, selection)
    images = project.images
    if arguments.changed_since:
        with downloads() as report:
            images = changed_images(project, arguments.changed_since, selection, report)
    entries = matrix_of(project, images)
    if arguments.gitlab:
        print(gitlab_pipeline(entries, tuple(project.spec.runners)), end="")
    elif arguments.json:
        print_json({"include": [entry.to_json() for entry in entries]})
    else:
        for entry in entries:
            print(f"{entry.image}  {entry.platform}  {', '.join(entry.runners)}")
