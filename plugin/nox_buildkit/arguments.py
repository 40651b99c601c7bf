"""The command line of each session: parsed without ever ending the process."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from nox_buildkit.errors import Problem, UsageError


class _Parser(argparse.ArgumentParser):
    """argparse, with a mistake raised: its SystemExit would end all of nox's sessions."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(Problem(message, f"'nox -s {self.prog} -- --help' shows what there is"))


def parser_for(session: str, name: str | None = None) -> argparse.ArgumentParser:
    """The parser of ``session``, which the user calls ``name``."""
    summary, description, add = _SESSIONS[session]
    parser = _Parser(
        prog=name or session,
        usage=f"nox -s {name or session} -- [options]",
        description=f"{summary}\n\n{description}".strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this text")
    add(parser)
    return parser


def session_names() -> Sequence[str]:
    """Every session that there is."""
    return tuple(_SESSIONS)


def _pair(value: str) -> tuple[str, str]:
    key, equals, text = value.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"'{value}' is not KEY=VALUE")
    return key, text


def _set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_pair,
        action="append",
        default=[],
        help="set a key of the spec for this run: registry=ghcr.io/me, images.api.tags=[edge]",
    )


def _images(parser: argparse.ArgumentParser) -> None:
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
    _set(parser)


def _building(parser: argparse.ArgumentParser) -> None:
    _images(parser)
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
    parser.add_argument("--verbose", action="store_true", help="show what the steps write")


def _build(parser: argparse.ArgumentParser) -> None:
    _building(parser)
    parser.add_argument(
        "--load", action="store_true", help="also put the images into the engine's image store"
    )
    parser.add_argument(
        "--push-by-digest",
        action="store_true",
        help="also push them without a tag, and write dist/results/*.json for 'nox -s merge'",
    )


def _dirty(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-dirty",
        action="store_true",
        help="release though the work tree has changes that are not committed",
    )


def _tags(parser: argparse.ArgumentParser) -> None:
    _images(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder that would be used")
    _dirty(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def _release(parser: argparse.ArgumentParser) -> None:
    _building(parser)
    _dirty(parser)


def _merge(parser: argparse.ArgumentParser) -> None:
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
    _set(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder whose engine tests")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("dist"), help="folder for records"
    )
    _dirty(parser)


def _resolve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="YAML files")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("dist"), help="folder of release.json"
    )


def _lock(parser: argparse.ArgumentParser) -> None:
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
    _set(parser)


def _plan(parser: argparse.ArgumentParser) -> None:
    _images(parser)
    parser.add_argument("--builder", metavar="NAME", help="buildx builder that would be used")
    parser.add_argument("--json", action="store_true", help="all of it, as JSON")


def _render(parser: argparse.ArgumentParser) -> None:
    _images(parser)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("bake"), help="where to; default: bake"
    )


def _matrix(parser: argparse.ArgumentParser) -> None:
    _images(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for a CI build matrix")


def _engine(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--json", action="store_true", help="with status: as JSON")


_SESSIONS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "build": (
        "Build the images of buildspec.yaml for all of their platforms, into dist/.",
        "Every image becomes dist/IMAGE.oci.tar, an OCI layout with every platform in its index;\n"
        "dist/build.json tells digests, sizes, steps and seconds. Locks are brought up to date\n"
        "first; with CI=true a stale one is an error. What did not change is not built again.",
        _build,
    ),
    "push": (
        "Build the images and push them with their tags to the registry of buildspec.yaml.",
        "Credentials are those of 'docker login'. dist/release.json tells what was pushed.\n"
        "A tag that already names the same image is not pushed again.",
        _building,
    ),
    "tags": (
        "Show which tags a release would move, from what to what, and why.",
        "The registries are asked, and nothing is written. A tag such as 'latest' moves only to\n"
        "the highest version that its registry has.",
        _tags,
    ),
    "release": (
        "Build the images, publish them by digest, and move their tags as the last thing.",
        "If anything fails before, no tag of any image has moved in any registry; running it\n"
        "again sends nothing twice. Tags of a version need a clean commit with a git tag of it.\n"
        "dist/release.json tells what was released, dist/release-journal.json what is where.",
        _release,
    ),
    "merge": (
        "Release what the runners of a CI matrix built and pushed with --push-by-digest.",
        "The images of all platforms become one index, are checked, tested and signed, and get\n"
        "their tags, as 'nox -s release' on one machine does it.",
        _merge,
    ),
    "resolve": (
        "Print YAML files with the digests of the last release in place of image names.",
        "'image://NAME' is an image of the spec; a repository that was published is one, too,\n"
        "with any tag. For kubectl: nox -s resolve -- k8s/*.yaml | kubectl apply -f -",
        _resolve,
    ),
    "lock": (
        "Bring the committed requirements locks up to date, with hashes, by uv pip compile.",
        "Pins that still fit are kept. A lock whose inputs did not change costs nothing.\n"
        "With --bases, builds take the digests of bases.lock until it is written again.",
        _lock,
    ),
    "plan": (
        "Show what a build would do: bases, layers, packages, tags, and the buildx command.",
        "Nothing is built. A stale lock is refreshed first, as a build would do it.",
        _plan,
    ),
    "render": (
        "Write Dockerfiles and docker-bake.json that build the same images without nox-buildkit.",
        "The folder also gets what the build reads: pinned requirements, uv, assembled bases.",
        _render,
    ),
    "matrix": (
        "Print the CI build matrix: one entry for each image and platform.",
        "For GitHub Actions: 'nox -s matrix -- --json' is a value for strategy.matrix.",
        _matrix,
    ),
    "engine": (
        "Control the private BuildKit: status, start, stop, remove, env.",
        'eval "$(nox -s engine -- env)" lets this shell\'s docker command use it.',
        _engine,
    ),
}
