"""Passwords of indexes, in a file for uv alone: code of packages that uv runs has uv's environment.

uv looks in three places: what stands in variables or URLs, netrc, and the store of ``uv auth
login``. What stands in variables is moved to a store of this run.
"""

from __future__ import annotations

import contextlib
import json
import netrc
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from nox_buildkit.lock.credentials import INDEXES, as_netrc, parse_index
from nox_buildkit.lock.uv_settings import settings_in

_STORE = "credentials.toml"
_OPTION = re.compile(r"--(?:default-)?index=(.+)")


@dataclass(slots=True)
class _Found:
    """``environment``: less ``logins``, which are URLs of indexes with user and password.

    The password of a token is empty.
    """

    environment: dict[str, str]
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)


@contextlib.contextmanager
def hidden_logins(
    environment: Mapping[str, str], arguments: Sequence[object], cwd: Path
) -> Iterator[dict[str, str]]:
    """``environment`` for a uv with ``arguments`` in ``cwd``, its passwords of indexes in a file.

    Those of an index that is named nowhere in sight stay: it may be in settings of a package.
    """
    found = _found(environment, arguments, cwd)
    if not found.logins:
        yield found.environment
        return
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-logins-") as name:
        store = Path(name, _STORE)
        store.write_text(f"{_kept_by_user(environment)}\n{_as_store(found.logins)}")
        rest = {"UV_CREDENTIALS_DIR": name}
        hosts = {urlsplit(url).hostname for url in found.logins}
        if (others := _netrc_of_others(environment, hosts)) is not None:
            # uv would ask netrc first, and variables win.
            Path(name, "netrc").write_text(others)
            rest["NETRC"] = str(Path(name, "netrc"))
        yield {**found.environment, **rest}


def logins_of_variables(
    environment: Mapping[str, str], arguments: Sequence[object], cwd: Path
) -> Mapping[str, tuple[str, str]]:
    """Return user and password of each index that variables have a password of, by its address."""
    return _found(environment, arguments, cwd).logins


def _found(environment: Mapping[str, str], arguments: Sequence[object], cwd: Path) -> _Found:
    found = _Found(dict(environment))
    named = dict(_settings(cwd, environment))
    words = [match[1] for a in arguments if (match := _OPTION.fullmatch(str(a)))]
    for variable in INDEXES:
        bare = []
        for word in environment.get(variable, "").split():
            index = parse_index(word)
            login = _login(index.url, index.user, index.password or None, environment)
            if login:
                found.logins[index.url] = login
                bare.append(f"{index.name}={index.url}" if index.name else index.url)
            else:
                bare.append(word)
        if bare:
            found.environment[variable] = " ".join(bare)
        words += bare
    for index in map(parse_index, words):
        named[_variable(index.name)] = index.url
    for name, url in named.items():
        user = environment.get(f"UV_INDEX_{name}_USERNAME", "")
        password = environment.get(f"UV_INDEX_{name}_PASSWORD")
        if name and (login := _login(url, user, password, environment)):
            found.logins[url] = login
            for key in ("USERNAME", "PASSWORD"):
                found.environment.pop(f"UV_INDEX_{name}_{key}", None)
    return found


def _login(
    url: str, user: str, password: str | None, environment: Mapping[str, str]
) -> tuple[str, str] | None:
    """The login that variables state for ``url``; None where uv has to look elsewhere.

    A user whose password is nowhere is a token: uv sends it with an empty password.
    """
    if password is not None:
        return user, password
    if not user or environment.get("UV_KEYRING_PROVIDER", "disabled") != "disabled":
        return None
    named = re.search(rf"^username = {re.escape(_text(user))}$", _kept_by_user(environment), re.M)
    return None if named or _netrc_user(url, environment) == user else (user, "")


def _variable(name: str) -> str:
    return re.sub("[^A-Z0-9]", "_", name.upper())


def _settings(cwd: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and URL of the indexes in uv's settings of ``cwd``, of the user and of the machine."""
    user = _home(environment, "XDG_CONFIG_HOME", ".config")
    files = [Path("/etc/uv/uv.toml"), user / "uv.toml"]
    files += [folder / name for folder in (*reversed(cwd.parents), cwd)
              for name in ("pyproject.toml", "uv.toml")]  # fmt: skip
    files += [Path(environment["UV_CONFIG_FILE"])] if environment.get("UV_CONFIG_FILE") else []
    for path in files:
        # What is wrong with it, uv says.
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            for index in (settings_in(path) or {}).get("index", ()):
                if "name" in index and "url" in index:
                    yield _variable(str(index["name"])), parse_index(str(index["url"])).url


def _home(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """uv's folder in a folder of the user (XDG base directory specification)."""
    named = environment.get(variable)
    return (Path(named) if named else Path(environment.get("HOME", "/"), default)) / "uv"


def _kept_by_user(environment: Mapping[str, str]) -> str:
    stated = environment.get("UV_CREDENTIALS_DIR")
    folder = Path(stated) if stated else _home(environment, "XDG_DATA_HOME", ".local/share")
    store = folder / _STORE if stated else folder / "credentials" / _STORE
    with contextlib.suppress(OSError, ValueError):
        return store.read_text()
    return ""


def _as_store(logins: Mapping[str, tuple[str, str]]) -> str:
    """``logins`` in the form of ``uv auth login``; an index may keep its files at another path."""
    services = dict(logins)
    for url, login in logins.items():
        parts = urlsplit(url)
        services.setdefault(f"{parts.scheme}://{parts.netloc}", login)
    return "".join(
        "[[credential]]\n"
        f"service = {_text(service)}\nusername = {_text(user)}\n"
        f'scheme = "basic"\npassword = {_text(password)}\n'
        for service, (user, password) in services.items()
    )


def _text(value: str) -> str:
    # The escapes of JSON are those of a basic string of TOML.
    return json.dumps(value, ensure_ascii=False)


def _netrc_of_others(environment: Mapping[str, str], hosts: set[str | None]) -> str | None:
    """The netrc file without ``hosts``; None if it says nothing of them."""
    known = _netrc(environment)
    if not {*hosts, "default"} & known.keys():
        return None
    others = {h: (x[0], x[2]) for h, x in known.items() if h not in hosts and h != "default"}
    return as_netrc(others)


def _netrc_user(url: str, environment: Mapping[str, str]) -> str | None:
    known = _netrc(environment)
    entry = known.get(urlsplit(url).hostname or "") or known.get("default")
    return entry[0] if entry else None


def _netrc(environment: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    path = Path(environment.get("NETRC") or "~/.netrc").expanduser()
    try:
        return netrc.netrc(path).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        # What is wrong with it is told where a login of it is needed.
        return {}
