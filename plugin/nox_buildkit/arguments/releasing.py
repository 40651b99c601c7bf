"""Options of the sessions that release, and look at what is released."""

from __future__ import annotations

import argparse
from pathlib import Path

from nox_buildkit.arguments.common import add_building, add_images, add_json, add_set


def add_dirty(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-dirty``."""
    parser.add_argument(
        "--allow-dirty",
        action="store_true",
        help="release though the work tree has changes that are not committed",
    )


def _refs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image-refs",
        metavar="FILE",
        type=Path,
        help="write each published index to this file, a line of REPOSITORY@DIGEST",
    )


def add_tags(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``tags``."""
    add_images(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder that would be used")
    add_dirty(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def add_release(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``release``."""
    add_building(parser)
    add_dirty(parser)
    _refs(parser)


def add_doctor(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``doctor``."""
    add_set(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder to look at")
    parser.add_argument("--json", action="store_true", help="as JSON")


def add_merge(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``merge``."""
    parser.add_argument(
        "results", metavar="FILE", nargs="+", type=Path, help="result files of all runners"
    )
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        action="append",
        default=[],
        help="image, or group of them, to release; may be repeated; default: all",
    )
    add_set(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder whose engine tests")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("dist"), help="folder for records"
    )
    add_dirty(parser)
    _refs(parser)
    add_json(parser)


def add_resolve(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``resolve``."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="YAML files")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("dist"), help="folder of release.json"
    )
    add_json(parser, "the files, and what names stand for,")


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verify``."""
    parser.add_argument(
        "references", metavar="REF", nargs="+", help="images in registries, by tag or digest"
    )
    parser.add_argument(
        "--key", metavar="FILE", default="", help="public key that has signed; default: the spec's"
    )
    parser.add_argument(
        "--reproduce",
        action="store_true",
        help="build the commit again without cache, and name the first difference",
    )
    add_set(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder to reproduce with")
    parser.add_argument("--json", action="store_true", help="as JSON")
