"""Logins to real registries: passwords, credential helpers, and token servers."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nox_buildkit.errors import Code
from nox_buildkit.release.http_repository import HttpRepository
from nox_buildkit.release.repository import RegistryError
from tests.support.codes import coded
from tests.support.registries import PASSWORD, USER, Registry, serve_registry
from tests.support.token_server import TokenServer, serve_with_tokens

BLOB = b"a blob"
DIGEST = f"sha256:{hashlib.sha256(BLOB).hexdigest()}"


@pytest.fixture(scope="module")
def closed(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    with serve_registry(folder, engine_home, password=True) as registry:
        yield registry


@pytest.fixture
def tokens(registry: str) -> Iterator[TokenServer]:
    with serve_with_tokens(registry) as server:
        yield server


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of docker's, empty, and a home without one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker"


def write(folder: Path, content: object) -> None:
    (folder / "config.json").write_text(json.dumps(content))


def auths(address: str, password: str = PASSWORD) -> dict[str, object]:
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return {"auths": {address: {"auth": token}}}


def upload(address: str) -> bool:
    repository = HttpRepository.open(f"{address}/login/test")
    repository.put_blob(DIGEST, BLOB)
    return repository.has_blob(DIGEST)


def test_a_password(closed: Registry, docker_config: Path) -> None:
    with pytest.raises(RegistryError, match=f"log in with 'docker login {closed.address}'"):
        upload(closed.address)
    write(docker_config, auths(closed.address))
    assert upload(closed.address)
    write(docker_config, auths(closed.address, "wrong"))
    with pytest.raises(RegistryError, match="refuses POST") as raised:
        upload(closed.address)
    assert "wrong" not in str(raised.value)


def test_a_login_elsewhere_does_not_count(
    closed: Registry, docker_config: Path, tmp_path: Path
) -> None:
    home = tmp_path / ".docker"
    home.mkdir()
    write(home, auths(closed.address))
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    with pytest.raises(RegistryError, match="refuses"):
        upload(closed.address)


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_a_credential_helper(
    closed: Registry, docker_config: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    helper = docker_config / "docker-credential-test"
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker_config}:{os.environ['PATH']}")
    write(docker_config, {key: {closed.address: "test"} if key == "credHelpers" else "test"})
    assert upload(closed.address)
    helper.write_text("#!/bin/sh\necho 'it is locked' >&2\nexit 1\n")
    with (
        pytest.raises(RegistryError, match=rf"the login of {closed.address} cannot be read"),
        coded(Code.REGISTRY_LOGIN),
    ):
        upload(closed.address)


def test_a_configuration_that_is_none(closed: Registry, docker_config: Path) -> None:
    (docker_config / "config.json").write_text("{")
    with pytest.raises(RegistryError, match="check the docker configuration and its helpers"):
        upload(closed.address)


def test_a_token_is_of_the_scope_that_is_needed(tokens: TokenServer, docker_config: Path) -> None:
    write(docker_config, auths(tokens.address))
    repository = HttpRepository.open(f"{tokens.address}/login/test")
    # Reading gets a token that writing cannot use.
    assert not repository.has_blob("sha256:" + "0" * 64)
    repository.put_blob(DIGEST, BLOB)
    assert tokens.asked == [
        (f"{USER}:{PASSWORD}", "repository:login/test:pull"),
        (f"{USER}:{PASSWORD}", "repository:login/test:pull,push"),
    ]
    with pytest.raises(RegistryError, match="refuses"):
        tokens.password = "another"  # noqa: S105
        HttpRepository.open(f"{tokens.address}/login/test").put_blob(DIGEST, BLOB)


def test_a_mount_has_a_token_of_its_own(tokens: TokenServer, docker_config: Path) -> None:
    write(docker_config, auths(tokens.address))
    there = HttpRepository.open(f"{tokens.address}/login/source")
    blobs = {
        f"sha256:{hashlib.sha256(text).hexdigest()}": text for text in (b"a", b"b", b"c", b"d")
    }
    for digest, text in blobs.items():
        there.put_blob(digest, text)
    for turn in range(20):
        # Uploads and mounts at once, of which each needs another token.
        repository = HttpRepository.open(f"{tokens.address}/login/mounted-{turn}")

        def put(digest: str, repository: HttpRepository = repository) -> bool:
            if blobs[digest] in (b"a", b"b"):
                return repository.mount(digest, there.name)
            repository.put_blob(digest, blobs[digest])
            return True

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(put, blobs))


def test_what_must_not_be_read_is_not_mounted(tokens: TokenServer, docker_config: Path) -> None:
    write(docker_config, auths(tokens.address))
    tokens.denied = {"login/secret"}
    repository = HttpRepository.open(f"{tokens.address}/login/test")
    assert not repository.mount(DIGEST, f"{tokens.address}/login/secret")
    repository.put_blob(DIGEST, BLOB)
    assert repository.has_blob(DIGEST)


def test_a_token_server_that_is_busy_is_waited_for(
    tokens: TokenServer, docker_config: Path
) -> None:
    write(docker_config, auths(tokens.address))
    tokens.busy = 2
    assert upload(tokens.address)


def test_an_identity_token(tokens: TokenServer, docker_config: Path) -> None:
    tokens.password = "identity"  # noqa: S105
    write(docker_config, {"auths": {tokens.address: {"identitytoken": "identity"}}})
    assert upload(tokens.address)
    assert tokens.asked[0] == ("refresh_token identity", "repository:login/test:pull,push")
