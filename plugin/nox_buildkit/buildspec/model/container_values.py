"""Rules for values about containers: programs, users, folders, ports, times, signals.

Sources: the OCI image specification (config.md), the Dockerfile reference, Compose's specification.
As in `grammar`, every function returns its value normalised, or raises `Invalid`.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
import unicodedata

from nox_buildkit.buildspec.model.grammar import match
from nox_buildkit.buildspec.text import Invalid, escaped, printable, shown

ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
USER_NAME = r"[a-z_][a-z0-9_-]{0,31}"
USER = r"(?:[0-9]{1,10}|[a-z_][a-z0-9_-]{0,31})(?::(?:[0-9]{1,10}|[a-z_][a-z0-9_-]{0,31}))?"
# Set by BuildKit, by this program, or of what steps are not to be told.
RESERVED_ARGUMENT = (
    r"BUILDKIT_\w*|(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)|WORKDIR|PATH"
    r"|SOURCE_DATE_EPOCH|UV_\w*|(?:HTTP|HTTPS|FTP|NO|ALL)_PROXY|(?:http|https|ftp|no|all)_proxy"
)
PORT = r"([1-9][0-9]{0,4})(?:/(tcp|udp|sctp))?"
IMAGE_PATH = r"(?:/[A-Za-z0-9._+@~-]+)+"
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
RESERVED = (
    r"/(?:bin|dev|etc|lib\d*|opt/venv|proc|root|run|sbin|sys|tmp|usr|var/(?:lock|run|tmp))(?:/|$)"
)
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
# Go counts nanoseconds in 63 bits (time.Duration).
_LONGEST = 2562047 * _MILLISECONDS["h"]
_SHELL_SYNTAX = re.compile(r"[&|;<>$`*(){}\n]")


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
    return match(ENV_NAME, value, "a variable's name", "letters, digits and '_', no digit first")


def argument_name(value: str) -> str:
    """A name of a build argument, which build steps see as a variable."""
    if re.fullmatch(RESERVED_ARGUMENT, env_name(value)):
        raise Invalid(f"{shown(value)} is set by the build itself", "take another name")
    return value


def user(value: str) -> str:
    """``uid[:gid]`` or ``name[:group]``."""
    match(USER, value, "a user", "write 'uid', 'uid:gid' or 'name'")
    # What runc takes (moby/sys/user), which is less than the kernel does.
    if any(part.isdigit() and int(part) > 2**31 - 1 for part in value.split(":")):
        raise Invalid(f"{shown(value)} is beyond the largest user ID", "at most 2147483647")
    return value


def user_name(value: str) -> str:
    """The name of a user (useradd(8))."""
    return match(USER_NAME, value, "a user's name", "lower-case letters, digits, '_' and '-'")


def workdir(value: str) -> str:
    """An absolute, normalised folder of the image, and not its root."""
    normal = _normal(value)
    if normal == "/":
        raise Invalid("the image's root cannot be the working folder", "write '/app'")
    if normal != value:
        raise Invalid(f"{shown(value)} is not normalised", f"write {shown(normal)}")
    if re.match(RESERVED, value):
        raise Invalid(f"{shown(value)} belongs to the system or the packages", "write '/app'")
    return value


def system_path(value: str) -> str:
    """An absolute, normalised path of the image at which a layer may place something."""
    normal = _normal(value)
    if normal != value or normal == "/":
        raise Invalid(f"{shown(value)} is not a path below the root", f"write {shown(normal)}")
    if re.match(_UNPLACED, value):
        raise Invalid(f"nothing can be placed at {shown(value)}", "take a path below /var or /etc")
    return value


def _normal(value: str) -> str:
    """An absolute path as it is written without detours."""
    printable(value)
    if not value.startswith("/"):
        raise Invalid(f"{shown(value)} is not absolute", f"write {shown('/' + value)}")
    # bake composes what it is given, and the image would have two folders that look the same.
    if not unicodedata.is_normalized("NFC", value):
        message = f"{shown(value)} is written with decomposed characters (Unicode NFD)"
        raise Invalid(message, "write them composed (NFC)")
    return "/" + posixpath.normpath(value).strip("/")


def image_path(value: str) -> str:
    """A path of another image, for the option of a mount, which has no quoting for everything."""
    normal = _normal(value)
    if normal != value:
        raise Invalid(f"{shown(value)} is not normalised", f"write {shown(normal)}")
    hint = "letters, digits and '.', '_', '+', '@', '~', '-'; or name the folder that it is in"
    return match(IMAGE_PATH, value, "a path of an image", hint)


def cache_path(value: str) -> str:
    """A folder for a cache mount, whose options have no quoting that holds everything."""
    system_path(value)
    return match(CACHE_PATH, value, "a cache's folder", "letters, digits, '.', '_' and '-'")


def file_mode(value: str) -> str:
    """Permissions in octal digits: ``0440``."""
    return match(FILE_MODE, value, "a file's mode", "write it like '0644'")


def duration(value: str) -> str:
    """A duration as Compose and the Dockerfile write it: ``1m30s``."""
    if not value or not re.search("[1-9]", value):
        raise Invalid(f"{shown(value)} is no time at all", "write it like '30s'")
    hint = f"write {shown(f'{value}s')} for seconds" if value.isdigit() else "write it like '1m30s'"
    match(DURATION, value, "a duration", hint, limit=64)
    parts = re.findall(r"([0-9]+)(ms|[hms])", value)
    if sum(int(number) * _MILLISECONDS[unit] for number, unit in parts) > _LONGEST:
        raise Invalid(f"{shown(value)} is longer than Docker can count", "at most 2562047h")
    return value


def stop_signal(value: str) -> str:
    """A signal of Linux by name or number."""
    hint = "write it like 'SIGINT', or a number from 1 to 64"
    if value != value.upper() or re.fullmatch(STOP_SIGNAL, f"SIG{value}"):
        upper = value.upper() if value.upper().startswith("SIG") else f"SIG{value.upper()}"
        if re.fullmatch(STOP_SIGNAL, upper):
            hint = f"did you mean {shown(upper)}?"
    return match(STOP_SIGNAL, value, "a signal", hint)


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
