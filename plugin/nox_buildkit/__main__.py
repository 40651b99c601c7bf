"""``python -m nox_buildkit SESSION``: the sessions without nox, for scripts and for first steps.

nox ends with 1 whatever failed; here the exit status is that of the family of the error. And what
is no session: it needs no noxfile, and is for editors, shells and pre-commit.
"""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from nox_buildkit.arguments.parser import parser_for, session_names
from nox_buildkit.explanations import explanations
from nox_buildkit.perform import Failure, attempt, perform
from nox_buildkit.streams import lasting_streams

_CALL = "python -m nox_buildkit"
_SPEC = Path("buildspec.yaml")
_HELP = f"""\
usage: {_CALL} SESSION [options]
       {_CALL} explain CODE
       {_CALL} --version
       {_CALL} check [FILE ...]
       {_CALL} schema
       {_CALL} completion bash|zsh|fish
       {_CALL} --buildspec FILE SESSION [options]

"""


def main(words: Sequence[str], buildspec: Path = _SPEC) -> int:
    """Run a session, or what is none; return the exit status."""
    match words:
        case ["--buildspec", file, *rest]:
            return main(rest, Path(file))
        case ["-h" | "--help", *_] | [_, "-h" | "--help", *_] if words[0] not in session_names():
            return _told(attempt(lambda: print(_HELP + "\n".join(_summaries()))))
        case ["explain", code]:
            return _explain(code)
        case [name, *rest] if name in _TOOLS and len(rest) <= _TOOLS[name][1]:
            return _told(attempt(lambda: _TOOLS[name][0](rest, buildspec)))
        case [session, *options] if session in session_names():
            return _told(perform(session, options, buildspec, f"{_CALL} {session}"))
    print(f"{_HELP}'--help' lists the sessions", file=sys.stderr)
    return 2


def _versions(_: Sequence[str], __: Path) -> None:
    """Print what a report of a fault has to say."""
    parts = [f"{name} {version(name)}" for name in ("nox-buildkit", "nox", "uv")]
    print(", ".join([*parts, f"Python {platform.python_version()}"]))


def _told(failure: Failure | None) -> int:
    if failure:
        print(failure.message, file=sys.stderr)
    return failure.exit_status if failure else 0


# Each imports what it alone needs: a shell waits for the answer.
def _check(files: Sequence[str], buildspec: Path) -> None:
    check = importlib.import_module("nox_buildkit.commands.check").check
    check([Path(file) for file in files] or [buildspec])


def _schema(_: Sequence[str], __: Path) -> None:
    print(importlib.import_module("nox_buildkit.buildspec.schema").schema_text(), end="")


def _completion(words: Sequence[str], _: Path) -> None:
    shells = importlib.import_module("nox_buildkit.completion.shells")
    print(shells.shell_code("".join(words), sys.executable), end="")


def _complete(_: Sequence[str], __: Path) -> None:
    importlib.import_module("nox_buildkit.completion.answer").answer()


#: By name, with the number of arguments that each takes at most.
_TOOLS: dict[str, tuple[Callable[[Sequence[str], Path], None], float]] = {
    "--version": (_versions, 0),
    "check": (_check, float("inf")),
    "schema": (_schema, 0),
    "completion": (_completion, 1),
    "complete": (_complete, 0),
}


def _summaries() -> list[str]:
    descriptions = {name: parser_for(name).description or "" for name in session_names()}
    return [f"  {name:8}  {text.partition(chr(10))[0]}" for name, text in descriptions.items()]


def _explain(code: str) -> int:
    known = explanations()
    if code.upper() not in known:
        print(f"there is no code {code}; they are {', '.join(known)}", file=sys.stderr)
        return 2
    return _told(attempt(lambda: print(known[code.upper()].page, end="")))


def console() -> int:
    """Run the command line of this process; return the exit status."""
    # What a session has failed with is written after it.
    with lasting_streams():
        try:
            return main(sys.argv[1:])
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(console())
