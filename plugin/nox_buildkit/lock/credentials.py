"""Credentials of package indexes that stand in no variable: a netrc file, the keyring program.

Both are asked as uv asks them when it locks, so that the steps of a build know what it knew.
"""

from __future__ import annotations

import netrc
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from nox_buildkit.errors import Code, Location, LockError
from nox_buildkit.run import run

#: For a person who unlocks a keyring.
_SECONDS = 300

#: uv's variables that name indexes, several with spaces between them.
INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")

#: By host; the name and the password of whoever logs in there.
Logins = dict[str, tuple[str, str]]


class Index(NamedTuple):
    """[NAME=]URL, as uv takes it; ``url`` is without ``user`` and ``password``."""

    name: str
    url: str
    user: str
    password: str


def parse_index(index: str) -> Index:
    """The parts of an index as a variable or an option names it. Raises LockError."""
    named = re.match(r"([\w.-]+)=(?=\w+://)", index)
    try:
        parts = urlsplit(index[named.end() :] if named else index)
    except ValueError:
        message = f"{' or '.join(INDEXES)}: not the address of an index"
        raise LockError(Code.CREDENTIALS(message, "write https://host/path")) from None
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Index(named[1] if named else "", url, user, password)


def netrc_logins(hosts: Iterable[str]) -> Logins:
    """Return the logins of ``hosts`` in the netrc file (NETRC, else ~/.netrc). Raises LockError."""
    wanted = sorted({host for host in hosts if host})
    if not wanted:
        return {}
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        read = netrc.netrc(path)
    except netrc.NetrcParseError as error:
        # The parser's own message may quote what it stumbled over: a password.
        raise LockError(
            Code.CREDENTIALS(
                "not a netrc file",
                "correct it, or name another one in NETRC",
                Location(str(path), error.lineno or 1, 1),
            )
        ) from None
    except (OSError, UnicodeDecodeError):
        return {}
    found = {host: read.authenticators(host) for host in wanted}
    return {host: (login[0], login[2] or "") for host, login in found.items() if login}


def as_netrc(logins: Logins) -> str:
    """``logins`` as a netrc file."""
    return "".join(
        f"machine {host} login {_token(user)} password {_token(password)}\n"
        for host, (user, password) in logins.items()
    )


def keyring_password(url: str, user: str) -> str | None:
    """Return the password of ``user`` for ``url`` from ``keyring``, if uv may ask it.

    Raises LockError if there is no such program.
    """
    if os.environ.get("UV_KEYRING_PROVIDER") != "subprocess":
        return None
    for service in (url, urlsplit(url).netloc):
        if shutil.which("keyring") is None:
            message = "UV_KEYRING_PROVIDER is 'subprocess', and there is no program keyring"
            raise LockError(Code.CREDENTIALS(message, "install keyring, or unset the variable"))
        # A keyring may have to be unlocked.
        command = ["keyring", "get", service, user]
        done = run(command, seconds=_SECONDS, asks=True, raises=LockError)
        if done.returncode == 0 and (password := done.output.rstrip("\r\n")):
            return password
    return None


def _token(text: str) -> str:
    return re.sub(r"([\s\"#\\])", r"\\\1", text) or '""'
