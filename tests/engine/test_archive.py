"""The host's archive, out of sources as people write them, read by the real apt."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.debian import archive
from nox_buildkit.debian.archive import Archive, host_archive, host_security

RING = "/usr/share/keyrings/debian-archive-keyring.gpg"
INLINE = f"""\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 {"x" * 40}
 -----END PGP PUBLIC KEY BLOCK-----
"""


class Host:
    """A Debian 12 with the sources of a test."""

    def __init__(self, folder: Path) -> None:
        self.parts = folder / "sources.list.d"
        self.parts.mkdir()

    def has(self, name: str, text: str) -> None:
        (self.parts / name).write_text(text)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    release = tmp_path / "os-release"
    release.write_text("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n")
    monkeypatch.setattr(archive, "OS_RELEASE", release)
    made = Host(tmp_path)
    settings = tmp_path / "apt.conf"
    settings.write_text(
        f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "{made.parts}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(settings))
    return made


def test_each_form_of_a_source_has_its_own_key(host: Host) -> None:
    stanza = "Types: deb\nURIs: {}\nSuites: bookworm\nComponents: main\nSigned-By: {}\n"
    for uri, printed in (
        ("http://mirror.example/debian", "http://mirror.example/debian/"),
        ("file:///srv/debian", "file:/srv/debian/"),
        ("mirror+file:///etc/apt/mirrors.list", "mirror+file:/etc/apt/mirrors.list/"),
    ):
        expected = Archive(printed, RING, "bookworm", "12")
        switched_off = "# Mine\n\nEnabled: no\n" + stanza.format(uri, "/wrong.gpg")
        host.has("x.sources", f"{switched_off}\n\n# Theirs\n{stanza.format(uri, RING)}")
        assert host_archive() == expected
        host.has("x.sources", "")
        line = f"deb [arch=amd64 signed-by={RING}] {uri} bookworm main"
        host.has("y.list", f"# deb [signed-by=/wrong.gpg] {uri} bookworm main\n\n{line}\n")
        assert host_archive() == expected
        host.has("y.list", "")

    host.has("x.sources", INLINE)
    assert host_archive().signed_by == INLINE.partition("Signed-By:")[2].rstrip()


@pytest.mark.parametrize("alias", ["stable", "oldstable", "testing", "unstable"])
def test_a_source_may_say_another_name_of_the_release(host: Host, alias: str) -> None:
    text = f"deb [signed-by={RING}] http://mirror.example/debian {alias} main contrib\n"
    host.has("a.list", text)
    assert host_archive() == Archive("http://mirror.example/debian/", RING, "bookworm", "12")
    assert host_security() is None

    uri = "http://security.example/debian-security"
    host.has("b.list", f"deb [signed-by={RING}] {uri} {alias}-security main\n")
    assert host_security() == Archive(f"{uri}/", RING, "bookworm-security", "")
    # The name of the release itself comes first, and Debian's archive before others.
    host.has("c.list", f"deb [signed-by={RING}] http://other.example/debian bookworm main\n")
    assert host_archive().uri == "http://other.example/debian/"
    host.has("c.list", "deb http://other.example/packages bookworm main\n")
    assert host_archive().uri == "http://mirror.example/debian/"
