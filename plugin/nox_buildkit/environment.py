"""The environment of programs that this one runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from nox_buildkit.errors import Code, UsageError

#: Seconds that a registry may be silent: what sends to it, and what asks it for images or caches.
PUSH_TIMEOUT, FETCH_TIMEOUT = "NOX_BUILDKIT_PUSH_TIMEOUT", "NOX_BUILDKIT_FETCH_TIMEOUT"

#: Names of further variables for the code of packages, separated by commas or spaces.
PASSED = "NOX_BUILDKIT_PASS_ENV"

#: What any program needs to find its way on a machine and in its network.
_ANY = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|XDG_\w+|LD_LIBRARY_PATH"
    r"|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy"
    r"|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NETRC"
)

#: What a build backend is told by its user: compilers, and versions that come from no repository.
_BUILD = re.compile(
    r"CC|CXX|CPP|AR|LD|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|PKG_CONFIG\w*|MAKEFLAGS"
    r"|SETUPTOOLS_SCM_\w+|VCS_VERSIONING_\w+|PBR_VERSION|PDM_BUILD_SCM_VERSION"
    r"|POETRY_DYNAMIC_VERSIONING_\w+"
)

#: uv's own, but for secrets that it needs for other things than packages.
_UV = re.compile(r"UV_(?!PUBLISH_|\w*TOKEN$)\w+|PYTHON_KEYRING_\w+|KEYRING_\w+|DBUS_SESSION\w+")

#: What git sets for its hooks (git-rev-parse(1), --local-env-vars) and would take as the place of
#: every repository; what it says of the configuration is kept.
_OF_A_HOOK = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
    }
)  # fmt: skip

#: How git logs in to other machines.
_SSH = re.compile(r"SSH_AUTH_SOCK|SSH_ASKPASS\w*|DISPLAY")


_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def ca_bundle() -> str | None:
    """Return the file of certificate authorities: SSL_CERT_FILE, else the system's."""
    named = os.environ.get("SSL_CERT_FILE")
    # Programs that get it may run in another folder than the user.
    files = (os.path.abspath(path) for path in (named, *_CA_BUNDLES) if path)  # noqa: PTH100
    return next((path for path in files if os.path.isfile(path)), None)  # noqa: PTH113


def in_ci(env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether nobody looks on, and nobody commits a lock that changes."""
    return env.get("CI", "").lower() not in ("", "0", "false")


def seconds_stated(variable: str, default: int) -> int:
    """Return the number of seconds that a variable states. Raises UsageError."""
    stated = os.environ.get(variable, str(default))
    if not stated.isdecimal() or not int(stated):
        message = f"{variable} is '{stated}'"
        raise UsageError(Code.ENVIRONMENT(message, "set it to a number of seconds, or unset it"))
    return int(stated)


def for_git() -> dict[str, str]:
    """The environment of a git that is asked about a repository of this machine."""
    return {**_chosen(_ANY), **_settings_of_git()}


def for_uv(*, repositories: bool) -> dict[str, str]:
    """The environment of a uv that may run code of packages, which inherits it.

    ``repositories``: whether git may be needed to fetch some.
    """
    git = {**_chosen(_SSH), **_settings_of_git()} if repositories else {}
    return {**_chosen(_ANY, _BUILD, _UV), **git, **passed()}


def passed() -> dict[str, str]:
    """The variables that somebody wants code of packages to see."""
    names = re.split(r"[\s,]+", os.environ.get(PASSED, ""))
    return {name: os.environ[name] for name in names if name in os.environ}


def for_backends() -> dict[str, str]:
    """The variables that decide what a build backend makes of its sources."""
    return {**_chosen(_BUILD), **passed()}


def _settings_of_git() -> dict[str, str]:
    named = {key: value for key, value in os.environ.items() if key.startswith("GIT_")}
    return {key: value for key, value in named.items() if key not in _OF_A_HOOK}


def _chosen(*patterns: re.Pattern[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if any(pattern.fullmatch(name) for pattern in patterns)
    }
