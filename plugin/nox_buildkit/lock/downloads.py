"""Downloads of files that are known by their digest, several at a time.

By requests, with urllib3's own rules for what is tried again: uv has no command that downloads and
does not install.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from nox_buildkit.environment import ca_bundle
from nox_buildkit.errors import Code, LockError, Problem
from nox_buildkit.files import private_dir, replacing, sweep_parts
from nox_buildkit.lock.download import Download
from nox_buildkit.printable import redacted
from nox_buildkit.progress import Progress

_AT_A_TIME = 8
_CONNECT_SECONDS = 10
_SILENT_SECONDS = 60
_BLOCK = 2**20
_RETRIES = Retry(
    total=5,
    connect=1,
    # A certificate that is not trusted stays so.
    other=0,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)
#: Of connections that end too early.
_ATTEMPTS = 3
#: Of every file: BuildKit sends a file again whose time differs.
_TIME = 315532800


def download(files: Sequence[Download], report: Progress) -> None:
    """Download ``files``. Raises LockError with a problem for each that cannot be had."""
    total = _Total(report)
    waiting: SimpleQueue[Download] = SimpleQueue()
    ended: SimpleQueue[Problem | BaseException | None] = SimpleQueue()
    for file in files:
        waiting.put(file)
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            adapter = HTTPAdapter(pool_maxsize=_AT_A_TIME, max_retries=_RETRIES)
            session.mount(scheme, adapter)
        for _ in range(min(_AT_A_TIME, len(files))):
            # Nobody who interrupts waits for a server that is silent.
            run = partial(_work, session, waiting, ended, total)
            threading.Thread(target=run, daemon=True).start()
        problems = [problem for problem in (ended.get() for _ in files) if problem]
    for problem in problems:
        if isinstance(problem, BaseException):
            raise problem
    if problems:
        raise LockError(*(problem for problem in problems if isinstance(problem, Problem)))


def _work(
    session: requests.Session,
    waiting: SimpleQueue[Download],
    ended: SimpleQueue[Problem | BaseException | None],
    total: _Total,
) -> None:
    with contextlib.suppress(Empty):
        while True:
            file = waiting.get_nowait()
            try:
                ended.put(_file(session, file, total))
            except BaseException as error:
                ended.put(error)


@dataclass
class _Total:
    """The bytes of all files, as far as servers have told."""

    report: Progress
    done: int = 0
    total: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, done: int = 0, total: int = 0) -> None:
        with self._lock:
            self.done, self.total = self.done + done, self.total + total
            self.report.transfer("packages", self.done, max(self.done, self.total))


def _file(session: requests.Session, file: Download, total: _Total) -> Problem | None:
    try:
        _tried(session, file, total)
    except requests.RequestException as error:
        return _unreached(file, error)
    except _Refused as refused:
        return refused.problem
    return None


class _Refused(Exception):
    """An answer that is not the file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(requests.exceptions.ChunkedEncodingError),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    reraise=True,
)
def _tried(session: requests.Session, file: Download, total: _Total) -> None:
    trusted = os.environ.get("UV_INSECURE_HOST", "").split()
    insecure = not {file.host, file.host.partition(":")[0]}.isdisjoint(trusted)
    with session.get(
        file.url,
        auth=_Login(file.logins),
        stream=True,
        timeout=(_CONNECT_SECONDS, _SILENT_SECONDS),
        verify=not insecure and (ca_bundle() or True),
        # A proxy or a server may pack what is packed.
        headers={"Accept-Encoding": "identity"},
    ) as response:
        if response.status_code != requests.codes.ok:
            raise _Refused(_refusal(file, response.status_code))
        total.add(total=int(response.headers.get("Content-Length", 0)))
        sweep_parts(private_dir(file.target.parent))
        with replacing(file.target) as temporary:
            found = _written(response, temporary, total)
            if found != file.sha256:
                raise _Refused(_other(file, found))
            os.utime(temporary, (_TIME, _TIME))


def _written(response: requests.Response, path: Path, total: _Total) -> str:
    """Write the body of ``response`` to ``path``; return its digest."""
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for block in response.iter_content(_BLOCK):
            stream.write(block)
            digest.update(block)
            total.add(len(block))
    return digest.hexdigest()


class _Login(requests.auth.AuthBase):
    """Logs in where a login is known, and with nothing of netrc elsewhere."""

    def __init__(self, logins: Mapping[str, tuple[str, str]]) -> None:
        self.logins = logins

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        login = self.logins.get(urlsplit(str(request.url)).netloc)
        return requests.auth.HTTPBasicAuth(*login)(request) if login else request


def _refusal(file: Download, status: int) -> Problem:
    message = f"{file.host} answers {status} to the request for {file.label}"
    if file.name:
        hint = {401: "put a login for the host into ~/.netrc", 404: "correct the address"}
        known = {403: hint[401], 410: hint[404], **hint}
        return Code.DOWNLOAD(message, known.get(status, "try again later"), about=file.url)
    match status:
        case 401 | 403:
            return Code.DOWNLOAD(
                message, "log in as for locking: UV_INDEX_…_PASSWORD, netrc or keyring"
            )
        case 404 | 410:
            return Code.DOWNLOAD(message, "lock it again: the index has the file no more")
        case _:
            return Code.DOWNLOAD(message, "try again later")


def _other(file: Download, found: str) -> Problem:
    if file.name:
        message = f"{file.label} of {file.host} has the digest sha256:{found}"
        hint = f"it is not the file with sha256:{file.sha256}; find out why before you change that"
        return Code.DOWNLOAD(message, hint, about=file.url)
    message = (
        f"{file.target.name} of {file.host} is not what was locked: its hash is sha256:{found}, "
        f"and not sha256:{file.sha256}"
    )
    return Code.DOWNLOAD(message, "find out why it changed before you lock it again")


def _unreached(file: Download, error: requests.RequestException) -> Problem:
    why = redacted(str(error).rpartition(": ")[2].rstrip(")>'\""))
    if isinstance(error, requests.Timeout):
        why = "it does not answer"
    elif "refused" in str(error):
        why = "connection refused"
    message = f"{file.label} cannot be downloaded from {file.host} ({why})"
    hint = "check the network, HTTPS_PROXY and SSL_CERT_FILE, then try again"
    return Code.DOWNLOAD(message, hint, about=file.url if file.name else "")
