"""Rules for single values, and hints for what breaks them.

Sources: the OCI distribution specification (repository names, tags), the OCI image specification
(digests, exposed ports), the reference grammar of distribution/reference, the Dockerfile reference.
Every function takes a value as it was written and returns it normalised, or raises `Invalid`.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import SplitResult, urlsplit

from nox_buildkit.buildspec.text import Invalid, nearest, printable, shown
from nox_buildkit.oci.platform import PLATFORMS as KNOWN
from nox_buildkit.oci.platform import Platform

PLATFORMS = tuple(KNOWN)
DEFAULT_PLATFORMS = PLATFORMS[:2]
BASE_PRESETS = ("slim", "full", "debian", "distroless", "chainguard", "dhi")
# For apt, a name with a minus at its end is one to remove.
DEBIAN_PACKAGE = r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]"
#: Core metadata specification, Name.
PACKAGE_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"

NO_REQUIREMENTS = "none"
#: What a base begins with that is another image of the same spec, as in bake.
TARGET = "target:"

IMAGE_NAME = r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*"
COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PYTHON = r"3\.(?:9|[1-9][0-9])"
LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
# Names of extras and groups: the core metadata specification, field Name.
PROJECT_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?"
_DIGEST = r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})"
CHECKSUM = r"sha256:[0-9a-f]{64}"
REFERENCE = rf"(?:{HOST}/)?{COMPONENT}(?:/{COMPONENT})*(?::{TAG})?(?:@{_DIGEST})?"
REGISTRY = rf"{HOST}(?:/{COMPONENT})*"


def match(pattern: str, value: str, what: str, hint: str = "", limit: int = 512) -> str:
    """``value``, if all of it matches ``pattern``; ``what`` it should be is named otherwise."""
    printable(value)
    if len(value) > limit:
        raise Invalid(f"{len(value)} characters are too many for {what}", f"at most {limit}")
    if not re.fullmatch(pattern, value):
        raise Invalid(f"{shown(value)} is not {what}", hint)
    return value


def name(value: str) -> str:
    """A name of an image or of a set of requirements: one component of an OCI repository name."""
    hint = "lower-case letters and digits, with single '.', '_' or '-' between them"
    return match(COMPONENT, value, "a valid name", hint, limit=128)


def image_name(value: str) -> str:
    """A name of an image or of a group of images, which is that of a target of bake, too."""
    if "." in name(value):
        raise Invalid(f"{shown(value)} has a dot in it, which bake does not take", "write '-'")
    return value


def set_name(value: str) -> str:
    """A name of a set of requirements."""
    if value == NO_REQUIREMENTS:
        raise Invalid(f"{shown(value)} is reserved for images without requirements", "rename it")
    return name(value)


def project_name(value: str) -> str:
    """A name of an extra or a dependency group."""
    return match(PROJECT_NAME, value, "a valid name", "letters, digits, '.', '_' and '-'")


def python_version(value: str) -> str:
    """A feature release of Python: 3.N."""
    if re.fullmatch(PYTHON + r"\..*", value):
        minor = ".".join(value.split(".")[:2])
        raise Invalid(f"{shown(value)} is too exact", f"write major and minor only: '{minor}'")
    return match(PYTHON, value, "a Python version from 3.9 on", "write it like '3.13'")


def platform(value: str) -> str:
    """A platform that images are built for."""
    if value in PLATFORMS:
        return value
    printable(value)
    known = _normal_platform(value)
    hint = f"did you mean '{known}'?" if known in PLATFORMS else nearest(value, PLATFORMS)
    message = f"{shown(value)} is not a supported platform ({', '.join(PLATFORMS)})"
    raise Invalid(message, (not value.startswith("linux/arm/") and hint) or "name one of these")


def _normal_platform(value: str) -> str:
    try:
        return str(Platform.parse(value))
    except ValueError:
        return ""


def base(value: str) -> str:
    """A preset of `BASE_PRESETS`, or an image reference."""
    printable(value)
    if value == "scratch":
        raise Invalid("'scratch' is empty, and an image needs a Python", "try 'slim'")
    if "://" in value:
        raise Invalid("an image reference has no scheme", "write name[:tag][@digest]")
    _, at, digest = value.partition("@")
    if at and not re.fullmatch(_DIGEST, digest):
        raise Invalid(f"{shown(digest)} is not a digest", "write '@sha256:' and 64 digits")
    hint = f"one of {', '.join(BASE_PRESETS)}, name[:tag][@digest], or {TARGET}NAME"
    if value != value.lower() and re.fullmatch(REFERENCE, value.lower()):
        hint = f"did you mean {shown(value.lower())}?"
    return match(REFERENCE, value, "an image reference", hint)


def taken_image(value: str) -> str:
    """An image that files are taken from: a reference, or another image of the same spec."""
    if value in BASE_PRESETS:
        hint = f"write all of the reference, as in 'docker.io/library/{value}', or {TARGET}NAME"
        raise Invalid(f"{shown(value)} is the name of a base here, and of no image", hint)
    try:
        return base(value)
    except Invalid as error:
        known = f"name[:tag][@digest], or {TARGET}NAME"
        hint = known if error.hint.startswith("one of ") else error.hint
        raise Invalid(
            error.message.replace("an image needs a Python", "has no files"), hint
        ) from None


def parent_image(base: str) -> str | None:
    """The image of the same spec that ``base`` names, as ``target:NAME``."""
    return base.removeprefix(TARGET) if base.startswith(TARGET) else None


def path(value: str) -> str:
    """A path relative to the spec or to the context; ``/`` between its parts on every system."""
    printable(value)
    if not value:
        raise Invalid("an empty path", "write '.' for the folder itself")
    if "://" in value:
        raise Invalid(f"{shown(value)} is a URL", "write a path")
    if value.startswith(("/", "~")) or "\\" in value:
        raise Invalid(f"{shown(value)} is not a relative path", "write it like 'app/main.py'")
    return posixpath.normpath(value)


def inner_path(value: str) -> str:
    """A relative path that stays inside its folder."""
    normal = path(value)
    if normal.split("/")[0] == "..":
        raise Invalid(f"{shown(value)} leaves the folder", "write a path without '..'")
    return normal


def copied_path(value: str) -> str:
    """A path inside the context; COPY would read wildcards as a pattern."""
    if set("*?[") & set(value):
        raise Invalid(f"{shown(value)} has a wildcard", "name the file, or its folder")
    return inner_path(value)


def package_name(value: str) -> str:
    """The name of a Python package, normalised (packaging.python.org, name normalization)."""
    hint = "letters, digits, '-', '_' and '.'"
    name = match(PACKAGE_NAME, value, "the name of a Python package", hint)
    return re.sub(r"[-_.]+", "-", name).lower()


def debian_package(value: str) -> str:
    """The name of a Debian package (Debian policy, 5.6.1)."""
    hint = "lower-case letters, digits, '+', '-' and '.'"
    return match(DEBIAN_PACKAGE, value, "the name of a Debian package", hint)


def source(value: str) -> str:
    """A file that states requirements, or the lock of a tool."""
    normal = path(value)
    file = posixpath.basename(normal)
    known = ("pyproject.toml", "setup.py", "setup.cfg")
    if file not in known and not file.endswith((".in", ".txt", ".lock")):
        hint = "name a pyproject.toml, a setup.py, a requirements.in or .txt, or a lock"
        raise Invalid(f"{shown(value)} is not a requirements file", hint)
    return normal


def _split_url(value: str, login: str) -> tuple[SplitResult, str | None]:
    """Return the parts of a URL and its host; ``login``: where its credentials belong."""
    printable(value)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Invalid("not a URL", "write https://host/path") from None
    if "@" in parts.netloc:
        raise Invalid("credentials do not belong in a file", login)
    return parts, host


def index_url(value: str) -> str:
    """The address of a package index, free of secrets."""
    parts, host = _split_url(value, "use UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD")
    if parts.scheme not in {"https", "http"} or not host or re.search(r"[\s@\"'\\<>]", value):
        raise Invalid("not an index URL", "write https://host/path")
    if parts.query or parts.fragment:
        raise Invalid("an index URL has no query and no fragment", "remove them")
    return value


def checksum(value: str) -> str:
    """A digest of a file (OCI image specification, descriptor.md)."""
    return match(CHECKSUM, value, "a digest", "write 'sha256:' and 64 digits in lower case")


def file_url(value: str) -> str:
    """The address of a file, free of secrets that a URL has a place for."""
    parts, host = _split_url(value, "put them into ~/.netrc")
    if parts.scheme not in {"https", "http"} or not host or re.search(r"[\s\"'\\<>]", value):
        raise Invalid(f"{shown(value)} is not the URL of a file", "write https://host/path")
    if parts.fragment or parts.path.endswith("/") or not parts.path:
        raise Invalid(f"{shown(value)} names no file", "write https://host/path")
    return value


def label_name(value: str) -> str:
    """A key of an OCI annotation or label."""
    return match(LABEL_NAME, value, "a label's name", "letters and digits, with . _ - / between")
