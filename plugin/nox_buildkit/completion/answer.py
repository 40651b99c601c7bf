"""The answer to a shell: argcomplete's protocol, with the parser of the session after ``--``.

Variables: COMP_LINE is the line, COMP_POINT the place of the cursor in it. nox answers for what is
before ``--``, as if it had been asked.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import argcomplete

from nox_buildkit.arguments.parser import parser_for
from nox_buildkit.completion.candidates import add_completers
from nox_buildkit.completion.noxfile import registered

_SEPARATOR = re.compile(r"\s--\s")
#: nox's own options that name sessions, and a noxfile.
_SESSIONS = re.compile(r"(?:\s-[A-Za-z]*?[se]|--sessions?)[\s=]*([\w\s-]+?)(?=\s-|$)")
_NOXFILE = re.compile(r"\s(?:-f|--noxfile)[\s=]+(\S+)")


def answer() -> NoReturn:
    """Write the candidates to where the shell reads them, and end the process."""
    line = os.environ.get("COMP_LINE", "")
    point = int(os.environ.get("COMP_POINT") or len(line))
    separator = _SEPARATOR.search(line)
    if separator is None or separator.end() > point:
        os.execv(sys.executable, [sys.executable, "-m", "nox"])  # noqa: S606 - no shell is wanted
    before = line[: separator.start()]
    for session in _sessions(before):
        for call in registered(_noxfile(before)):
            if own := call.session(session):
                os.environ["COMP_LINE"] = f"{session} {line[separator.end() :]}"
                os.environ["COMP_POINT"] = str(len(session) + 1 + point - separator.end())
                parser = parser_for(own)
                add_completers(parser, call.buildspec)
                argcomplete.autocomplete(parser)
    sys.exit()


def _sessions(before: str) -> list[str]:
    return [name for found in _SESSIONS.finditer(before) for name in found[1].split()]


def _noxfile(before: str) -> Path:
    named = _NOXFILE.search(before)
    return Path(named[1] if named else "noxfile.py")
