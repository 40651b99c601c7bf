"""A package index on the loopback interface: what it serves is up to a test."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import secrets
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
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
#: A module in C whose ``version()`` is that of libyaml.
C_SOURCE = """\
#include <Python.h>
#include <yaml.h>

static PyObject *version(PyObject *self, PyObject *none) {
    return PyUnicode_FromString(yaml_get_version_string());
}

static PyMethodDef methods[] = {{"version", version, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "NAME", 0, -1, methods};

PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&module); }
"""

#: A build backend (PEP 517) that comes with the sources and takes nothing but a compiler.
BACKEND = """\
import pathlib
import subprocess
import sysconfig
import zipfile

NAME, VERSION = "{name}", "{version}"
INFO = f"{{NAME}}-{{VERSION}}.dist-info"


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    pathlib.Path(folder, INFO).mkdir()
    text = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    pathlib.Path(folder, INFO, "METADATA").write_text(text)
    return INFO


def build_wheel(folder, config_settings=None, metadata_directory=None):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    include = sysconfig.get_paths()["include"]
    command = ["cc", "-g", "-shared", "-fPIC", f"-I{{include}}", "module.c", "-lyaml", "-o"]
    subprocess.run([*command, "module.so"], check=True)
    version = sysconfig.get_config_var("py_version_nodot")
    platform = sysconfig.get_platform().replace("-", "_")
    tag = f"cp{{version}}-cp{{version}}-{{platform}}"
    filename = f"{{NAME}}-{{VERSION}}-{{tag}}.whl"
    prepare_metadata_for_build_wheel(".")
    with zipfile.ZipFile(pathlib.Path(folder, filename), "w") as wheel:
        wheel.write("module.so", NAME + suffix)
        wheel.write(f"{{INFO}}/METADATA")
        text = f"Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: false\\nTag: {{tag}}\\n"
        wheel.writestr(f"{{INFO}}/WHEEL", text)
        files = [NAME + suffix, f"{{INFO}}/METADATA", f"{{INFO}}/WHEEL", f"{{INFO}}/RECORD"]
        wheel.writestr(f"{{INFO}}/RECORD", "".join(f"{{file}},,\\n" for file in files))
    return filename
"""

#: Goes before it: says no where the processor is not the one that is compiled for.
REFUSING_BACKEND = """\
import sys
import sysconfig

with open(sys.executable, "rb") as file:
    machine = {62: "x86_64", 183: "aarch64"}[file.read(20)[18]]
if machine not in sysconfig.get_platform():
    sys.exit("this package does not cross-compile")

"""

#: The same, of a module without machine code that says where it was built.
PURE_BACKEND = """\
import pathlib
import platform
import zipfile

NAME, VERSION = "{name}", "{version}"
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
METADATA = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
SOURCE = f"BUILT_ON = {{platform.machine()!r}}\\n"


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    pathlib.Path(folder, INFO).mkdir()
    pathlib.Path(folder, INFO, "METADATA").write_text(METADATA)
    return INFO


def build_wheel(folder, config_settings=None, metadata_directory=None):
    filename = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    tag = "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {{
        f"{{NAME}}.py": SOURCE,
        f"{{INFO}}/METADATA": METADATA,
        f"{{INFO}}/WHEEL": tag,
    }}
    with zipfile.ZipFile(pathlib.Path(folder, filename), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        record = "".join(f"{{name}},,\\n" for name in [*files, f"{{INFO}}/RECORD"])
        wheel.writestr(f"{{INFO}}/RECORD", record)
    return filename
"""

#: The same, of one that writes wherever it can, and says where that was.
GREEDY_BACKEND = """\
import pathlib

import honest

WRITTEN = []
for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
    place = pathlib.Path(line.split()[4])
    if place.is_dir() and place.parts[:2] not in [("/", "proc"), ("/", "sys"), ("/", "dev")]:
        for folder in ("", "victim", "victim/any", "wheels/any"):
            try:
                (place / folder).mkdir(parents=True, exist_ok=True)
                (place / folder / "victim-1.0-py3-none-any.whl").write_text("planted")
            except OSError:
                continue
            WRITTEN.append(str(place))

prepare_metadata_for_build_wheel = honest.prepare_metadata_for_build_wheel


def build_wheel(*arguments, **named):
    honest.SOURCE += f"WRITTEN = {{sorted(set(WRITTEN))}}\\n"
    return honest.build_wheel(*arguments, **named)
"""

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

    def add_sdist(self, name: str, version: str, source: str = "") -> None:
        """Offer the sources of a module ``name`` in C that nobody has built.

        It needs libyaml, to compile and to run; ``source`` is what the module is in place of that.
        """
        filename = f"{name}-{version}.tar.gz"
        self._offer(filename, _sdist(name, version, source or C_SOURCE.replace("NAME", name)))

    def add_pure_sdist(self, name: str, version: str) -> None:
        """Offer the sources of a module ``name`` in Python, whose ``BUILT_ON`` is a machine."""
        backend = PURE_BACKEND.format(name=name, version=version)
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, "", backend))

    def add_told_sdist(self, name: str, version: str, variable: str) -> None:
        """Offer the same, of a module whose ``TOLD`` is a variable of the build."""
        backend = PURE_BACKEND.format(name=name, version=version)
        told = f"import os\n\nSOURCE += f'TOLD = {{os.environ.get({variable!r})!r}}\\n'\n"
        told = told.replace(repr(variable), f'"{variable}"')
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, "", backend + told))

    def add_refusing_sdist(self, name: str, version: str) -> None:
        """Offer the same as `add_sdist`, of a backend that does not cross-compile."""
        backend = REFUSING_BACKEND + BACKEND.format(name=name, version=version)
        source = C_SOURCE.replace("NAME", name)
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, source, backend))

    def add_careless_sdist(self, name: str, version: str) -> None:
        """Offer the same, of a backend that calls the compiler of the machine that it runs on."""
        backend = BACKEND.format(name=name, version=version).replace('["cc"', '["/usr/bin/gcc"')
        source = C_SOURCE.replace("NAME", name).replace("yaml_get_version_string()", '"0"')
        source = source.replace("#include <yaml.h>\n", "")
        backend = backend.replace(', "-lyaml"', "")
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, source, backend))

    def add_greedy_sdist(self, name: str, version: str) -> None:
        """Offer the same, of a backend that writes into every mount; ``WRITTEN`` is where it could.

        What it writes pretends to be the package ``victim``.
        """
        backend = GREEDY_BACKEND.format()
        more = {"honest.py": PURE_BACKEND.format(name=name, version=version)}
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, "", backend, more))

    def add_slow_sdist(self, name: str, version: str, seconds: int) -> None:
        """Offer sources of a module ``name`` that take ``seconds`` to be built."""
        backend = PURE_BACKEND.format(name=name, version=version)
        slow = f"import time\ntime.sleep({seconds})\n{backend}"
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, "", slow))

    def add_needing_sdist(self, name: str, version: str, needed: str) -> None:
        """Offer the same as `add_sdist`, of a backend that takes the package ``needed`` as well."""
        backend = f"import {needed}\n{BACKEND.format(name=name, version=version)}"
        source = C_SOURCE.replace("NAME", name)
        self._offer(
            f"{name}-{version}.tar.gz", _sdist(name, version, source, backend, requires=needed)
        )

    def stall_compiling(self, name: str, version: str) -> None:
        """Offer sources of a module ``name`` that wait, when they are compiled, to be released."""
        backend = PURE_BACKEND.format(name=name, version=version)
        needed = f"needed-by-{name}"
        self._offer(f"{name}-{version}.tar.gz", _sdist(name, version, "", backend, requires=needed))
        self.add(needed.replace("-", "_"), version)
        self.stalled = {file for file in self.files if file.startswith("needed_by_")}

    def _offer(self, filename: str, content: bytes) -> None:
        self.files[filename] = content
        self.stated[filename] = hashlib.sha256(content).hexdigest()

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
    name = path.partition("?")[0].rpartition("/")[2]
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


def _sdist(
    name: str,
    version: str,
    source: str,
    backend: str = "",
    more: Mapping[str, str] | None = None,
    *,
    requires: str = "",
) -> bytes:
    """A source distribution with a backend of its own; building it downloads ``requires`` alone."""
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": (
            f'[project]\nname = "{name}"\nversion = "{version}"\n[build-system]\n'
            f"requires = {[requires] if requires else []}\n"
            'build-backend = "backend"\nbackend-path = ["."]\n'
        ),
        "backend.py": backend or BACKEND.format(name=name, version=version),
        "module.c": source,
        **(more or {}),
    }
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def _record(content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(content.encode())}"
