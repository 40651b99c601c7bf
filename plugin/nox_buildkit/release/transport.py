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
import tenacity
from requests import Response
from urllib3.util import Retry

from nox_buildkit.environment import PUSH_TIMEOUT, ca_bundle, seconds_stated
from nox_buildkit.errors import Code, Problem
from nox_buildkit.printable import redacted
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.release.counted_file import CountedFile, Sent, nobody
from nox_buildkit.release.registry_login import Authorization, stored_login
from nox_buildkit.release.repository import RegistryError

_CONNECT_SECONDS = 10
#: Of silence. A registry may write a large layer to its store before it answers.
_SILENT_SECONDS = 60
_UPLOAD_SECONDS = 1800
_ATTEMPTS = 6
_MOST_PATIENCE = 120
_BUSY = (429, 500, 502, 503, 504)

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


class Busy(RegistryError):
    """A registry that may do what it was asked later; ``after``: in seconds, if it says so."""

    after: float | None = None


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
        url = path if "://" in path else f"{self._base()}{path}"
        try:
            response = self._authorized(method, url, options)
        except requests.RequestException as error:
            raise RegistryError(unreached(self.host, error)) from None
        if response.status_code in options["accepted"]:
            return response
        if response.status_code in _BUSY:
            busy = Busy(_refusal(self.host, method, url, response))
            busy.after = _seconds(response.headers.get("Retry-After"))
            raise busy
        raise RegistryError(_refusal(self.host, method, url, response))

    def patiently(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, called again for as long as it raises Busy."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_waiting),
            wait=_wait,
            stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_after_delay(_MOST_PATIENCE),
            before_sleep=self._tell,
            reraise=True,
        )
        return retrying(call)

    def _authorized(self, method: str, url: str, options: RequestOptions) -> Response:
        with self._lock:
            if self._authorization is None:
                login, limits = stored_login(self.host), (_CONNECT_SECONDS, _SILENT_SECONDS)
                self._authorization = Authorization(login, self._session, limits)
        used = self._authorization.header
        response = self._send(method, url, options, used)
        refused = response.status_code == requests.codes.unauthorized
        if refused and self._authorization.renew(used, response):
            response = self._send(method, url, options, self._authorization.header)
        return response

    def _send(self, method: str, url: str, options: RequestOptions, authorization: str) -> Response:
        headers = {**options.get("headers", {})}
        # A place for uploads may be of somebody else's.
        if authorization and urlsplit(url).netloc == urlsplit(self._base()).netloc:
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

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0
        self.report.message(f"{error}: trying again in {pause:.0f} s")


def _worth_waiting(error: BaseException) -> bool:
    return isinstance(error, Busy) and (error.after or 0) <= _MOST_PATIENCE


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    stated = error.after if isinstance(error, Busy) else None
    random = tenacity.wait_random_exponential(multiplier=0.5, max=20)
    return stated if stated is not None else random(state)


def _seconds(stated: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3)."""
    if not stated:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(stated))
    except Exception:
        return None


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
    if response.status_code in _BUSY:
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
