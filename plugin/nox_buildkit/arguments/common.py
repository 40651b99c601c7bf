"""Options that several sessions have."""

from __future__ import annotations

import argparse
from pathlib import Path


def _pair(value: str) -> tuple[str, str]:
    key, equals, text = value.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"'{value}' is not KEY=VALUE")
    return key, text


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``."""
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_pair,
        action="append",
        default=[],
        help="set a key of the spec for this run: registry=ghcr.io/me, images.api.tags=[edge]",
    )


def add_json(parser: argparse.ArgumentParser, what: str = "the result") -> None:
    """Add ``--json``: ``what`` on standard output, and nothing else there."""
    parser.add_argument(
        "--json", action="store_true", help=f"print {what} as JSON; the rest goes to standard error"
    )


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the choice of images and platforms."""
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="images, or groups of them; default: all"
    )
    parser.add_argument(
        "--platform",
        metavar="P",
        action="append",
        default=[],
        help="platform to take, such as linux/arm64; may be repeated; default: those of the spec",
    )
    add_set(parser)


def add_building(parser: argparse.ArgumentParser) -> None:
    """Add the options of whatever builds."""
    add_images(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder to use")
    parser.add_argument("--no-cache", action="store_true", help="do every step again")
    parser.add_argument(
        "--pull", action="store_true", help="look for a newer base though there is one"
    )
    parser.add_argument(
        "--progress",
        choices=("auto", "rich", "plain", "json"),
        default="auto",
        help="how to show it; json: BuildKit's own events on standard output",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("dist"),
        help="folder for images and results; default: dist",
    )
    parser.add_argument(
        "--export-cache",
        action="store_true",
        help="write the layer caches that the spec names; in CI, that is the default",
    )
    parser.add_argument("--verbose", action="store_true", help="show what the steps write")
    add_json(parser)
