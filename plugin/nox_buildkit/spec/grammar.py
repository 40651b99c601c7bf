"""What may stand in one value, and what to write instead.

Sources: the OCI distribution specification (repository names, tags), the OCI image specification
(digests, exposed ports), the reference grammar of distribution/reference, the Dockerfile reference.
Every function takes a value as it was written and returns it normalised, or raises `Invalid`.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from urllib.parse import urlsplit

from nox_buildkit.spec.text import Invalid, escaped, nearest, printable, shown

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
DEFAULT_PLATFORMS = PLATFORMS[:2]
BASE_PRESETS = ("slim", "full", "debian", "distroless", "chainguard")
PLACEHOLDERS = ("version", "revision")
DEBIAN_PACKAGE = r"[a-z0-9][a-z0-9+.-]+"

NO_REQUIREMENTS = "none"
#: What a base begins with that is another image of the same spec, as in bake.
TARGET = "target:"

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PYTHON = r"3\.(?:9|[1-9][0-9])"
ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
# Names of extras and groups: the core metadata specification, field Name.
PROJECT_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
USER = r"(?:[0-9]{1,10}|[a-z_][a-z0-9_-]{0,31})(?::(?:[0-9]{1,10}|[a-z_][a-z0-9_-]{0,31}))?"
PORT = r"([1-9][0-9]{0,4})(?:/(tcp|udp|sctp))?"
CACHE_PATH = r"(?:/[A-Za-z0-9._-]+)+"
FILE_MODE = r"0?[0-7]{3}"
DURATION = r"(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?"
STOP_SIGNAL = (
    r"(?:[1-9]|[1-5][0-9]|6[0-4]|SIG(?:HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE"
    r"|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS"
    r"|RTMIN(?:\+[0-9]{1,2})?|RTMAX(?:-[0-9]{1,2})?))"
)
# Links of a merged-/usr base, file systems that a container mounts, folders with modes of their
# own, and where the packages are.
_UNPLACED = (
    r"/(?:bin|dev|lib\d*|proc|root|run|sbin|sys|tmp|var/(?:lock|run|tmp)|opt/venv)(?:/|$)"
    r"|/(?:etc|opt|usr|var|home|srv)$|/etc/(?:passwd|group|hosts|hostname|resolv\.conf)$"
)
# Links of a merged-/usr base, folders of the kernel, folders with modes of their own, and where the
# packages are: the application's folder would take their place.
RESERVED = r"/(?:bin|dev|etc|lib\d*|opt/venv|proc|run|sbin|sys|tmp|usr|var/run|var/lock)(?:/|$)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?"
_DIGEST = r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})"
REFERENCE = rf"(?:{_HOST}/)?{COMPONENT}(?:/{COMPONENT})*(?::{TAG})?(?:@{_DIGEST})?"
REGISTRY = rf"{_HOST}(?:/{COMPONENT})*"

_SHELL_SYNTAX = re.compile(r"[&|;<>$`*(){}\n]")
_MACHINES = {
    "amd64": "linux/amd64",
    "x64": "linux/amd64",
    "x86-64": "linux/amd64",
    "x86_64": "linux/amd64",
    "aarch64": "linux/arm64",
    "arm64": "linux/arm64",
    "arm64/v8": "linux/arm64",
    "arm64v8": "linux/arm64",
    "arm": "linux/arm/v7",
    "arm32v7": "linux/arm/v7",
    "armhf": "linux/arm/v7",
    "armv7": "linux/arm/v7",
    "armv7l": "linux/arm/v7",
}


def _match(pattern: str, value: str, what: str, hint: str = "", limit: int = 512) -> str:
    printable(value)
    if len(value) > limit:
        raise Invalid(f"{len(value)} characters are too many for {what}", f"at most {limit}")
    if not re.fullmatch(pattern, value):
        raise Invalid(f"{shown(value)} is not {what}", hint)
    return value


def name(value: str) -> str:
    """A name of an image or of a set of requirements: one component of an OCI repository name."""
    hint = "lower-case letters and digits, with single '.', '_' or '-' between them"
    return _match(COMPONENT, value, "a valid name", hint, limit=128)


def set_name(value: str) -> str:
    """A name of a set of requirements."""
    if value == NO_REQUIREMENTS:
        raise Invalid(f"{shown(value)} is reserved for images without requirements", "rename it")
    return name(value)


def project_name(value: str) -> str:
    """A name of an extra or a dependency group."""
    return _match(PROJECT_NAME, value, "a valid name", "letters, digits, '.', '_' and '-'")


def python_version(value: str) -> str:
    """A feature release of Python: 3.N."""
    if re.fullmatch(PYTHON + r"\..*", value):
        minor = ".".join(value.split(".")[:2])
        raise Invalid(f"{shown(value)} is too exact", f"write major and minor only: '{minor}'")
    return _match(PYTHON, value, "a Python version from 3.9 on", "write it like '3.13'")


def platform(value: str) -> str:
    """A platform that images are built for."""
    if value in PLATFORMS:
        return value
    printable(value)
    known = _MACHINES.get(value.lower().removeprefix("linux/"))
    hint = f"did you mean '{known}'?" if known else nearest(value, PLATFORMS)
    message = f"{shown(value)} is not a supported platform ({', '.join(PLATFORMS)})"
    raise Invalid(message, "" if value.startswith("linux/arm/") else hint)


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
    _match(REGISTRY, value, "a registry", hint, limit=255)
    if not (set(".:") & set(host) or host == "localhost"):
        raise Invalid(f"{shown(value)} names no host", f"for Docker Hub: 'docker.io/{value}'")
    return value


def prefix(value: str) -> str:
    """What repositories of a registry begin with; Docker Hub is ``docker.io``."""
    if value in ("registry-1.docker.io", "index.docker.io", "hub.docker.com"):
        raise Invalid(f"{shown(value)} is Docker Hub", "write 'docker.io'")
    return registry(value)


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
    return _match(REFERENCE, value, "an image reference", hint)


def image_below(base: str) -> str | None:
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


def debian_package(value: str) -> str:
    """The name of a Debian package (Debian policy, 5.6.1)."""
    hint = "lower-case letters, digits, '+', '-' and '.'"
    return _match(DEBIAN_PACKAGE, value, "the name of a Debian package", hint)


def source(value: str) -> str:
    """A file that states requirements, or the lock of a tool."""
    normal = path(value)
    file = posixpath.basename(normal)
    if file != "pyproject.toml" and not file.endswith((".in", ".txt", ".lock")):
        hint = "name a pyproject.toml, a requirements.in or .txt, or a lock"
        raise Invalid(f"{shown(value)} is not a requirements file", hint)
    return normal


def index_url(value: str) -> str:
    """The address of a package index, free of secrets."""
    printable(value)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Invalid("not a URL", "write https://host/path") from None
    if "@" in parts.netloc:
        hint = "use UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD"
        raise Invalid("credentials do not belong in a file", hint)
    if parts.scheme not in {"https", "http"} or not host or re.search(r"[\s@\"'\\<>]", value):
        raise Invalid("not an index URL", "write https://host/path")
    if parts.query or parts.fragment:
        raise Invalid("an index URL has no query and no fragment", "remove them")
    return value


def exec_form(value: object) -> object:
    """Refuse a command line; the exec form is a list, and no shell reads it."""
    if not isinstance(value, str):
        return value
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    if not words:
        raise Invalid("expected a list of arguments (exec form)", 'write ["program", "argument"]')
    if _SHELL_SYNTAX.search(value):
        words = ["sh", "-c", value]
    form = escaped(json.dumps(words, ensure_ascii=False), limit=200)
    raise Invalid("expected a list of arguments (exec form), which no shell reads", f"write {form}")


def command(value: tuple[str, ...]) -> tuple[str, ...]:
    """An exec form; empty, it takes the base's own away."""
    if value and not value[0].strip():
        raise Invalid("the program's name is empty", "write it first", at=(0,))
    return value


def program(value: tuple[str, ...]) -> tuple[str, ...]:
    """An exec form that names a program; Compose's word for its kind is not one."""
    if value[0] in ("CMD", "CMD-SHELL", "NONE"):
        raise Invalid(f"{shown(value[0])} is not a program", "begin with the program", at=(0,))
    return command(value)


def env_name(value: str) -> str:
    """A name of an environment variable (POSIX, 8.1)."""
    return _match(ENV_NAME, value, "a variable's name", "letters, digits and '_', no digit first")


def label_name(value: str) -> str:
    """A key of an OCI annotation or label."""
    return _match(LABEL_NAME, value, "a label's name", "letters and digits, with . _ - / between")


def user(value: str) -> str:
    """``uid[:gid]`` or ``name[:group]``."""
    _match(USER, value, "a user", "write 'uid', 'uid:gid' or 'name'")
    if any(part.isdigit() and int(part) > 2**32 - 2 for part in value.split(":")):
        raise Invalid(f"{shown(value)} is beyond the largest user ID", "at most 4294967294")
    return value


def workdir(value: str) -> str:
    """An absolute, normalised folder of the image, and not its root."""
    printable(value)
    normal = "/" + posixpath.normpath(value).strip("/")
    if not value.startswith("/"):
        raise Invalid(f"{shown(value)} is not absolute", f"write {shown('/' + value)}")
    if normal == "/":
        raise Invalid("the image's root cannot be the working folder", "write '/app'")
    if normal != value:
        raise Invalid(f"{shown(value)} is not normalised", f"write {shown(normal)}")
    if re.match(RESERVED, value):
        raise Invalid(f"{shown(value)} belongs to the system or the packages", "write '/app'")
    return value


def system_path(value: str) -> str:
    """An absolute, normalised path of the image at which a layer may place something."""
    printable(value)
    normal = "/" + posixpath.normpath(value).strip("/")
    if not value.startswith("/"):
        raise Invalid(f"{shown(value)} is not absolute", f"write {shown('/' + value)}")
    if normal != value or normal == "/":
        raise Invalid(f"{shown(value)} is not a path below the root", f"write {shown(normal)}")
    if re.match(_UNPLACED, value):
        raise Invalid(f"nothing can be placed at {shown(value)}", "take a path below /var or /etc")
    return value


def cache_path(value: str) -> str:
    """A folder for a cache mount, whose options have no quoting that holds everything."""
    system_path(value)
    return _match(CACHE_PATH, value, "a cache's folder", "letters, digits, '.', '_' and '-'")


def file_mode(value: str) -> str:
    """Permissions in octal digits: ``0440``."""
    return _match(FILE_MODE, value, "a file's mode", "write it like '0644'")


def duration(value: str) -> str:
    """A duration as Compose and the Dockerfile write it: ``1m30s``."""
    if not value or not re.search("[1-9]", value):
        raise Invalid(f"{shown(value)} is no time at all", "write it like '30s'")
    hint = f"write {shown(f'{value}s')} for seconds" if value.isdigit() else "write it like '1m30s'"
    return _match(DURATION, value, "a duration", hint)


def stop_signal(value: str) -> str:
    """A signal of Linux by name or number."""
    hint = "write it like 'SIGINT', or a number from 1 to 64"
    if value != value.upper() or re.fullmatch(STOP_SIGNAL, f"SIG{value}"):
        upper = value.upper() if value.upper().startswith("SIG") else f"SIG{value.upper()}"
        if re.fullmatch(STOP_SIGNAL, upper):
            hint = f"did you mean {shown(upper)}?"
    return _match(STOP_SIGNAL, value, "a signal", hint)


def port(value: object) -> str:
    """``80`` or ``80/tcp``; always returned with its protocol."""
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(written, str):
        raise Invalid("not a port", "write 8000 or 8000/tcp")
    printable(written)
    match = re.fullmatch(PORT, written)
    if not match or int(match[1]) > 65535:
        hint = "write 8000 or 8000/tcp"
        if ":" in written:
            hint = "ports are published when the container starts; write the container's alone"
        raise Invalid(f"{shown(written)} is not a port", hint)
    return f"{match[1]}/{match[2] or 'tcp'}"


def tag(value: str) -> str:
    """A tag, or a template of one with the placeholders of `PLACEHOLDERS`."""
    printable(value)
    for placeholder in re.findall(r"\{([^{}]*)\}", value):
        if placeholder not in PLACEHOLDERS:
            known = " and ".join(f"{{{p}}}" for p in PLACEHOLDERS)
            raise Invalid(f"{shown(f'{{{placeholder}}}')} is not a placeholder", f"write {known}")
    plain = re.sub(r"\{[^{}]*\}", "x", value)
    if not re.fullmatch(TAG, plain):
        hint = "letters, digits, '_', '.' and '-'; no '.' or '-' first; at most 128"
        raise Invalid(f"{shown(value)} is not a tag", hint)
    return value


def format_version(value: object) -> object:
    """Let an integer pass alone: to Python, True and 1.0 equal 1."""
    return value if type(value) is int else None


def filled(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse an empty list."""
    if not values:
        raise Invalid("empty", "name at least one")
    return values


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that says something twice."""
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            raise Invalid(f"{shown(value)} is listed twice", "remove one", at=(position,))
        seen.add(value)
    return values
