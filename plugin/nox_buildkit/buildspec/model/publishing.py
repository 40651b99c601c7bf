"""Rules for what is published: registries, repositories, tags, sizes, and tests of a container.

Sources: the OCI distribution specification (repository names, tags), the reference grammar of
distribution/reference. Functions are as in `grammar`.
"""

from __future__ import annotations

import re

from nox_buildkit.buildspec.model.grammar import COMPONENT, HOST, REGISTRY, TAG, match
from nox_buildkit.buildspec.text import Invalid, nearest, printable, shown

#: Values in tags; nox_buildkit.plan.tags fills them in.
PLACEHOLDERS = (
    "version", "major", "minor", "patch", "revision", "short-revision", "branch", "pull-request",
    "date",
)  # fmt: skip
SIZE = r"[1-9][0-9]*(?:\.[0-9]+)?(?:[kMG]B|[KMG]iB|B)"
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MODULE = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
ENDPOINT = r"[A-Za-z0-9][!-~]*"
OPTION_NAME = r"[a-z][a-z0-9_.-]*"
RUNNER_LABEL = r"[!-~](?:[ -~]*[!-~])?"
REPOSITORY = rf"{HOST}(?:/(?:{COMPONENT}|\{{image\}}))+"


def registry(value: str) -> str:
    """A repository prefix: ``host[:port][/path]``."""
    printable(value)
    if "://" in value:
        raise Invalid("a registry has no scheme", "write host[:port]/path")
    if "@" in value:
        raise Invalid("a registry has no user and no digest", "log in with 'docker login'")
    if value.endswith("/"):
        raise Invalid(f"{shown(value)} ends with a slash", "remove it")
    host, _, path = value.partition("/")
    if ":" in path:
        raise Invalid(f"{shown(value)} has a tag", "tags go in the image's 'tags'")
    if path != path.lower():
        raise Invalid(f"{shown(value)} has upper-case letters", f"write {shown(value.lower())}")
    hint = "write host[:port]/path, for example 'ghcr.io/octocat'"
    match(REGISTRY, value, "a registry", hint, limit=255)
    if not (set(".:") & set(host) or host == "localhost"):
        raise Invalid(f"{shown(value)} names no host", f"for Docker Hub: 'docker.io/{value}'")
    return value


def repository(value: str) -> str:
    """A name of an image with its registry, in which ``{image}`` stands for the image's own."""
    if not re.fullmatch(REPOSITORY, value):
        registry(value.replace("{image}", "image"))
        message = f"{shown(value)} is not a repository"
        raise Invalid(message, "write host[:port]/path, for example 'ghcr.io/octocat/{image}'")
    registry(value.replace("{image}", "image"))
    return value


def prefix(value: str) -> str:
    """Return the beginning of a registry's repository names; Docker Hub is ``docker.io``."""
    if value in ("registry-1.docker.io", "index.docker.io", "hub.docker.com"):
        raise Invalid(f"{shown(value)} is Docker Hub", "write 'docker.io'")
    return registry(value)


def tag(value: str) -> str:
    """A tag, or a template of one with the placeholders of `PLACEHOLDERS`."""
    printable(value)
    for placeholder in re.findall(r"\{([^{}]*)\}", value):
        if placeholder not in PLACEHOLDERS:
            known = nearest(placeholder, PLACEHOLDERS)
            every = ", ".join(f"{{{p}}}" for p in PLACEHOLDERS)
            message = f"{shown(f'{{{placeholder}}}')} is not a placeholder"
            raise Invalid(message, known or f"write one of {every}")
    plain = re.sub(r"\{[^{}]*\}", "x", value)
    if not re.fullmatch(TAG, plain):
        hint = "letters, digits, '_', '.' and '-'; no '.' or '-' first; at most 128"
        raise Invalid(f"{shown(value)} is not a tag", hint)
    return value


def size(value: str) -> str:
    """A number of bytes with a unit: ``200MB``, ``1.5GiB``."""
    return match(SIZE, value, "a size", "write it like 200MB, 1.5GB or 512MiB")


def bytes_of(value: str) -> int:
    """Return the bytes of a `size`."""
    unit = value.lstrip("0123456789.")
    return int(float(value.removesuffix(unit)) * _UNITS[unit])


def endpoint(value: str) -> str:
    """An address of a BuildKit or of a docker host, or the name of a docker context."""
    hint = "write tcp://HOST:PORT, ssh://USER@HOST, or the name of a docker context"
    if re.match(r"[a-z]+://[^/@]*:[^/@]*@", value):
        raise Invalid("an endpoint has no password", "log in with a key or a certificate")
    return match(ENDPOINT, value, "an endpoint", hint)


def option_name(value: str) -> str:
    """The name of an option of a buildx driver."""
    return match(OPTION_NAME, value, "an option of a driver", "write it like 'namespace'")


def runner_label(value: str) -> str:
    """A label of a CI runner."""
    return match(RUNNER_LABEL, value, "a label of a runner", "write it like 'ubuntu-24.04-arm'")


def url_path(value: str) -> str:
    """The path of a request, which may have a query."""
    return match(r"/[!-~]*", value, "a path of a URL", "write it like '/health'")


def module(value: str) -> str:
    """The name of a Python module."""
    return match(MODULE, value, "a module", "write it like 'app.main'")
