"""Another commit of a repository, checked out elsewhere: a work tree, as the user's own is one.

So git tells of its files what it would tell if the commit were checked out. Each git directory
shares objects, tags and settings with the repository's (gitrepository-layout(5): ``commondir``), as
those of ``git worktree add`` do. Nothing is written into the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.files import real_path, remove
from nox_buildkit.lock.git import ask_git, in_own_repository, run_git

#: The mode of an entry that is a submodule.
_SUBMODULE = "160000"


def check_out(top: Path, commit: str, target: Path, tell: Callable[[str], None]) -> None:
    """Check out ``commit`` of the repository with the work tree ``top`` in the folder ``target``.

    With its submodules: as far as a commit of one is not on this machine, ``tell`` is told so.
    Raises PlanError.
    """
    _check_out(top, _common(top), commit, target, tell)


def _check_out(
    top: Path, common: Path, commit: str, target: Path, tell: Callable[[str], None]
) -> None:
    own = target / ".git"
    own.mkdir(parents=True)
    (own / "HEAD").write_text(f"{commit}\n")
    (own / "commondir").write_text(f"{common}\n")
    place = {"GIT_DIR": str(own), "GIT_WORK_TREE": str(target)}
    for command, *options in (("read-tree", commit), ("checkout-index", "--all", "--index")):
        done = run_git(target, command, *options, **place)
        if done is None or done.returncode:
            words = " ".join(done.errors.split()) if done else "there is no git"
            message = f"git {command} of the commit {commit} fails: {words or 'no reason given'}"
            raise PlanError(Code.GIT(message))
    for path, wanted in _submodules(target):
        if (found := _repository_of(top / path, path, common, target)) is None:
            continue
        try:
            _check_out(top / path, found, wanted, target / path, tell)
        except PlanError as error:
            remove(target / path / ".git")
            tell(f"the submodule {path} is compared without its files: {error}")


def _common(top: Path) -> Path:
    """Return the folder of all that the checkouts of a repository share."""
    # It may be relative to where git was asked.
    return real_path(top / ask_git(top, "rev-parse", "--git-common-dir"))


def _submodules(top: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the commit of each submodule of the work tree ``top``."""
    for entry in ask_git(top, "ls-files", "--stage", "-z").split("\0"):
        facts, _, path = entry.partition("\t")
        if facts.startswith(_SUBMODULE):
            yield path, facts.split()[1]


def _repository_of(here: Path, path: str, common: Path, target: Path) -> Path | None:
    """Return where the objects of the submodule ``path`` are, whose place for the user is ``here``.

    None for one that is not fetched there, so that neither commit has files of it.
    """
    if in_own_repository(here):
        return _common(here)
    if here.is_dir():
        return None
    # It was moved or removed since.
    return common / "modules" / _names(target).get(path, path)


def _names(top: Path) -> Mapping[str, str]:
    """Return the names of the submodules of the work tree ``top`` by their paths."""
    words = ("--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$")
    stated = ask_git(top, "config", *words).split("\0")
    pairs = (entry.split("\n", 1) for entry in stated if "\n" in entry)
    return {path: key.removeprefix("submodule.").removesuffix(".path") for key, path in pairs}
