"""The commit that is being built, from git itself."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nox_buildkit.environment import for_git
from nox_buildkit.errors import LockError
from nox_buildkit.plan.facts import GitFacts, GitRefs
from nox_buildkit.run import run

#: A repository may be large, and its disk far away.
_SECONDS = 600


def read_git(folder: Path) -> GitFacts | None:
    """The commit of ``folder``; None without a repository, a commit, or git."""
    head = ask_git(folder, "-c", "log.showSignature=false", "log", "-1", "--format=%H %ct")
    if not head:
        return None
    revision, seconds = head.split()
    changed, untracked = _status(folder)
    return GitFacts(
        revision=revision,
        dirty=changed,
        committed=datetime.fromtimestamp(int(seconds), UTC),
        source=web_address(ask_git(folder, "config", "--get", "remote.origin.url")),
        refs=_refs(folder),
        untracked=untracked,
    )


def _status(folder: Path) -> tuple[bool, frozenset[str]]:
    """Tell whether tracked files differ from the commit, and which files are not tracked."""
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    entries = list(filter(None, ask_git(folder, "status", *options).split("\0")))
    untracked = [entry[3:] for entry in entries if entry.startswith("?? ")]
    top = ask_git(folder, "rev-parse", "--show-toplevel") if untracked else ""
    return len(untracked) < len(entries), frozenset(f"{top}/{name}" for name in untracked)


def _refs(folder: Path, env: Mapping[str, str] = os.environ) -> GitRefs:
    """Return the names of the commit by git, and by a CI system, which checks out no branch.

    Sources: GitHub Actions, "Variables reference"; GitLab, "Predefined CI/CD variables reference".
    """
    tags = ask_git(folder, "tag", "--points-at", "HEAD").splitlines()
    pull = re.fullmatch(r"refs/pull/([0-9]+)/.+", env.get("GITHUB_REF", ""))
    on_branch = env.get("GITHUB_REF_TYPE") == "branch" and not pull
    branch = env.get("GITHUB_REF_NAME", "") if on_branch else env.get("CI_COMMIT_BRANCH", "")
    # A short name begins with `heads/` where a tag has the same.
    remote = ask_git(folder, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
    here = ask_git(folder, "symbolic-ref", "--quiet", "HEAD")
    return GitRefs(
        tags=tuple(tags),
        branch=branch or here.removeprefix("refs/heads/"),
        default_branch=_default_branch(env) or remote.removeprefix("refs/remotes/origin/"),
        pull_request=pull[1] if pull else env.get("CI_MERGE_REQUEST_IID", ""),
    )


def _default_branch(env: Mapping[str, str]) -> str:
    if event := env.get("GITHUB_EVENT_PATH"):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            return str(json.loads(Path(event).read_bytes())["repository"]["default_branch"])
    return env.get("CI_DEFAULT_BRANCH", "")


def web_address(remote: str) -> str:
    """The address of a remote as a browser takes it, without credentials; empty if it has none."""
    remote = remote.encode(errors="replace").decode()
    if match := re.fullmatch(r"(?:ssh://)?git@([^:/]+)(?::\d+/|[:/])(.+?)(?:\.git)?/?", remote):
        return f"https://{match[1]}/{match[2]}"
    if match := re.fullmatch(r"(https?)://(?:[^@/]*@)?([^@]+?)(?:\.git)?/?", remote):
        return f"{match[1]}://{match[2]}"
    return ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of git's, with file names as Python has them."""

    returncode: int
    output: str
    errors: str


def run_git(folder: Path, *arguments: str, given: str = "", **environment: str) -> Answer | None:
    """Ask git about ``folder``, in English; None without git. Raises LockError.

    ``given``: its standard input; ``environment``: variables that it gets besides.
    """
    if shutil.which("git") is None:
        return None
    done = run(
        ["git", "-C", folder, *arguments],
        # Asking writes nothing.
        env={**for_git(), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **environment},
        given=os.fsencode(given),
        seconds=_SECONDS,
        raises=LockError,
    )
    return Answer(done.returncode, os.fsdecode(done.stdout), done.errors)


def in_own_repository(folder: Path) -> bool:
    """Tell whether ``folder`` is the top of a repository, or looks like it."""
    return os.path.lexists(folder / ".git")


def ask_git(folder: Path, *arguments: str, given: str = "") -> str:
    """The same, without the last line break; empty where git says no, or is not there."""
    done = run_git(folder, *arguments, given=given)
    return done.output.rstrip("\n") if done and done.returncode == 0 else ""
