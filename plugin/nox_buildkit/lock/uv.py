"""The uv program: found, run, and its complaints passed on."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import uv

from nox_buildkit.environment import for_uv
from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.logins import hidden_logins
from nox_buildkit.printable import redacted
from nox_buildkit.run import Done, run

#: For a resolution, with all builds that it takes.
_SECONDS = 7200

#: Options of a resolution that runs no code of packages: uv looks for no Python of another version,
#: which takes a third of a second where pyenv's programs are on the PATH.
THIS_PYTHON = ("--python", sys.executable)

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


_NOISE = (
    "Resolved ", "warning: ", "DEBUG ", "INFO: ", "Building wheel...",
    "hint: Build failures usually",
)  # fmt: skip

_CODE_OF = re.compile(r"^DEBUG (?:Preparing metadata for|Building): (.+)$", re.MULTILINE)

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
    env: Mapping[str, str] | None = None,
    repositories: bool = True,
    seconds: float = _SECONDS,
) -> str:
    """Run uv and return its standard output; ``env`` is added to the environment.

    Code of packages that uv runs inherits that environment, and so it holds what such code may
    see; ``repositories``: whether git may be needed to fetch some. Raises LockError.
    """
    environment = {**for_uv(repositories=repositories), **(env or {})}
    with hidden_logins(environment, arguments, cwd) as hidden:
        return _run(arguments, cwd, hidden, "uv", seconds).output


def run_resolver(
    arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]
) -> tuple[str, ...]:
    """Run uv and return whose code it ran to learn what they require.

    ``env`` is added to the environment. Raises LockError.
    """
    environment = {**for_uv(repositories=True), **env}
    with hidden_logins(environment, arguments, cwd) as hidden:
        log = _run(["--verbose", *arguments], cwd, hidden, "uv").errors
    return tuple(dict.fromkeys(_CODE_OF.findall(log)))


def _run(
    arguments: Sequence[str | Path],
    cwd: Path,
    environment: Mapping[str, str],
    name: str,
    seconds: float = _SECONDS,
) -> Done:
    command = [uv.find_uv_bin(), *arguments]
    # uv would download an interpreter to match --python-version; resolving does not need one.
    environment = {"UV_PYTHON": sys.executable, **environment, **_QUIET}
    # The tools of others would take the environment that nox runs in for the project's own.
    environment.pop("VIRTUAL_ENV", None)
    # git asks for the passphrase of a key on the terminal.
    done = run(
        command, cwd=cwd, env=environment, what=name, seconds=seconds, asks=True, raises=LockError
    )
    if done.returncode:
        message = one_line(done.errors) or one_line(done.output)
        raise LockError(Code.UNRESOLVABLE(f"{name}: {message}", _hint(message)))
    return done


def run_tool(requirements: Sequence[str], command: Sequence[str], *, cwd: Path) -> str:
    """Run a Python program in an environment of ``requirements`` that nothing else uses.

    Raises LockError with the program's own message.
    """
    first, *more = requirements
    options = ["--quiet", "--no-config", "--isolated", "--from", first]
    extra = [part for requirement in more for part in ("--with", requirement)]
    # Compiled once, with the environment that uv keeps: these tools import for seconds. They are
    # the user's own, and what they are configured with may have any name.
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "1"}
    return _run(["tool", "run", *options, *extra, *command], cwd, environment, command[0]).output


def index_options(index: str | None, folders: Sequence[Path] = ()) -> list[str]:
    """uv's options for the index and the folders of a spec; :func:`index_variables` has the rest.

    The environment wins over ``index``, as in the steps of a build.
    """
    default = [index] if index and not os.environ.get("UV_DEFAULT_INDEX") else []
    return [
        *(f"--default-index={url}" for url in default),
        *(f"--find-links={folder}" for folder in folders),
    ]


def index_variables(extra: Sequence[str]) -> dict[str, str]:
    """uv's variable for indexes besides the default one: those of the environment, then ``extra``.

    No option, which would hide the variable; and what the variable holds may be a password.
    """
    indexes = [*os.environ.get("UV_INDEX", "").split(), *extra]
    return {"UV_INDEX": " ".join(indexes)} if indexes else {}


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


def _hint(message: str) -> str:
    for pattern, hint in _HINTS:
        if re.search(pattern, message, re.IGNORECASE):
            return hint
    return ""
