"""What steps get to know of the network, from variables, a netrc file and a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.build.network_secrets import network_of
from nox_buildkit.plan.plan import Plan

EMPTY = Plan("0.13.9", ("linux/amd64",), ())
URL = "https://packages.example.com/simple"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a keyring that has one password, for a host, and no variables of its own."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    program = tmp_path / "keyring"
    program.write_text(
        '#!/bin/sh\n[ "$*" = "get packages.example.com me@home" ] && echo "p@ss word"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def with_user(user: str) -> str:
    return URL.replace("://", f"://{user}@")


@pytest.mark.parametrize(
    ("name", "value", "exported"),
    [
        ("UV_INDEX", f"one={with_user('me%40home')} https://other.example.com/simple",
         f"export UV_INDEX='one={with_user('me%40home:p%40ss%20word')} "
         "https://other.example.com/simple'\n"),
        ("UV_INDEX_URL", with_user("me%40home"),
         f"export UV_INDEX_URL={with_user('me%40home:p%40ss%20word')}\n"),
        ("UV_INDEX_URL", with_user("you"), f"export UV_INDEX_URL={with_user('you')}\n"),
        ("UV_INDEX_URL", with_user("me%40home:own"),
         f"export UV_INDEX_URL={with_user('me%40home:own')}\n"),
        ("UV_INDEX_URL", URL, f"export UV_INDEX_URL={URL}\n"),
    ],
)  # fmt: skip
def test_a_keyring_completes_what_has_a_user_and_no_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, exported: str
) -> None:
    monkeypatch.setenv(name, value)

    assert exported in network_of(EMPTY).variables


def test_a_keyring_is_not_asked_before_uv_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_KEYRING_PROVIDER")
    monkeypatch.setenv("UV_INDEX_URL", with_user("me%40home"))

    assert f"export UV_INDEX_URL={with_user('me%40home')}\n" in network_of(EMPTY).variables


def test_a_netrc_file_is_cut_down_to_the_hosts_that_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(
        "machine packages.example.com login me@home password old\n"
        "machine elsewhere.example.com login me password other\n"
    )
    assert network_of(EMPTY).netrc == ""

    monkeypatch.setenv("UV_INDEX_URL", with_user("me%40home"))
    found = network_of(EMPTY)
    assert found.netrc == "machine packages.example.com login me@home password old\n"
    assert f"export UV_INDEX_URL={with_user('me%40home')}\n" in found.variables


def test_a_token_is_a_secret_and_a_user_with_a_password_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_INDEX", f"{with_user('a-token')} {with_user('me%40home')}")
    monkeypatch.setenv("UV_INDEX_OTHER_USERNAME", "another-token")

    assert set(network_of(EMPTY).secrets) == {
        "a-token", "a-token:", "p@ss word", "me@home:p@ss word", "another-token", "another-token:",
    }  # fmt: skip
