"""Verdicts on a machine: what is a warning, what is a problem, and what mends it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from nox_buildkit.doctor.cache_folder import CacheFolder, judge_cache, read_cache_folder
from nox_buildkit.doctor.disk import Space, judge_space, look_at_disks
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.doctor.package_index import judge_answer
from nox_buildkit.doctor.programs import judge_repository, judge_uv
from nox_buildkit.doctor.proxies import look_at_certificates, look_at_proxies
from nox_buildkit.doctor.registries import judge_registry
from nox_buildkit.errors import Code
from nox_buildkit.release.probe import RegistryTraits
from nox_buildkit.run import Done

GOOD = CacheFolder(Path("/cache"), 1000, owner=1000)


def only(findings: Iterable[Finding]) -> Finding:
    (found,) = findings
    return found


@pytest.mark.parametrize(
    ("free", "verdict"), [(10**6, "problem"), (2 * 10**9, "warning"), (10**11, "ok")]
)
def test_free_space(free: int, verdict: str) -> None:
    found = judge_space(Space(Path("/cache"), free))
    assert found.verdict == verdict
    assert ("make room" in found.fix) == (verdict != "ok")


def test_a_disk_without_inodes_is_full() -> None:
    found = judge_space(Space(Path("/cache"), 10**11, files=0))
    assert found.verdict == "problem"
    assert "inodes" in found.message


def test_folders_on_one_file_system_are_one_answer(tmp_path: Path) -> None:
    folders = [tmp_path, tmp_path / "not/there/yet"]
    assert len(list(look_at_disks(folders))) == 1
    assert not list(look_at_disks(folders, but=[tmp_path]))


@pytest.mark.parametrize(
    ("folder", "verdict", "what", "fix"),
    [
        (replace(GOOD, owner=0), "problem", "belongs to user 0", "sudo chown -R 1000 /cache"),
        (replace(GOOD, mode=0o755), "warning", "mode 0755", "chmod 700 /cache"),
        (replace(GOOD, mode=0o777), "problem", "change what builds trust", "chmod 700 /cache"),
        (replace(GOOD, writable=False), "problem", "cannot be written", "chmod u+rwx /cache"),
        (replace(GOOD, there=False, writable=False), "problem", "cannot be made", "CACHE"),
        (replace(GOOD, there=False, obstacle="/x is a file"), "problem", "/x is a file", "move"),
        (replace(GOOD, programs=False), "warning", "mounted noexec", "mount it with exec"),
    ],
)
def test_a_cache_folder(folder: CacheFolder, verdict: str, what: str, fix: str) -> None:
    found = only(judge_cache(folder))
    assert found.verdict == verdict
    assert what in found.message
    assert fix in found.fix


def test_a_good_cache_folder_is_well() -> None:
    assert not list(judge_cache(GOOD))


def test_the_cache_folder_is_looked_at_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    assert not read_cache_folder().there
    assert not (tmp_path / "cache").exists()
    (tmp_path / "cache").write_text("")
    assert read_cache_folder().obstacle.endswith("cache is not a folder")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache/below"))
    assert read_cache_folder().obstacle
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o750)
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "open"))
    found = read_cache_folder()
    assert (found.owner, found.mode, found.writable) == (os.geteuid(), 0o750, True)


def test_a_registry_that_a_release_cannot_use_is_a_warning() -> None:
    traits = RegistryTraits("r.example", 0, True, True, True, True, True)
    assert judge_registry(traits).verdict == "ok"
    lacks = judge_registry(replace(traits, referrers=False))
    assert lacks.verdict == "ok"
    assert "without the referrers API" in lacks.message
    found = judge_registry(replace(traits, by_digest=False))
    assert (found.verdict, found.fix) == ("warning", "publish with `nox -s push`")
    assert found.facts["form"] == "image"


def test_an_index_answers_that_says_it_has_nothing() -> None:
    nothing = "uv: nox-buildkit-doctor was not found in the package registry"
    at = "https://packages.example/simple"
    assert judge_answer(Code.INDEX(nothing), at, {}).verdict == "ok"
    refused = judge_answer(
        Code.INDEX(f"{nothing} hint: 401 Unauthorized", "set UV_INDEX_…"), at, {}
    )
    assert (refused.verdict, refused.fix) == ("problem", "set UV_INDEX_…")
    down = judge_answer(Code.INDEX("uv: Failed to fetch: tcp connect error"), at, {})
    assert down.verdict == "problem"
    assert "UV_DEFAULT_INDEX" in down.fix


def test_certificates(tmp_path: Path) -> None:
    bundle, nonsense = tmp_path / "ca.pem", tmp_path / "nonsense.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    nonsense.write_text("no certificate")
    good = only(look_at_certificates({"SSL_CERT_FILE": str(bundle)}, str(bundle)))
    assert (good.verdict, good.message) == ("ok", f"{bundle}, of SSL_CERT_FILE")
    for path, why in ((nonsense, "PEM"), (tmp_path / "gone.pem", "is not a file")):
        found = only(look_at_certificates({"SSL_CERT_FILE": str(path)}, "/etc/ssl/ca.crt"))
        assert found.verdict == "problem"
        assert why in found.message
        assert "unset SSL_CERT_FILE" in found.fix
    other = only(look_at_certificates({"REQUESTS_CA_BUNDLE": str(bundle)}, "/etc/ssl/ca.crt"))
    assert (other.verdict, other.fix) == (
        "warning",
        'run `export SSL_CERT_FILE="$REQUESTS_CA_BUNDLE"`',
    )
    gone = only(look_at_certificates({"SSL_CERT_DIR": str(tmp_path / "gone")}, "/etc/ssl/ca.crt"))
    assert gone.verdict == "warning"
    assert only(look_at_certificates({}, None)).fix == "run `apt-get install ca-certificates`"
    assert only(look_at_certificates({}, "/etc/ssl/ca.crt")).verdict == "ok"


def test_proxies() -> None:
    assert only(look_at_proxies({})).message == "none is set"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = f"http://somebody:hunter2@127.0.0.1:{port}"
        both = {"HTTP_PROXY": address, "https_proxy": address}
        good = only(look_at_proxies(both))
    assert good.verdict == "ok"
    assert good.message == f"http://127.0.0.1:{port} answers (HTTP_PROXY, https_proxy)"
    down = only(look_at_proxies({"HTTPS_PROXY": address}))
    assert down.verdict == "problem"
    assert "Connection refused" in down.message
    assert "unset HTTPS_PROXY" in down.fix
    wrong = only(look_at_proxies({"ALL_PROXY": "somebody:hunter2@:80"}))
    assert wrong.verdict == "problem"
    assert "hunter2" not in f"{good}{down}{wrong}"


def test_a_proxy_with_two_values_is_a_warning() -> None:
    env = {"NO_PROXY": "a.example", "no_proxy": "b.example", "HTTP_PROXY": "http://127.0.0.1:9"}
    conflict, _ = look_at_proxies(env)
    assert (conflict.verdict, conflict.fix) == ("warning", "run `unset NO_PROXY`")


def test_programs() -> None:
    assert judge_uv("/bin/uv", Done(0, b"uv 1.2.3 (x86_64)\n", b""), "1.2.3").verdict == "ok"
    other = judge_uv("/bin/uv", Done(0, b"uv 1.2.2\n", b""), "1.2.3")
    assert (other.verdict, other.message) == (
        "warning",
        "/bin/uv is 1.2.2, and its package is 1.2.3",
    )
    broken = judge_uv("/bin/uv", Done(127, b"", b"libc.so.6: not found\n"), "1.2.3")
    assert broken.verdict == "problem"
    assert "pip install --force-reinstall uv" in broken.fix


def test_repositories() -> None:
    facts: dict[str, object] = {"version": "2.47"}
    assert judge_repository("", facts).verdict == "ok"
    assert "no repository here" in judge_repository("fatal: not a git repository", facts).message
    said = "fatal: detected dubious ownership in repository at '/src'\nTo add an exception"
    foreign = judge_repository(said, facts)
    assert foreign.verdict == "warning"
    assert foreign.fix == "run `git config --global --add safe.directory /src`"
    assert judge_repository("fatal: bad config line 1", facts).verdict == "problem"
