"""Put values of the environment into the words of a command, then become it.

    python3 interpolate.py PROGRAM [ARGUMENT ...]

interpolate.json has each word that does not stand for itself, with its pieces: text, or a variable
and its default. Any other word is that of whoever started the container, and stays as it is.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def replaced(words: list[str], pieces: dict[str, list[str | list[str | None]]]) -> list[str]:
    """Return ``words`` with their values; ends the program if one of them has none."""
    missing: dict[str, str] = {}

    def text(word: str, piece: str | list[str | None]) -> str:
        if isinstance(piece, str):
            return piece
        name, default = str(piece[0]), piece[1]
        value = os.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            missing[name] = word
        return value or ""

    found = ["".join(text(word, piece) for piece in pieces.get(word, [word])) for word in words]
    for name, word in missing.items():
        said = f"{name} is not set, and '{word}' needs it"
        print(f"interpolate: {said}; start the container with --env {name}=…", file=sys.stderr)
    if missing:
        sys.exit(1)
    return found


def given() -> dict[bytes, bytes]:
    """Return the environment as it was given: Python adds a locale where none is set (PEP 538)."""
    lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    return {name: value for name, sign, value in (x.partition(b"=") for x in lines) if sign}


def main(pieces: dict[str, list[str | list[str | None]]], arguments: list[str]) -> None:
    """Become ``arguments`` with their values."""
    if not arguments:
        sys.exit("interpolate: no command to start")
    command = replaced(arguments, pieces)
    # Python ignores them, and what is ignored stays so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, given())  # noqa: S606  a shell would keep the signals
    except OSError as error:
        print(f"interpolate: {command[0]}: {error.strerror}", file=sys.stderr)
        # As engines say it of a program that is not there, and of one that cannot be run.
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


if __name__ == "__main__":
    main(json.loads(Path(__file__).with_name("interpolate.json").read_text()), sys.argv[1:])
