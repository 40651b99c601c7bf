"""Programs out of packages, on Debian's real archive."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.debian.archive import host_archive
from nox_buildkit.debian.provision import SuitePackage, check_runs, provision, tool, tools_dir
from nox_buildkit.debian.suite import Suite
from nox_buildkit.errors import Code, EngineError
from tests.support.codes import coded
from tests.support.progress import Told
from tests.support.real_parts import Tools

TINY = [[SuitePackage("hello")]]
FETCH = """
from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
print(provision("hello", [[SuitePackage("hello")]], lambda p: check_runs(p / "usr/bin/hello")))
"""


def check_hello(prefix: Path) -> None:
    check_runs(prefix / "usr/bin/hello")


@pytest.fixture(scope="module")
def own_cache() -> Iterator[Path]:
    """An empty cache folder, and with it apt indexes of its own."""
    home = Path(tempfile.mkdtemp(prefix="nbk"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOX_BUILDKIT_CACHE", str(home))
        yield home
    shutil.rmtree(home)


@pytest.fixture(autouse=True)
def _empty_tools(own_cache: Path) -> None:
    shutil.rmtree(own_cache / "tools", ignore_errors=True)


def test_a_package_is_unpacked_with_progress_and_nothing_is_installed() -> None:
    told = Told()
    before = Path("/var/lib/dpkg/status").stat().st_mtime_ns
    prefix = provision("hello", TINY, check_hello, told)
    assert (prefix / "usr/bin/hello").exists()
    assert prefix.stat().st_mode & 0o777 == 0o700
    sizes = [(done, total) for name, done, total in told.transfers if name == "downloading hello"]
    assert sizes[-1][0] == sizes[-1][1] > 10_000
    assert Path("/var/lib/dpkg/status").stat().st_mtime_ns == before


def test_what_is_there_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    provision("hello", TINY, check_hello)
    monkeypatch.setenv("PATH", "/nonexistent")
    began = time.monotonic()
    provision("hello", TINY, check_hello)
    assert time.monotonic() - began < 0.1


def test_a_download_that_was_killed_half_way_is_never_used() -> None:
    with subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.DEVNULL) as first:
        while not list(tools_dir().glob(".hello-*.part-*")):
            assert first.poll() is None
        first.send_signal(signal.SIGKILL)
    assert list(tools_dir().glob(".hello-*.part-*"))
    assert not list(tools_dir().glob("hello-*"))
    prefix = provision("hello", TINY, check_hello)
    assert (prefix / "usr/bin/hello").exists()
    assert not list(tools_dir().glob(".hello-*.part-*"))


def test_a_damaged_program_is_unpacked_again(capsys: pytest.CaptureFixture[str]) -> None:
    prefix = provision("hello", TINY, check_hello)
    program = prefix / "usr/bin/hello"
    program.write_bytes(program.read_bytes()[:100])
    assert provision("hello", TINY, check_hello) == prefix
    assert capsys.readouterr().err == f"{prefix} was damaged: it is made anew\n"
    check_hello(prefix)


def test_two_processes_unpack_once() -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE) for _ in range(2)
    ]
    found = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(found) == 1
    assert [starter.returncode for starter in starters] == [0, 0]


def test_the_next_candidate_is_taken_and_every_reason_given() -> None:
    def refuse(_prefix: Path) -> None:
        raise EngineError(Code.DEBIAN_ARCHIVE("it wants another libc"))

    candidates = [[SuitePackage("no-such-package")], [SuitePackage("hello")]]
    assert provision("hello", candidates, check_hello).name.startswith("hello-")
    with pytest.raises(EngineError) as caught:
        provision("refused", candidates, refuse)
    assert "no-such-package" in str(caught.value)
    assert "it wants another libc" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tools_dir().glob("*refused-*"))


def test_a_mirror_out_of_reach_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    use_sources(tmp_path, monkeypatch, "sources.list", "deb http://127.0.0.1:9/debian {} main\n")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EngineError, match=r"apt: .*127\.0\.0\.1") as caught:
        provision("hello", TINY, check_hello)
    assert "\n" not in str(caught.value)


def test_a_package_of_an_unknown_signer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = tmp_path / "empty.gpg"
    keyring.write_bytes(b"")
    uri = host_archive().uri
    entry = f"deb [signed-by={keyring}] {uri} {{}} main\n"
    use_sources(tmp_path, monkeypatch, "sources.list", entry)
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EngineError, match=r"apt: .*(not signed|NO_PUBKEY)"):
        provision("hello", TINY, check_hello)


def test_the_index_of_another_mirror_is_not_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    archive = host_archive()
    Suite.of(archive, archive.suite).update()

    with pytest.raises(EngineError, match="apt: "):
        Suite.of(replace(archive, uri="file:/no/such/mirror"), archive.suite).update()
    again = Suite.of(archive, archive.suite)
    again.update()
    assert again.remotes(["hello"])


@pytest.mark.parametrize(
    ("name", "text", "signed_by"),
    [
        (
            "sources.list",
            "deb https://third.example/apt {0} main\n"
            "# deb http://old.example/debian {0} main\n"
            "deb [arch=amd64,arm64 signed-by=/k/debian-archive-keyring.gpg] "
            "http://mirror.example/debian {0} main contrib\n",
            "/k/debian-archive-keyring.gpg",
        ),
        ("sources.list", "deb http://mirror.example/debian/ {0} main\n", ""),
        (
            "debian.sources",
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: {0}-updates\n"
            "Components: main\nSigned-By: /k/other.gpg\n\n"
            "# a comment\nTypes: deb\nURIs: http://mirror.example/debian\n"
            "Suites: {0} {0}-backports\nComponents: main\n"
            "Signed-By: /k/debian-archive-keyring.gpg\n",
            "/k/debian-archive-keyring.gpg",
        ),
    ],
)
def test_the_archive_is_the_one_of_the_hosts_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, signed_by: str
) -> None:
    use_sources(tmp_path, monkeypatch, name, text)
    archive = host_archive()
    assert archive.uri.rstrip("/") == "http://mirror.example/debian"
    assert archive.signed_by == signed_by


def test_no_source_says_what_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_sources(tmp_path, monkeypatch, "sources.list", "\n")
    with pytest.raises(EngineError, match="apt has no source"), coded(Code.DEBIAN_ARCHIVE):
        host_archive()


def test_a_program_of_the_host_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello").write_text("#!/bin/sh\n")
    (tmp_path / "hello").chmod(0o755)
    ours = tool("hello")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert tool("hello") == (str(tmp_path / "hello"),)
    assert ours != tool("hello")


def test_the_registry_and_the_tools_of_these_tests_work(registry: str, tools: Tools) -> None:
    listed = subprocess.run(
        [tools.skopeo, "list-tags", "--tls-verify=false", f"docker://{registry}/none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "404" in listed.stderr


def use_sources(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, template: str) -> None:
    """Let the host's apt have one source file: ``template`` with the host's suite."""
    (folder / "sources").mkdir()
    suite = host_archive().suite
    (folder / "sources" / name).write_text(template.format(suite))
    single = folder / "sources" / name if name == "sources.list" else "/dev/null"
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::SourceList "{single}";\nDir::Etc::SourceParts "{folder}/sources";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
