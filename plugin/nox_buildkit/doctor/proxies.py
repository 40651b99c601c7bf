"""Certificate authorities and proxies, as the environment names them."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nox_buildkit.doctor.finding import Finding

_CA, _PROXY = "certificates", "proxy"
_CONNECT_SECONDS = 4
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
#: Read by programs that are not uv.
_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")


def look_at_certificates(env: Mapping[str, str], system: str | None) -> Iterator[Finding]:
    """Yield the verdicts on SSL_CERT_FILE and SSL_CERT_DIR; ``system``: the bundle in use."""
    wrong = False
    if stated := env.get("SSL_CERT_FILE"):
        if why := _unusable(Path(stated)):
            wrong = True
            fix = "correct SSL_CERT_FILE, or run `unset SSL_CERT_FILE`"
            yield Finding(_CA, "problem", f"SSL_CERT_FILE: {stated} {why}", fix)
    elif other := next((name for name in _OTHERS if env.get(name)), None):
        wrong = True
        message = f"{other} is set and SSL_CERT_FILE is not: uv and build steps read that alone"
        fix = f'run `export SSL_CERT_FILE="${other}"`'
        yield Finding(_CA, "warning", message, fix)
    if (folder := env.get("SSL_CERT_DIR")) and not Path(folder).is_dir():
        wrong = True
        fix = "correct SSL_CERT_DIR, or run `unset SSL_CERT_DIR`"
        yield Finding(_CA, "warning", f"SSL_CERT_DIR: {folder} is not a folder", fix)
    if wrong:
        return
    if system is None:
        message = "this machine has no bundle of certificate authorities"
        yield Finding(_CA, "warning", message, "run `apt-get install ca-certificates`")
        return
    whose = "of SSL_CERT_FILE" if stated else "of the system"
    yield Finding(_CA, "ok", f"{system}, {whose}", facts={"bundle": system})


def _unusable(path: Path) -> str:
    if not path.is_file():
        return "is not a file"
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
    except (OSError, ValueError):
        return "holds no certificates in PEM form, or cannot be read"
    return ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that ``variable`` names, without its credentials; ``host`` empty for no address."""

    variable: str
    scheme: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def look_at_proxies(env: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the verdicts on the variables that name proxies, and whether those answer."""
    proxies = [read_proxy(name, value) for name, value in _stated(env)]
    if not proxies:
        yield Finding(_PROXY, "ok", "none is set")
        return
    yield from judge_conflicts(env)
    answering: dict[str, list[str]] = {}
    for proxy in proxies:
        unset = f"correct {proxy.variable}, or run `unset {proxy.variable}`"
        if not proxy.host:
            example = "http://proxy.example.com:3128"
            message = f"{proxy.variable} is not the address of a proxy, such as {example}"
            yield Finding(_PROXY, "problem", message, unset)
        elif why := _unreachable(proxy):
            message = f"{proxy} cannot be reached ({why})"
            yield Finding(_PROXY, "problem", f"{proxy.variable}: {message}", unset)
        else:
            answering.setdefault(str(proxy), []).append(proxy.variable)
    for address, names in answering.items():
        message = f"{address} answers ({', '.join(names)})"
        yield Finding(_PROXY, "ok", message, facts={"proxy": address})


def judge_conflicts(env: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a warning for each variable that has another value in lower case."""
    for name in (*_PROXIES, "NO_PROXY"):
        upper, lower = env.get(name), env.get(name.lower())
        if upper and lower and upper != lower:
            message = f"{name} and {name.lower()} differ: which one counts depends on the program"
            yield Finding(_PROXY, "warning", message, f"run `unset {name}`")


def _stated(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _PROXIES:
        values: dict[str, str] = {}
        for variable in (name, name.lower()):
            if env.get(variable):
                values.setdefault(env[variable], variable)
        yield from ((variable, value) for value, variable in values.items())


def read_proxy(variable: str, value: str) -> Proxy:
    """Read the address of a proxy, of which a scheme may be missing, as curl takes it."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(value if "://" in value else f"http://{value}")
        if parts.hostname and parts.scheme in _PORTS:
            return Proxy(variable, parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
    return Proxy(variable)


def _unreachable(proxy: Proxy) -> str:
    try:
        with socket.create_connection((proxy.host, proxy.port), _CONNECT_SECONDS):
            return ""
    except TimeoutError:
        return f"no answer within {_CONNECT_SECONDS} s"
    except OSError as error:
        return error.strerror or str(error)
