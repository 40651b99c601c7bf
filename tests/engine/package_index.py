"""A package index on the loopback interface: what it serves is up to a test."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import secrets
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import time

#: Wheel tags of a package with machine code, by platform.
NATIVE_TAGS = {
    "linux/amd64": "cp313-cp313-manylinux_2_17_x86_64",
    "linux/arm64": "cp313-cp313-manylinux_2_17_aarch64",
}
_RUNS = count(int(time()) * 1000)


def new_version() -> str:
    """A version that no build before has seen, so that no layer and no cache knows it."""
    return f"1.{next(_RUNS)}"


@dataclass
class PackageIndex:
    """``files``: what is served by name; the page of a project states the digest of ``stated``.

    ``login``: user and password that are asked for; ``stalled``: files that are not handed out
    before ``released``; ``asked``: set when one of them was asked for.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    stalled: set[str] = field(default_factory=set)
    asked: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)

    @property
    def url_with_login(self) -> str:
        """The address as it must never be written down."""
        assert self.login
        return self.url.replace("://", f"://{self.login[0]}:{self.login[1]}@")

    def add(self, name: str, version: str, *tags: str, text: str = "", requires: str = "") -> None:
        """Offer a wheel of a module ``name`` for each of ``tags`` (default: any platform)."""
        for tag in tags or ("py3-none-any",):
            filename, content = _wheel(name, version, tag, text, requires)
            self.files[filename] = content
            self.stated[filename] = hashlib.sha256(content).hexdigest()

    def add_native(self, name: str, version: str) -> None:
        """Offer wheels with machine code for both platforms; each says which one it is of."""
        for platform, tag in NATIVE_TAGS.items():
            self.add(name, version, tag, text=f"PLATFORM = {platform!r}\n")

    def add_sdist(self, name: str, version: str) -> None:
        """Offer sources that nobody has built."""
        filename = f"{name}-{version}.tar.gz"
        self.files[filename] = b"sources"
        self.stated[filename] = hashlib.sha256(b"sources").hexdigest()

    def page(self, project: str) -> str:
        """The simple repository API (PEP 503) of one project."""
        return "".join(
            f'<a href="../../files/{name}#sha256={digest}">{name}</a>\n'
            for name, digest in self.stated.items()
            if name.split("-")[0].replace("_", "-") == project
        )


@contextlib.contextmanager
def serve(served: PackageIndex | None = None) -> Iterator[PackageIndex]:
    """Serve a package index at a path of its own, so that no cache takes it for another."""
    index = served or PackageIndex()
    prefix = f"/{secrets.token_hex(8)}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            index.requests.append(self.path)
            status, content = _answer(index, self.path.removeprefix(prefix), self.headers)
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests clean."""

    with listening(Handler) as address:
        index.url = f"http://{address}{prefix}/simple/"
        try:
            yield index
        finally:
            index.released.set()


@contextlib.contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve ``handler`` in threads; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(index: PackageIndex, path: str, headers: Message) -> tuple[int, bytes]:
    if index.login:
        expected = base64.b64encode(":".join(index.login).encode()).decode()
        if headers.get("Authorization") != f"Basic {expected}":
            return 401, b"no"
    if path.startswith("/simple/"):
        page = index.page(path.split("/")[2])
        return (200, page.encode()) if page else (404, b"not here")
    name = path.rpartition("/")[2]
    if name in index.stalled:
        index.asked.set()
        index.released.wait(60)
    return (200, index.files[name]) if name in index.files else (404, b"not here")


def _wheel(name: str, version: str, tag: str, text: str, requires: str) -> tuple[str, bytes]:
    """A wheel (binary distribution format) of one module that has a ``VERSION``."""
    info = f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {requires}\n" if requires else ""
    purelib = "true" if tag.endswith("-any") else "false"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n{text}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n"
        ),
    }
    record = "".join(f"{path},{_record(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return f"{name}-{version}-{tag}.whl", stream.getvalue()


def _record(content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(content.encode())}"
