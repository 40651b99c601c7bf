"""Requests to a registry: with time limits, with logins, and again where it asks for patience.

By requests, tenacity, and docker-py for logins. No registry client of the field was a fit: oras-py
(0.2) reads ~/.docker alone, waits without a limit, and holds every blob in memory; skopeo, and the
imagetools that take a layout (buildx 0.33), are not on every machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Required, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

import requests
from requests import Response

from nox_buildkit.environment import PUSH_TIMEOUT, ca_bundle, seconds_stated
from nox_buildkit.errors import Code, Problem
from nox_buildkit.printable import redacted
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.release.counted_file import CountedFile, Sent, nobody
from nox_buildkit.release.patience import BUSY, patiently, require_idle
from nox_buildkit.release.registry_login import Authorization, stored_login
from nox_buildkit.release.repository import RegistryError

_CONNECT_SECONDS = 10
#: Of silence. A registry may write a large layer to its store before it answers.
_SILENT_SECONDS = 60
_UPLOAD_SECONDS = 1800

_HUB = {"docker.io": "registry-1.docker.io"}

T = TypeVar("T")


class RequestOptions(TypedDict, total=False):
    """Options of a request; ``accepted``: status codes that are no errors.

    ``sent``: hears how many bytes of a file were sent.
    """

    accepted: Required[tuple[int, ...]]
    headers: Mapping[str, str]
    params: Mapping[str, str]
    content: Path | bytes
    sent: Sent
    stream: bool


@dataclass
class Transport:
    """The way to the registry ``host`` for one repository, whose tokens are of use for it alone."""

    host: str
    report: Progress = SILENT
    _session: requests.Session = field(default_factory=requests.Session)
    _address: str = ""
    _authorization: Authorization | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Response:
        """Do the same as `request_once`, again for as long as the registry is busy."""
        return self.patiently(lambda: self.request_once(method, path, **options))

    def request_once(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Response:
        """Return the answer to a request for ``path``, or for a whole address.

        Raises Busy, RegistryError.
        """
        url = self._own(path) if "://" in path else f"{self._base()}{path}"
        try:
            response = self._authorized(method, url, options)
        except requests.RequestException as error:
            raise RegistryError(unreached(self.host, error)) from None
        if response.status_code in options["accepted"]:
            return response
        refused = RegistryError(_refusal(self.host, method, url, response))
        require_idle(response, refused)
        raise refused

    def patiently(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, called again for as long as it raises Busy."""
        return patiently(call, self.report.message)

    def _authorized(self, method: str, url: str, options: RequestOptions) -> Response:
        with self._lock:
            if self._authorization is None:
                login, limits = stored_login(self.host), (_CONNECT_SECONDS, _SILENT_SECONDS)
                self._authorization = Authorization(login, self._session, limits)
        use = _use(method, options)
        used = self._authorization.header(use)
        response = self._send(method, url, options, used)
        refused = response.status_code == requests.codes.unauthorized
        if refused and self._authorization.renew(use, used, response):
            response = self._send(method, url, options, self._authorization.header(use))
        return response

    def _send(self, method: str, url: str, options: RequestOptions, authorization: str) -> Response:
        headers = {**options.get("headers", {})}
        # A place for uploads may be of somebody else's.
        if authorization and _origin(url) == _origin(self._base()):
            headers["Authorization"] = authorization
        content = options.get("content", b"")
        most = seconds_stated(PUSH_TIMEOUT, _UPLOAD_SECONDS)
        silence = most if content else min(most, _SILENT_SECONDS)
        with contextlib.ExitStack() as stack:
            body: bytes | CountedFile = b""
            if isinstance(content, bytes):
                body = content
            else:
                sent = options.get("sent", nobody)
                body = stack.enter_context(CountedFile(content, sent))
            return self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                params=options.get("params"),
                stream=options.get("stream", False),
                timeout=(_CONNECT_SECONDS, silence),
            )

    def _own(self, url: str) -> str:
        """``url``, never less protected than the registry is.

        Behind a proxy that ends TLS, a registry may not know that it is spoken to by https.
        """
        base, stated = urlsplit(self._base()), urlsplit(url)
        if (base.scheme, stated.scheme) == ("https", "http") and base.hostname == stated.hostname:
            return stated._replace(scheme=base.scheme, netloc=base.netloc).geturl()
        return url

    def _base(self) -> str:
        with self._lock:
            if not self._address:
                # Nothing of netrc: logins are docker's.
                self._session.auth = lambda request: request
                self._session.verify = ca_bundle() or True
                name = _HUB.get(self.host, self.host)
                plain = _is_loopback(name) and not self._speaks_tls(name)
                self._address = f"{'http' if plain else 'https'}://{name}"
            return self._address

    def is_silent(self, seconds: float) -> bool:
        """Tell whether the registry takes connections, and does not answer within ``seconds``."""
        name = _HUB.get(self.host, self.host)
        try:
            self._session.get(f"https://{name}/v2/", timeout=(seconds, seconds))
        except requests.ReadTimeout:
            return True
        except requests.RequestException:
            # Of one that cannot be reached from here, the engine may know more.
            return False
        return False

    def _speaks_tls(self, name: str) -> bool:
        try:
            most = min(_SILENT_SECONDS, seconds_stated(PUSH_TIMEOUT, _UPLOAD_SECONDS))
            self._session.get(f"https://{name}/v2/", timeout=(_CONNECT_SECONDS, most))
        except requests.exceptions.ConnectionError:
            return False
        except requests.RequestException:
            return True
        return True


def _use(method: str, options: RequestOptions) -> str:
    """Say what a request is for, as a registry asks for tokens: a mount reads another one, too."""
    source = options.get("params", {}).get("from", "")
    return source or ("read" if method in ("GET", "HEAD") else "write")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def unreached(host: str, error: requests.RequestException) -> Problem:
    """Describe a registry that gives no answer."""
    why = redacted(str(error).rpartition(": ")[2].rstrip(")>'\""))
    if isinstance(error, requests.Timeout):
        why = "it does not answer"
    elif "refused" in str(error):
        why = "connection refused"
    hint = "check the name and the network, then run it again"
    return Code.REGISTRY(f"the registry {host} cannot be reached ({why})", hint)


def _refusal(host: str, method: str, url: str, response: Response) -> Problem:
    path = urlsplit(url).path
    said = _said(response)
    message = f"the registry {host} answers {response.status_code} to {method} {path}{said}"
    if response.status_code in (401, 403):
        message = f"the registry {host} refuses {method} {path}{said}"
        return Code.REGISTRY(message, f"log in with 'docker login {host}', or check the name")
    if response.status_code in BUSY:
        return Code.REGISTRY(message, "run it again later: what is there is not sent twice")
    return Code.REGISTRY(message)


def _said(response: Response) -> str:
    """Return the registry's own words (OCI distribution specification, error codes)."""
    try:
        errors = response.json()["errors"]
        texts = [f"{each['code']}: {each.get('message', '')}" for each in errors]
    except (ValueError, LookupError, TypeError):
        return ""
    return f" ({redacted('; '.join(texts))})"
