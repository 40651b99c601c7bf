"""The command line of each session: parsed without ever ending the process."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from nox_buildkit.arguments import building, common, releasing
from nox_buildkit.errors import Code, UsageError


class _HelpWanted(Exception):
    """No other word matters: neither those that follow, nor those that are missing."""


class _Help(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        raise _HelpWanted


class _Parser(argparse.ArgumentParser):
    """argparse, with a mistake raised: its SystemExit would end all of nox's sessions."""

    def parse_intermixed_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: None = None
    ) -> argparse.Namespace:
        """Parse as argparse does; of a parser that has a ``rest``, up to ``--``.

        Where help is wanted, nothing else is parsed.
        """
        words = list(args)
        has_rest = self.get_default("rest") is not None and "--" in words
        end = words.index("--") if has_rest else len(words)
        try:
            parsed = super().parse_intermixed_args(words[:end])
        except _HelpWanted:
            return argparse.Namespace(help=True)
        if has_rest:
            parsed.rest = words[end + 1 :]
        return parsed

    def error(self, message: str) -> NoReturn:
        raise UsageError(Code.COMMAND_LINE(message, f"'{self.prog} --help' shows what there is"))


def parser_for(session: str, call: str = "") -> argparse.ArgumentParser:
    """The parser of ``session``; ``call``: how the user calls it, if not by ``nox -s``."""
    call = call or f"nox -s {session} --"
    summary, description, add = _SESSIONS[session]
    parser = _Parser(
        prog=call,
        usage=f"{call} [options]",
        description=f"{summary}\n\n{description}".strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action=_Help, nargs=0, default=False, help="show this text")
    add(parser)
    return parser


def session_names() -> Sequence[str]:
    """Every session that there is."""
    return tuple(_SESSIONS)


_SESSIONS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "init": (
        "Write a buildspec.yaml for this project, and the noxfile that it needs.",
        "The code is read, and not run: FastAPI, Starlette, Flask, Django, Celery and others,\n"
        "programs; a Procfile, a Dockerfile, compose and bake files. It says what it recognised,\n"
        "what it guessed and what it did not take over, and changes no file that is there.\n"
        "Without a noxfile: python -m nox_buildkit init",
        building.add_init,
    ),
    "build": (
        "Build the images of buildspec.yaml for all of their platforms, into dist/.",
        "Every image becomes dist/IMAGE.oci.tar, an OCI layout with every platform in its index;\n"
        "dist/build.json tells digests, sizes, steps and seconds, dist/timeline.html where they\n"
        "went. Locks are brought up to date first; with CI=true a stale one is an error. What did\n"
        "not change is not built again.",
        building.add_build,
    ),
    "run": (
        "Build one image for the platform of the engine, and start it.",
        "Its ports are published, its output is shown, and Ctrl-C ends it. dist/ is left alone.\n"
        "Another command than the image's comes after '--': nox -s run -- web -- python -m app\n"
        "On the private engine, which has no bridge, it has the host's network.\n"
        "With --watch, a change of its sources, its requirements or the spec starts it anew.",
        building.add_run,
    ),
    "push": (
        "Build the images and push them with their tags to the registry of buildspec.yaml.",
        "Credentials are those of 'docker login'. dist/release.json tells what was pushed.\n"
        "A tag that already names the same image is not pushed again.",
        common.add_building,
    ),
    "tags": (
        "Show which tags a release would move, from what to what, and why.",
        "The registries are asked, and nothing is written. A tag such as 'latest' moves only to\n"
        "the highest version that its registry has.",
        releasing.add_tags,
    ),
    "release": (
        "Build the images, publish them by digest, and move their tags as the last thing.",
        "If anything fails before, no tag of any image has moved in any registry; running it\n"
        "again sends nothing twice. Tags of a version need a clean commit with a git tag of it.\n"
        "dist/release.json tells what was released, dist/release-journal.json what is where.",
        releasing.add_release,
    ),
    "merge": (
        "Release what the runners of a CI matrix built and pushed with --push-by-digest.",
        "The images of all platforms become one index, are checked, tested and signed, and get\n"
        "their tags, as 'nox -s release' on one machine does it.",
        releasing.add_merge,
    ),
    "resolve": (
        "Print YAML files with the digests of the last release in place of image names.",
        "'image://NAME' is an image of the spec; a repository that was published is one, too,\n"
        "with any tag. For kubectl: nox -s resolve -- k8s/*.yaml | kubectl apply -f -",
        releasing.add_resolve,
    ),
    "verify": (
        "Check published images without starting them: packages, files, machine code, traces.",
        "An image of the commit that is checked out is compared with its lock and its spec, any\n"
        "other with itself. Signatures are checked by cosign.",
        releasing.add_verify,
    ),
    "doctor": (
        "Look over the project and the machine: engine, platforms, disk, network, programs.",
        "Every answer has a verdict, and what is not well the command that mends it. Nothing is\n"
        "built or started. A problem ends it with a status that is not 0, a warning does not.\n"
        "A registry is probed once a day, by manifests of a few hundred bytes without a tag.",
        releasing.add_doctor,
    ),
    "lock": (
        "Bring the committed requirements locks up to date, with hashes, by uv pip compile.",
        "Pins that still fit are kept. A lock whose inputs did not change costs nothing.\n"
        "With --bases, builds take the digests of bases.lock until it is written again.",
        building.add_lock,
    ),
    "plan": (
        "Show what a build would do: bases, layers, packages, tags, and the buildx command.",
        "Nothing is built. A stale lock is refreshed first, as a build would do it. It says which\n"
        "layers are made again since the last build here, and which input of them changed.",
        building.add_plan,
    ),
    "render": (
        "Write Dockerfiles and docker-bake.json that build the same images without nox-buildkit.",
        "The folder also gets what the build reads: pinned requirements, uv, assembled bases.",
        building.add_render,
    ),
    "matrix": (
        "Print the CI build matrix: one entry for each image and platform.",
        "For GitHub Actions: 'nox -s matrix -- --json' is a value for strategy.matrix.",
        building.add_matrix,
    ),
    "engine": (
        "Control the private BuildKit: status, start, stop, remove, env.",
        'eval "$(nox -s engine -- env)" lets this shell\'s docker command use it.',
        building.add_engine,
    ),
}
