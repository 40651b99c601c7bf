"""nox -s init: a buildspec for a project that has none."""

from __future__ import annotations

import argparse
import difflib
import re
from pathlib import Path

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.documents.sessions import InitDocument, ProposedEntry
from nox_buildkit.errors import Code, UsageError
from nox_buildkit.facts.worktree import list_files
from nox_buildkit.files import real_path, write_atomic
from nox_buildkit.init.project import propose
from nox_buildkit.init.proposal import Proposal
from nox_buildkit.init.text import NOXFILE, buildspec_text
from nox_buildkit.lock.git import read_git
from nox_buildkit.report.console import say
from nox_buildkit.report.json_output import print_json

_GITHUB = re.compile(r"https://github\.com/(?P<owner>[\w.-]+)/")


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Write the buildspec and the noxfile that are missing. Raises NoxBuildkitError."""
    root = real_path(buildspec.parent)
    proposal = propose(root, sorted(list_files(root).paths), arguments.base)
    text = buildspec_text(proposal, base=arguments.base, registry=_registry(root))
    # What it proposes, it can read.
    parse(text, buildspec.name)
    if arguments.json:
        _print_json(proposal, text)
        return
    if arguments.diff:
        print(_difference(buildspec, text), end="")
        return
    if buildspec.exists():
        message = f"{buildspec} is there already, and stays as it is"
        raise UsageError(Code.EXISTING_FILE(message, "'--diff' shows what would be proposed today"))
    write_atomic(buildspec, text)
    for image in proposal.images:
        say(f"image {image.name}: {image.why}")
    for note in proposal.notes:
        say(f"note: {note}")
    say(f"wrote {buildspec}")
    _write_noxfile(root / "noxfile.py")
    say("next: nox -s build")


def _write_noxfile(path: Path) -> None:
    if not path.exists():
        write_atomic(path, NOXFILE)
        say(f"wrote {path.name}")
    elif "nox_buildkit" not in path.read_text(encoding="utf-8", errors="replace"):
        say(f"note: add to {path.name}: {'; '.join(NOXFILE.split(chr(10))[0:3:2])}")


def _registry(root: Path) -> str:
    """Return the registry that belongs to the remote of the repository, if it is known."""
    git = read_git(root)
    found = _GITHUB.match(f"{git.source}/") if git else None
    return f"ghcr.io/{found['owner'].lower()}" if found else ""


def _difference(path: Path, text: str) -> str:
    old = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        text.splitlines(keepends=True),
        str(path) if old else "/dev/null",
        f"{path} (proposed)",
    )
    return "".join(lines)


def _print_json(proposal: Proposal, text: str) -> None:
    images = tuple(ProposedEntry(i.name, tuple(i.command), i.why) for i in proposal.images)
    print_json(InitDocument(1, images, proposal.notes, text))
