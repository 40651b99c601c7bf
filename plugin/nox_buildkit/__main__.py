"""``python -m nox_buildkit SESSION``: the sessions without nox, for scripts and for first steps.

nox ends with 1 whatever failed; here the exit status is that of the family of the error.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.explanations import explanations
from nox_buildkit.perform import perform

_CALL = "python -m nox_buildkit"
_HELP = f"""\
usage: {_CALL} SESSION [options]
       {_CALL} explain CODE
       {_CALL} --version

"""


def main(words: Sequence[str]) -> int:
    """Run a session, or explain a code of an error; return the exit status."""
    match words:
        case ["-h" | "--help", *_]:
            print(_HELP + "\n".join(_summaries()))
            return 0
        case ["--version"]:
            print(_versions())
            return 0
        case ["explain", code]:
            return _explain(code)
        case [session, *options] if session in session_names():
            failure = perform(session, options, Path("buildspec.yaml"), f"{_CALL} {session}")
            if failure:
                print(failure.message, file=sys.stderr)
            return failure.exit_status if failure else 0
    print(f"{_HELP}'--help' lists the sessions", file=sys.stderr)
    return 2


def _versions() -> str:
    """Return what a report of a fault has to say."""
    parts = [f"{name} {version(name)}" for name in ("nox-buildkit", "nox", "uv")]
    return ", ".join([*parts, f"Python {platform.python_version()}"])


def _summaries() -> list[str]:
    descriptions = {name: parser_for(name).description or "" for name in session_names()}
    return [f"  {name:8}  {text.partition(chr(10))[0]}" for name, text in descriptions.items()]


def _explain(code: str) -> int:
    known = explanations()
    if code.upper() not in known:
        print(f"there is no code {code}; they are {', '.join(known)}", file=sys.stderr)
        return 2
    print(known[code.upper()].page, end="")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
