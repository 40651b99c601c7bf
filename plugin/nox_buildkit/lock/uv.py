"""The uv program: found, run, and its complaints passed on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import uv

from nox_buildkit.errors import LockError, Problem
from nox_buildkit.visible import redacted

_QUIET = {
    "NO_COLOR": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PDM_CHECK_UPDATE": "0",
    "PDM_IGNORE_SAVED_PYTHON": "1",
    "PDM_USE_VENV": "0",
    "PIPENV_IGNORE_VIRTUALENVS": "1",
    "PIPENV_VERBOSITY": "-1",
}

_CREDENTIALS = re.compile(r"(?<=\w://)([^/\s]+)@")


_NOISE = ("Resolved ", "warning: ", "Building wheel...", "hint: Build failures usually")

#: How many lines of what a failed program wrote are shown: the cause is among the last.
_LAST_LINES = 6

_HINTS = (
    (
        r"\b40[13] (?:Unauthorized|Forbidden)",
        "set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or name its host in ~/.netrc",
    ),
    (
        r"invalid peer certificate|UnknownIssuer|certificate verify failed",
        "point SSL_CERT_FILE to your organisation's CA bundle",
    ),
    (
        r"Failed to (?:download and )?build|Failed to prepare|prepare_metadata_for_build",
        "state what it requires in 'tool.uv.dependency-metadata', or install what it is built with",
    ),
    (
        r"dns error|tcp connect error|error sending request|timed out|connection refused",
        "check the network, HTTPS_PROXY and UV_DEFAULT_INDEX",
    ),
)


def uv_version() -> str:
    """The version that locks, and that will install."""
    return version("uv")


def run_uv(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    name: str = "uv",
    env: Mapping[str, str] | None = None,
) -> str:
    """Run uv and return its standard output; ``env`` is added to the environment.

    Raises LockError with the message of ``name``.
    """
    command = [uv.find_uv_bin(), *arguments]
    # uv would download an interpreter to match --python-version; resolving does not need one.
    environment = {"UV_PYTHON": sys.executable, **os.environ, **_QUIET, **(env or {})}
    # The tools of others would take the environment that nox runs in for the project's own.
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        message = one_line(done.stderr) or one_line(done.stdout)
        raise LockError(Problem(f"{name}: {message}", _hint(message)))
    return done.stdout


def run_tool(requirements: Sequence[str], command: Sequence[str], *, cwd: Path) -> str:
    """Run a Python program in an environment of ``requirements`` that nothing else uses.

    Raises LockError with the program's own message.
    """
    first, *more = requirements
    options = ["--quiet", "--no-config", "--isolated", "--from", first]
    extra = [part for requirement in more for part in ("--with", requirement)]
    return run_uv(
        ["tool", "run", *options, *extra, *command],
        cwd=cwd,
        name=command[0],
        # Compiled once, with the environment that uv keeps: these tools import for seconds.
        env={"UV_COMPILE_BYTECODE": "1"},
    )


def index_options(
    index: str | None, extra: Sequence[str], folders: Sequence[Path] = ()
) -> list[str]:
    """uv's options for the indexes and folders of a spec.

    The environment wins over ``index``, as in the steps of a build.
    """
    default = [index] if index and not os.environ.get("UV_DEFAULT_INDEX") else []
    return [
        *(f"--default-index={url}" for url in default),
        *(f"--index={url}" for url in extra),
        *(f"--find-links={folder}" for folder in folders),
    ]


def pinned_options(extra: Sequence[str]) -> list[str]:
    """uv's option for what is pinned by hash already, wherever its index stands in the order."""
    chosen = os.environ.get("UV_INDEX_STRATEGY")
    return ["--index-strategy=unsafe-best-match"] if extra and not chosen else []


def one_line(message: str) -> str:
    """uv's message without its frame, line breaks and credentials.

    The end of what a program said before, as its own last words, comes first.
    """
    lines = [re.sub("^[\\s\u00d7╰─▶├│·]+", "", line).strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith(_NOISE)]
    said = next((number for number, line in enumerate(kept) if line.startswith("error: ")), 0)
    own = [line.removeprefix("error: ") for line in kept[said:]]
    return redacted(" ".join([*kept[max(0, said - _LAST_LINES) : said], *own]))


def has_credentials(text: str) -> bool:
    """Whether a URL in ``text`` carries a password, or what may be a token.

    The user of an SSH address is none: whoever connects proves it by a key.
    """
    return any(
        ":" in found[1] or not text.endswith("ssh://", 0, found.start())
        for found in _CREDENTIALS.finditer(text)
    )


def _hint(message: str) -> str:
    for pattern, hint in _HINTS:
        if re.search(pattern, message, re.IGNORECASE):
            return hint
    return ""
