"""Options of the sessions that lock, plan and build."""

from __future__ import annotations

import argparse
from pathlib import Path

from nox_buildkit.arguments.common import add_building, add_images, add_json, add_set


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``build``."""
    add_building(parser)
    parser.add_argument(
        "--load", action="store_true", help="also put the images into the engine's image store"
    )
    parser.add_argument(
        "--push-by-digest",
        action="store_true",
        help="also push them without a tag, and write dist/results/*.json for 'nox -s merge'",
    )


def add_init(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``init``."""
    parser.add_argument(
        "--diff", action="store_true", help="write nothing; show how the file that is there differs"
    )
    parser.add_argument("--base", metavar="BASE", default="", help="base of the images")
    parser.add_argument("--json", action="store_true", help="write nothing; print it as JSON")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``; what comes after ``--`` is ``rest``."""
    parser.set_defaults(rest=[])
    parser.add_argument(
        "image", metavar="IMAGE", nargs="?", help="image to start; default: the only one"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="build and start it again whenever what it is made of changes",
    )
    parser.add_argument("--platform", metavar="P", help="platform to start; default: the engine's")
    for option, metavar, what in (
        ("--env", "NAME[=VALUE]", "a variable for the container; default: its value here"),
        ("--env-file", "FILE", "a file of variables"),
        ("--volume", "SOURCE:TARGET", "a folder or a volume, and its place in the container"),
        ("--publish", "PORT:PORT", "a port of the host and one of the container; default: expose"),
    ):
        parser.add_argument(
            option, metavar=metavar, action="append", default=[], help=f"{what}; may be repeated"
        )
    parser.add_argument("--builder", metavar="NAME", help="buildx builder to use")
    parser.add_argument(
        "--progress",
        choices=("auto", "rich", "plain"),
        default="auto",
        help="how to show a build",
    )
    add_set(parser)


def add_lock(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lock``."""
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="images to lock, or groups of them; default: all"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if a lock is not what it should be",
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument(
        "--bases",
        action="store_true",
        help="also lock the bases that come from registries to their digests of now (bases.lock)",
    )
    parser.add_argument(
        "--upgrade-package",
        metavar="NAME",
        action="append",
        default=[],
        help="take the newest version of this package; may be repeated",
    )
    add_set(parser)
    add_json(parser, "what became of each lock")


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``plan``."""
    add_images(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder that would be used")
    parser.add_argument(
        "--diff",
        metavar="REF",
        help="compare with the commit REF; default: with what was built here last",
    )
    parser.add_argument("--json", action="store_true", help="all of it, as JSON")


def add_render(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``render``."""
    add_images(parser)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("bake"), help="where to; default: bake"
    )
    add_json(parser, "the folder and the buildx command")


def add_matrix(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``matrix``."""
    add_images(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, for a CI build matrix")
    form.add_argument("--gitlab", action="store_true", help="as a child pipeline of GitLab, YAML")
    parser.add_argument(
        "--changed-since",
        metavar="REF",
        default="",
        help="only images whose plan is another one than at this commit",
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``engine``."""
    parser.add_argument(
        "action",
        choices=("status", "start", "stop", "remove", "env"),
        nargs="?",
        default="status",
        help="env prints shell exports, for eval; default: status",
    )
    parser.add_argument(
        "--platform",
        metavar="P",
        action="append",
        default=[],
        help="with start: also set up emulation, to run images of this platform",
    )
    add_json(parser, "the state of the engine, or with env the variables,")
