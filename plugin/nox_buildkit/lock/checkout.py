"""The repository of a project, for a copy of it: build backends ask git for versions and files.

A copy gets a git directory of its own that shares objects, tags and settings with the repository's
(gitrepository-layout(5): ``commondir``), as those of ``git worktree add`` do. Nothing is written
into the repository.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.files import real_path
from nox_buildkit.lock.git import ask_git
from nox_buildkit.lock.project_sources import inside


@dataclass(frozen=True, slots=True)
class Checkout:
    """``top``: the folder that is checked out; ``own``: its git directory; ``common``: the shared.

    ``changed``: paths that differ from the index, with a zero byte after each.
    """

    top: Path
    own: Path
    common: Path
    changed: str

    def digest(self, folder: Path) -> str:
        """A digest of what git can be asked about ``folder``, contents of files aside."""
        shallow = self.common / "shallow"
        facts = [
            ask_git(self.top, "rev-parse", "HEAD"),
            # The name of the branch is a part of some versions.
            ask_git(self.top, "symbolic-ref", "--quiet", "HEAD"),
            ask_git(self.top, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags"),
            shallow.read_text() if shallow.is_file() else "",
            # Some backends take exactly what git knows.
            ask_git(self.top, "ls-files", "-z", "--", str(folder)),
            bool(self.changed),
            bool(ask_git(self.top, "diff", "--cached", "--name-only", "-z")),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def link(self, copies: Path, own: Path) -> None:
        """Make the copy of ``top`` below ``copies`` a checkout too, with the git directory ``own``.

        git says the same of it as of the original, whatever of it was copied.
        """
        own.mkdir()
        for name in ("HEAD", "index", *(path.name for path in self.own.glob("sharedindex.*"))):
            if (self.own / name).is_file():
                shutil.copyfile(self.own / name, own / name)
        (own / "commondir").write_text(f"{self.common}\n")
        top = inside(copies, self.top)
        top.mkdir(parents=True, exist_ok=True)
        (top / ".git").write_text(f"gitdir: {own}\n")
        changed = set(self.changed.split("\0"))
        same = [p for p in ask_git(top, "ls-files", "-z").split("\0") if p and p not in changed]
        paths = "".join(f"{path}\0" for path in same)
        ask_git(top, "update-index", "-z", "--assume-unchanged", "--stdin", given=paths)


def read_checkout(folder: Path) -> Checkout | None:
    """The repository that ``folder`` is in; None without one, or without git."""
    options = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    places = ask_git(folder, "rev-parse", *options).splitlines()
    if len(places) != len(options):
        return None
    # Some are relative to where git was asked.
    top, own, common = (real_path(folder / place) for place in places)
    return Checkout(top, own, common, ask_git(top, "diff", "--name-only", "-z"))
