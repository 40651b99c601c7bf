"""What a host's network needs reaches the steps that download, and stays out of everything else."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, listening, new_version, serve
from tests.support.project import SPEC, Project

PROXY, INDEX, BUNDLE = "marker-of-the-proxy", "marker-of-the-index", "marker-of-the-bundle"
FIRST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class _Proxy(BaseHTTPRequestHandler):
    """Passes requests on (RFC 9110, absolute form) for whoever knows the password."""

    paths: list[str]

    def do_GET(self) -> None:
        expected = b64encode(f"me:{PROXY}".encode()).decode()
        if self.headers.get("Proxy-Authorization") != f"Basic {expected}":
            self._send(407, b"no", {"Proxy-Authenticate": "Basic"})
            return
        self.paths.append(self.path)
        kept = {k: v for k, v in self.headers.items() if k in ("Authorization", "Accept")}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            request = urllib.request.Request(self.path, headers=kept)  # noqa: S310 - loopback
            with opener.open(request) as response:
                self._send(200, response.read(), {"Content-Type": response.headers["Content-Type"]})
        except urllib.error.HTTPError as error:
            self._send(error.code, b"", dict(error.headers.items()))

    def do_HEAD(self) -> None:
        self._send(405, b"", {})

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests clean."""

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() in ("content-type", "www-authenticate", "proxy-authenticate"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def _environments(seen: dict[str, bytes]) -> Iterator[None]:
    """Note, while the block runs, the environment of each docker client, plugin and git."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    name = (folder / "exe").readlink().name
                    if name in ("docker", "docker-buildx", "git"):
                        seen[f"{name} {folder.name}"] = (folder / "environ").read_bytes()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_no_secret_of_the_host_is_in_the_image(project: Project, tmp_path: Path) -> None:
    project.ok("plan")  # Only the packages are to come through the proxy.
    proxied: list[str] = []
    handler = type("Proxy", (_Proxy,), {"paths": proxied})
    bundle = tmp_path / "bundle.pem"
    real = Path(FIRST_BUNDLE)
    bundle.write_text(f"# {BUNDLE}\n{real.read_text() if real.exists() else ''}")
    version = new_version()
    spec = SPEC.replace("base: debian", "base: debian\n    requirements: all")
    private = PackageIndex(login=("me", INDEX))
    children: dict[str, bytes] = {}
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    with serve(private) as index, listening(handler) as proxy, _environments(children):
        index.add("plain", version)
        index.add_native("fast", version)
        project.write(
            {
                "requirements.in": f"plain=={version}\nfast=={version}\n",
                "buildspec.yaml": f"{spec}requirements:\n  all:\n    source: requirements.in\n",
            }
        )
        del project.env["UV_DEFAULT_INDEX"]
        done = project.ok(
            "build",
            "--verbose",
            UV_DEFAULT_INDEX=f"mine={index.url}",
            UV_INDEX_MINE_USERNAME="me",
            UV_INDEX_MINE_PASSWORD=INDEX,
            HTTP_PROXY=f"http://me:{PROXY}@{proxy}",
            SSL_CERT_FILE=str(bundle),
            XDG_RUNTIME_DIR=str(runtime),
        )
    assert "docker-buildx" in {name.partition(" ")[0] for name in children}
    assert not [name for name, content in children.items() if INDEX.encode() in content]
    assert list(runtime.iterdir()) == [], "secrets that nobody needs any more"
    wheels = [path for path in proxied if path.endswith(".whl")]
    assert len({path.rpartition("/")[2] for path in wheels}) == 3, "the steps used the proxy"

    image = ImageIndex.open(project.tar)
    markers = [marker.encode() for marker in (PROXY, INDEX, BUNDLE, os.environ["HOME"] + "/.netrc")]
    for platform in image.platforms.values():
        for layer in platform.own_layers:
            content = platform.unpacked(layer)
            assert not [marker for marker in markers if marker in content]
            assert not any(name.startswith("run/") for name in platform.members(layer))
    documents = [content for content in image.archive.values() if content[:1] in b"{"]
    assert len(documents) >= 6
    texts = [path.read_bytes() for path in project.root.rglob("*") if path.suffix != ".tar"
             and path.is_file()]  # fmt: skip
    said = (done.stdout + done.stderr).encode()
    for content in (*documents, *texts, said):
        assert not [marker for marker in markers if marker in content]
    rendered = Path(project.env["NOX_BUILDKIT_CACHE"]) / "projects"
    for path in rendered.glob(f"{project.root.name}-*/*"):
        if path.is_file():
            assert not [marker for marker in markers if marker in path.read_bytes()]


def test_the_record_names_no_host(project: Project) -> None:
    project.ok("build")
    assert str(project.root) not in json.dumps(project.record())
