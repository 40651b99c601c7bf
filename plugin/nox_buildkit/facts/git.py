"""The commit that is being built, from git itself."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from nox_buildkit.plan.facts import GitFacts


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


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
