"""``python -m nox_buildkit init``: for a project that has no noxfile yet."""

from __future__ import annotations

import sys
from pathlib import Path

from nox_buildkit.arguments.parser import parser_for
from nox_buildkit.commands import init
from nox_buildkit.errors import NoxBuildkitError


def main(words: list[str]) -> int:
    """Run ``init``; everything else is a session of nox."""
    parser = parser_for("init")
    parser.prog, parser.usage = "init", "python -m nox_buildkit init [options]"
    if words[:1] != ["init"]:
        print(f"{parser.format_usage()}everything else is a session: nox -s build", file=sys.stderr)
        return 2
    try:
        arguments = parser.parse_intermixed_args(words[1:])
        if arguments.help:
            print(parser.format_help(), end="")
        else:
            init.run(Path("buildspec.yaml"), arguments)
    except NoxBuildkitError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
