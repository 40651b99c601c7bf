"""Logins of indexes: uv gets them, the code of packages does not, and downloads use the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.lock.compile import compile_lock
from nox_buildkit.lock.download_logins import download_logins
from nox_buildkit.lock.logins import hidden_logins
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.wheelhouse import place_of, provide
from nox_buildkit.plan.packages import Package
from nox_buildkit.progress import SILENT
from tests.support.package_index import PackageIndex, serve

LOGIN = "token-of-the-index"
NAME = "demo-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _no_other_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("UV_CREDENTIALS_DIR", str(tmp_path / "stored"))
    for name in [name for name in os.environ if name.startswith("UV_")]:
        if name != "UV_CREDENTIALS_DIR":
            monkeypatch.delenv(name)


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    """An index that lets a token in: it is sent as a user whose password is empty."""
    with serve(PackageIndex(login=(LOGIN, ""))) as index:
        index.add("demo", "1.0")
        yield index


def stated(index: PackageIndex, way: str) -> dict[str, str]:
    if way == "variable":
        return {"UV_DEFAULT_INDEX": f"my={index.url}", "UV_INDEX_MY_USERNAME": LOGIN}
    return {way: index.url.replace("://", f"://{LOGIN}@")}


@pytest.mark.parametrize("way", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "variable"])
def test_a_token_locks_and_downloads_and_no_package_sees_it(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name, value in stated(index, way).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "requirements.in").write_text("demo\n")
    output = tmp_path / "requirements.lock"
    source = Source(tmp_path / "requirements.in", output, "requirements", "3.13")

    compile_lock(source)
    assert f"demo==1.0 \\\n    --hash=sha256:{index.stated[NAME]}" in output.read_text()
    content = index.stated[NAME]
    provide([Package("demo", "1.0", "pure", NAME, content, None)], [source], SILENT)
    assert place_of(content, NAME).is_file()
    with hidden_logins(os.environ, [], tmp_path) as environment:
        assert LOGIN not in str(environment)


@pytest.mark.parametrize("where", ["netrc", "stored", "keyring"])
def test_a_user_whose_password_is_elsewhere_is_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "stored").mkdir()
    if where == "keyring":
        monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    elif where == "netrc":
        (tmp_path / "netrc").write_text("machine index.example login me password own\n")
    else:
        (tmp_path / "stored" / "credentials.toml").write_text(
            '[[credential]]\nservice = "https://index.example"\nusername = "me"\n'
            'scheme = "basic"\npassword = "own"\n'
        )
    monkeypatch.setenv("UV_INDEX", "https://me@index.example/simple")
    with hidden_logins(os.environ, [], tmp_path) as environment:
        assert environment == dict(os.environ)


def test_what_no_keyring_knows_is_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "keyring"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("UV_INDEX", f"https://{LOGIN}@index.example/simple")
    source = Source(tmp_path / "a.in", tmp_path / "a.lock", "requirements", "3.13")

    assert download_logins(source, []) == {"index.example": (LOGIN, "")}
