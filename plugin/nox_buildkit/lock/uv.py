"""The uv program: found, run, and its complaints passed on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import uv

from nox_buildkit.errors import LockError, Problem

_CREDENTIALS = re.compile(r"(\w+://)[^/\s]+@")


_HINTS = (
    (
        r"\b40[13] (?:Unauthorized|Forbidden)",
        "set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
    ),
    (
        r"invalid peer certificate|UnknownIssuer|certificate verify failed",
        "point SSL_CERT_FILE to your organisation's CA bundle",
    ),
    (
        r"dns error|tcp connect error|error sending request|timed out|connection refused",
        "check the network, HTTPS_PROXY and UV_DEFAULT_INDEX",
    ),
)


def uv_version() -> str:
    """The version that locks, and that will install."""
    return version("uv")


def run_uv(arguments: Sequence[str | Path], *, cwd: Path) -> str:
    """Run uv and return its standard output. Raises LockError with uv's own message."""
    command = [uv.find_uv_bin(), *arguments]
    # uv would download an interpreter to match --python-version; resolving does not need one.
    environment = {"UV_PYTHON": sys.executable, **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment, "NO_COLOR": "1", "UV_NO_PROGRESS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise LockError(Problem(f"uv: {one_line(done.stderr)}", _hint(done.stderr)))
    return done.stdout


def index_option(index: str | None) -> list[str]:
    """uv's option for the index of a spec; the environment wins, as it does in a build's steps."""
    return [f"--default-index={index}"] if index and not os.environ.get("UV_DEFAULT_INDEX") else []


def one_line(message: str) -> str:
    """uv's message without its frame, line breaks and credentials."""
    lines = [re.sub("^[\\s\u00d7╰─▶├│·]+", "", line).strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Resolved ", "warning: "))]
    text = " ".join(kept).removeprefix("error: ")
    return redacted(text)


def redacted(text: str) -> str:
    """``text`` with the credentials of every URL in it replaced."""
    return _CREDENTIALS.sub(r"\1****@", text)


def has_credentials(text: str) -> bool:
    """Whether a URL in ``text`` carries a user name or a password."""
    return bool(_CREDENTIALS.search(text))


def _hint(message: str) -> str:
    for pattern, hint in _HINTS:
        if re.search(pattern, message, re.IGNORECASE):
            return hint
    return ""
