"""The wheelhouse: files that have the locked hashes, whoever could write to the folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.wheelhouse import (
    KEPT_SECONDS,
    place_of,
    provide,
    provide_addressed,
    wheelhouse,
)
from nox_buildkit.plan.packages import Package
from nox_buildkit.progress import SILENT
from tests.support.codes import coded
from tests.support.package_index import PackageIndex, serve

NAME = "demo-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serve() as index:
        index.add("demo", "1.0")
        yield index


def locked(index: PackageIndex, tmp_path: Path) -> tuple[Package, Source]:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"demo==1.0 --hash=sha256:{index.stated[NAME]}\n")
    source = Source(lock, lock, "locked", "3.13", index=index.url)
    content = index.stated[NAME]
    return Package("demo", "1.0", "pure", NAME, content, None), source


def test_a_file_is_downloaded_once(index: PackageIndex, tmp_path: Path) -> None:
    package, source = locked(index, tmp_path)
    provide([package], [source], SILENT)
    place = place_of(package.sha256, NAME)
    assert place.read_bytes() == index.files[NAME]
    asked = len(index.requests)
    provide([package], [source], SILENT)
    assert len(index.requests) == asked


def test_a_file_that_was_altered_is_downloaded_again(
    index: PackageIndex, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package, source = locked(index, tmp_path)
    provide([package], [source], SILENT)
    place = place_of(package.sha256, NAME)
    place.write_bytes(b"planted")
    provide([package], [source], SILENT)
    assert place.read_bytes() == index.files[NAME]
    assert f"{place} was damaged: it is made anew" in capfd.readouterr().err


def test_another_file_of_the_same_name_is_refused(index: PackageIndex, tmp_path: Path) -> None:
    package, source = locked(index, tmp_path)
    index.files[NAME] = b"other"
    with pytest.raises(LockError, match="is not what was locked") as found, coded(Code.DOWNLOAD):
        provide([package], [source], SILENT)
    assert hashlib.sha256(b"other").hexdigest() in str(found.value)
    assert list(wheelhouse().rglob("*.whl")) == []


def test_a_file_that_the_index_has_no_more(index: PackageIndex, tmp_path: Path) -> None:
    package, source = locked(index, tmp_path)
    del index.files[NAME]
    with pytest.raises(LockError, match=f"answers 404 to the request for {NAME}; lock it again"):
        provide([package], [source], SILENT)


@pytest.mark.parametrize("way", ["variable", "named", "netrc"])
def test_logins_are_found_where_uv_finds_them(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    package, source = locked(index, tmp_path)
    index.login = ("me", "p@ss/word")
    match way:
        case "variable":
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace("://", "://me:p%40ss%2Fword@"))
        case "named":
            source = Source(source.path, source.output, "locked", "3.13", index=f"corp={index.url}")
            monkeypatch.setenv("UV_INDEX_CORP_USERNAME", "me")
            monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", "p@ss/word")
        case "netrc":
            netrc = tmp_path / "netrc"
            netrc.write_text("machine 127.0.0.1 login me password p@ss/word\n")
            netrc.chmod(0o600)
    provide([package], [source], SILENT)
    assert place_of(package.sha256, NAME).exists()


def test_a_login_that_is_refused_is_not_told(index: PackageIndex, tmp_path: Path) -> None:
    package, source = locked(index, tmp_path)
    # Its list of files is known by then.
    provide([package], [source], SILENT)
    place_of(package.sha256, NAME).unlink()
    index.login = ("me", "right")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password wrong-one\n")
    with pytest.raises(LockError, match=r"answers 401 to .*; log in as for locking") as found:
        provide([package], [source], SILENT)
    assert "wrong-one" not in str(found.value)


def test_files_of_this_machine_need_no_index(tmp_path: Path) -> None:
    package = Package("demo", "1.0", "pure", NAME, "0" * 64, 1, path=str(tmp_path / NAME))
    provide([package], [], SILENT)
    assert list(wheelhouse().iterdir()) == []


def test_what_no_build_uses_for_long_is_removed(index: PackageIndex, tmp_path: Path) -> None:
    package, source = locked(index, tmp_path)
    provide([package], [source], SILENT)
    place = place_of(package.sha256, NAME)
    long_ago = time.time() - KEPT_SECONDS - 60
    os.utime(place, (long_ago, place.stat().st_mtime))
    provide([package], [source], SILENT)
    assert place.exists()
    os.utime(place, (long_ago, place.stat().st_mtime))
    provide([], [], SILENT)
    assert not place.parent.exists()


@contextlib.contextmanager
def over_tls(content: bytes, bundle: Path) -> Iterator[str]:
    """Serve ``content`` under a certificate of an authority of its own; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests clean."""

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/models/m.bin"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_file_of_an_address_under_the_authority_of_a_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"model").hexdigest()
    with over_tls(b"model", tmp_path / "ca.pem") as address:
        with pytest.raises(LockError) as caught:
            provide_addressed({digest: address}, SILENT)
        assert "m.bin cannot be downloaded from 127.0.0.1:" in str(caught.value)
        assert [problem.about for problem in caught.value.problems] == [address]
        assert not place_of(digest, digest).exists()

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        provide_addressed({digest: address}, SILENT)
    assert place_of(digest, digest).read_bytes() == b"model"
    # What is there is not asked for, and what was altered is not taken.
    provide_addressed({digest: address}, SILENT)
    place_of(digest, digest).write_bytes(b"other")
    with pytest.raises(LockError):
        provide_addressed({digest: address}, SILENT)
