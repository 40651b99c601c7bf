"""The commit that is being built, from git itself."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from nox_buildkit.plan.facts import GitFacts

#: What git sets for its hooks (git-rev-parse(1), --local-env-vars) and would take as the place of
#: every repository; what it says of the configuration is kept.
_OF_A_HOOK = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
    }
)  # fmt: skip


def read_git(folder: Path) -> GitFacts | None:
    """The commit of ``folder``; None without a repository, a commit, or git."""
    head = _git(folder, "-c", "log.showSignature=false", "log", "-1", "--format=%H %ct")
    if not head:
        return None
    revision, seconds = head.split()
    return GitFacts(
        revision=revision,
        dirty=bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
        committed=datetime.fromtimestamp(int(seconds), UTC),
        source=web_address(_git(folder, "config", "--get", "remote.origin.url")),
    )


def web_address(remote: str) -> str:
    """The address of a remote as a browser takes it, without credentials; empty if it has none."""
    if match := re.fullmatch(r"(?:ssh://)?git@([^:/]+)(?::\d+/|[:/])(.+?)(?:\.git)?/?", remote):
        return f"https://{match[1]}/{match[2]}"
    if match := re.fullmatch(r"(https?)://(?:[^@/]*@)?([^@]+?)(?:\.git)?/?", remote):
        return f"{match[1]}://{match[2]}"
    return ""


def run_git(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str] | None:
    """What git says in ``folder``, in English, file names as Python has them; None without git."""
    inherited = {key: value for key, value in os.environ.items() if key not in _OF_A_HOOK}
    try:
        return subprocess.run(
            ["git", "-C", folder, *arguments],
            env={**inherited, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        return None


def in_own_repository(folder: Path) -> bool:
    """Whether ``folder`` is the top of a repository, or looks like it."""
    return os.path.lexists(folder / ".git")


def _git(folder: Path, *arguments: str) -> str:
    done = run_git(folder, *arguments)
    return done.stdout.strip() if done and done.returncode == 0 else ""
