"""Logins for the files of an index, found where uv finds them when it locks.

Variables win over netrc, and netrc over keyring. The hosts of the files count: an index may keep
them elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from nox_buildkit.lock.credentials import (
    INDEXES,
    Index,
    Logins,
    keyring_password,
    netrc_logins,
    parse_index,
)
from nox_buildkit.lock.logins import logins_of_variables
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import index_options


def download_logins(source: Source, addresses: Iterable[str]) -> Logins:
    """Return the logins, by host and port, of ``addresses`` and of the indexes of ``source``.

    Raises LockError.
    """
    hosts = {urlsplit(address).netloc.rpartition("@")[2] for address in addresses}
    options = [*index_options(source.index), *(f"--index={url}" for url in source.extra_indexes)]
    variables = {
        urlsplit(url).netloc: login
        for url, login in logins_of_variables(os.environ, options, source.path.parent).items()
    }
    netrc = netrc_logins(urlsplit(f"//{host}").hostname or "" for host in hosts)
    of_hosts = {h: netrc[n] for h in hosts if (n := urlsplit(f"//{h}").hostname or "") in netrc}
    known = {**of_hosts, **variables}
    return {**_of_keyring(source, known), **known}


def _of_keyring(source: Source, known: Logins) -> Logins:
    """Return the passwords of users that stand with no password; a token's is empty."""
    words = [word for name in INDEXES for word in os.environ.get(name, "").split()]
    words += [index for index in (source.index, *source.extra_indexes) if index]
    found = {}
    for index in map(parse_index, words):
        host, user = urlsplit(index.url).netloc, _user(index)
        if user and host not in known:
            # What no keyring knows is the whole login to uv, too.
            found[host] = (user, keyring_password(index.url, user) or "")
    return found


def _user(index: Index) -> str:
    variable = re.sub("[^A-Z0-9]", "_", index.name.upper())
    return index.user or os.environ.get(f"UV_INDEX_{variable}_USERNAME", "")
