"""Files of a folder that git does not ignore: git is asked, in a repository and elsewhere.

What it takes as a repository's own is listed in any case, ignored or not. A folder that is itself
ignored was named by somebody, so the rules above it do not count for what is in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.cache_entries import drop, is_whole, seal
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.files import cache_dir, locked, private_dir, scratch
from nox_buildkit.lock.git import in_own_repository, run_git

_OTHERS = ("ls-files", "-z", "--others", "--exclude-standard")
_FOREIGN = re.compile("dubious ownership|unsafe repository")


@dataclass(frozen=True, slots=True)
class Listing:
    """Files and links below a folder; ``warnings``: sentences.

    ``paths``: with forward slashes, and the status of each, which is that of a link itself.
    """

    paths: Mapping[str, os.stat_result]
    warnings: tuple[str, ...] = ()


def list_files(folder: Path) -> Listing:
    """List the files below ``folder`` (absolute) that git does not ignore, nested ones included.

    Raises PlanError where git cannot say it.
    """
    where = run_git(folder, "rev-parse", "--is-inside-work-tree", "--show-prefix")
    if where is None:
        return _without_git(folder)
    warnings: tuple[str, ...] = ()
    if where.returncode == 0 and where.output.startswith("true\n"):
        found = _asked(folder, "ls-files", "-z", "--cached")
        inside = bool(where.output.removeprefix("true\n").strip("\n"))
        if inside and _succeeds(folder, "check-ignore", "--quiet", "."):
            found |= _outside_repository(folder, folder)
        else:
            found |= _asked(folder, *_OTHERS)
    elif _FOREIGN.search(where.errors):
        top = _repository_above(folder)
        warnings = (_distrust(top),)
        found = _outside_repository(folder, top)
    elif where.returncode == 0 or "not a git repository" in where.errors:
        found = _outside_repository(folder, folder)
    else:
        raise _failed(folder, where.errors)
    return _with_nested(folder, found, warnings)


def ignored_folders(folder: Path, candidates: Iterable[str]) -> frozenset[str]:
    """Return those of ``candidates``, folders below ``folder``, that git ignores by their names.

    A folder whose files are all ignored is none of them: a new file in it may not be. None is,
    where git cannot say it.
    """
    given = "".join(f"{name}\0" for name in candidates)
    done = run_git(folder, "check-ignore", "-z", "--stdin", given=given) if given else None
    return frozenset(name for name in (done.output if done else "").split("\0") if name)


def _with_nested(folder: Path, found: set[str], warnings: tuple[str, ...]) -> Listing:
    """Return the paths of ``found`` that exist; a repository is replaced by its files."""
    paths: dict[str, os.stat_result] = {}
    # Of strings, since there may be a hundred thousand.
    top = f"{folder}/"
    for name in found:
        try:
            status = os.lstat(top + name)
        except (OSError, ValueError):
            continue
        if not stat.S_ISDIR(status.st_mode):
            paths[name] = status
            continue
        path, below = folder / name, name.rstrip("/")
        nested = list_files(path) if in_own_repository(path) else _plain(path)
        paths |= {f"{below}/{inner}": status for inner, status in nested.paths.items()}
        warnings += nested.warnings
    return Listing(paths, tuple(dict.fromkeys(warnings)))


def _plain(folder: Path) -> Listing:
    """The place of a submodule that was not fetched may hold files all the same."""
    return _with_nested(folder, _outside_repository(folder, folder), ())


def _outside_repository(folder: Path, top: Path) -> set[str]:
    """The files below ``folder`` by the ignore files from ``top`` on, and by no repository's."""
    return _asked(folder, *_OTHERS, GIT_DIR=str(_empty_repository()), GIT_WORK_TREE=str(top))


def _empty_repository() -> Path:
    """Return a repository of nothing, which git needs to read the ignore files of a folder."""
    folder = private_dir(cache_dir() / "git") / "empty"
    sealed = folder.with_suffix(".sealed")
    with locked(folder.with_suffix(".lock")):
        if not is_whole(folder, sealed):
            if folder.exists():
                drop(folder)
            with scratch(folder.parent, "new-") as new:
                # In the one format that every git reads.
                plain = {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"}
                _asked(new, "init", "--quiet", "--bare", "--template=", "made", **plain)
                seal(new / "made", sealed)
                (new / "made").rename(folder)
    return folder


def _asked(folder: Path, *arguments: str, **environment: str) -> set[str]:
    done = run_git(folder, *arguments, **environment)
    # git goes on without a folder that it cannot read.
    if done is None or done.returncode or "could not open directory" in done.errors:
        raise _failed(folder, done.errors if done else "there is no git")
    return {name for name in done.output.split("\0") if name}


def _succeeds(folder: Path, *arguments: str) -> bool:
    done = run_git(folder, *arguments)
    return done is not None and done.returncode == 0


def _repository_above(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def _distrust(top: Path) -> str:
    return (
        f"git does not trust {top}, which belongs to another user: labels say nothing of the "
        "commit, and files that are tracked though they are ignored stay out; to trust it, run "
        f"'git config --global --add safe.directory {top}'"
    )


def _failed(folder: Path, words: str) -> PlanError:
    said = " ".join(words.split()) or "no reason given"
    return PlanError(Code.GIT(f"git cannot list the files of '{folder}': {said}"))


def _without_git(folder: Path) -> Listing:
    paths: set[str] = set()
    for top, folders, names in os.walk(folder):
        if ".gitignore" in names:
            message = f"there is no git, which knows what {top}/.gitignore means"
            raise PlanError(Code.GIT(message, "install git"))
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if Path(top, name).is_symlink()]
        here = Path(top).relative_to(folder)
        paths |= {(here / name).as_posix() for name in (*names, *links)}
    return _with_nested(folder, paths, ())
