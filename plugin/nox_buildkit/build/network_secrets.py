"""Texts of the secrets that let steps reach what this machine's network reaches."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from nox_buildkit.lock.credentials import (
    INDEXES,
    Logins,
    as_netrc,
    keyring_password,
    netrc_logins,
    parse_index,
)
from nox_buildkit.plan.plan import Plan

#: Every name may also be in lower case.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

#: uv's variables that matter to an installation; those of named indexes go by their prefix.
UV_VARIABLES = (
    *INDEXES, "UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Network:
    """``variables``: a shell file that exports them; ``netrc``: a netrc file.

    ``secrets``: passwords in them, alone and after ``user:``; ``indexes``: host and path of
    each.
    """

    variables: str = field(repr=False)
    netrc: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    indexes: tuple[str, ...]


def network_of(plan: Plan) -> Network:
    """Return the secrets with which steps of ``plan`` reach what this machine reaches.

    Variables win over netrc, and netrc over keyring. Raises LockError.
    """
    variables = {name: value for name, value in os.environ.items() if value and _is_passed(name)}
    stated = [
        parse_index(index)
        for image in plan.targets
        for index in (image.python.index, *image.python.extra_indexes)
        if index
    ]
    named = [parse_index(word) for name in INDEXES for word in variables.get(name, "").split()]
    logins = netrc_logins({*_hosts(plan), *(_host(index.url) for index in (*stated, *named))})
    for name in INDEXES:
        if name in variables:
            words = (_completed(word, logins) for word in variables[name].split())
            variables[name] = " ".join(words)
    for index in (*stated, *named):
        prefix = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', index.name.upper())}"
        user = variables.get(f"{prefix}_USERNAME")
        if index.name and user and f"{prefix}_PASSWORD" not in variables:
            password = _password(index.url, user, logins)
            variables |= {f"{prefix}_PASSWORD": password} if password else {}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    places = {_place(index.url) for index in (*stated, *named)}
    secrets = dict.fromkeys(_secrets(variables, logins))
    return Network("".join(lines) or "\n", as_netrc(logins), tuple(secrets), tuple(sorted(places)))


def _secrets(variables: Mapping[str, str], logins: Logins) -> Iterator[str]:
    """Yield each password, alone and as it is sent with its user (RFC 7617).

    A user without a password is sent, too: it is a token.
    """
    named = [parse_index(word) for name in INDEXES for word in variables.get(name, "").split()]
    pairs = [(index.user, index.password) for index in named] + list(logins.values())
    for name, value in variables.items():
        if name.endswith("_PASSWORD"):
            pairs.append((variables.get(name.replace("_PASSWORD", "_USERNAME"), ""), value))
    for name, value in variables.items():
        if name.endswith("_USERNAME") and name.replace("_USERNAME", "_PASSWORD") not in variables:
            pairs.append((value, ""))
    with_password = {user for user, password in pairs if password}
    for user, password in pairs:
        if password:
            yield from (password, f"{user}:{password}")
        elif user and user not in with_password:
            yield from (user, f"{user}:")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _is_passed(name: str) -> bool:
    credential = name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD"))
    return credential or name.upper() in PROXIES or name in UV_VARIABLES


def _hosts(plan: Plan) -> Iterator[str]:
    """Hosts of files that are required by their address."""
    for image in plan.targets:
        found = image.packages
        packages = list(found.pure)
        packages += [package for one in found.platforms for package in one.packages]
        packages += [package for one in found.steps for package in one.packages]
        yield from (_host(package.url) for package in packages if package.url)


def _completed(word: str, logins: Logins) -> str:
    """An index as a variable names it, with the password that a keyring has for its user."""
    index = parse_index(word)
    if not index.user or index.password:
        return word
    password = _password(index.url, index.user, logins)
    if not password:
        return word
    user, secret = quote(index.user, safe=""), quote(password, safe="")
    url = index.url.replace("://", f"://{user}:{secret}@", 1)
    return f"{index.name}={url}" if index.name else url


def _password(url: str, user: str, logins: Logins) -> str | None:
    if logins.get(_host(url), ("",))[0] == user:
        # uv finds it in the netrc file.
        return None
    return keyring_password(url, user)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
