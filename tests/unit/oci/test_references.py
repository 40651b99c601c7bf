"""References: Docker Hub's defaults, hosts told from paths, mirrors."""

from __future__ import annotations

import pytest

from nox_buildkit.oci.references import ImageReference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("python", ImageReference("docker.io", "library/python")),
        ("python:3.13-slim", ImageReference("docker.io", "library/python", "3.13-slim")),
        ("me/app:1", ImageReference("docker.io", "me/app", "1")),
        ("localhost/app", ImageReference("localhost", "app")),
        ("localhost:5000/app:1", ImageReference("localhost:5000", "app", "1")),
        ("ghcr.io/me/app", ImageReference("ghcr.io", "me/app")),
        (f"ghcr.io/me/app:1@{DIGEST}", ImageReference("ghcr.io", "me/app", "1", DIGEST)),
        (f"python@{DIGEST}", ImageReference("docker.io", "library/python", "", DIGEST)),
        ("docker.io/python:3.13", ImageReference("docker.io", "library/python", "3.13")),
        ("docker.io/me/app", ImageReference("docker.io", "me/app")),
        ("index.docker.io/python", ImageReference("docker.io", "library/python")),
        ("index.docker.io/me/app", ImageReference("docker.io", "me/app")),
        ("Registry/me/app", ImageReference("Registry", "me/app")),
        ("[::1]:5000/app", ImageReference("[::1]:5000", "app")),
    ],
)
def test_a_reference_is_read_in_full(text: str, full: ImageReference) -> None:
    assert ImageReference.parse(text) == full
    assert ImageReference.parse(str(full)) == full


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("python:3.13", "mirror.example:5000/hub/library/python:3.13"),
        (f"python:3.13@{DIGEST}", f"mirror.example:5000/hub/library/python:3.13@{DIGEST}"),
        ("ghcr.io/me/app:1", "other.example/app:1"),
        ("ghcr.io/meadow/app:1", "ghcr.io/meadow/app:1"),
        ("ubuntu:24.04", "x.example/u:24.04"),
        (f"ubuntu@{DIGEST}", f"x.example/u@{DIGEST}"),
        ("ubuntu-pro:1", "mirror.example:5000/hub/library/ubuntu-pro:1"),
    ],
)
def test_the_longest_mirror_stands_in(text: str, place: str) -> None:
    mirrors = {
        "docker.io": "mirror.example:5000/hub",
        "ghcr.io/me": "other.example",
        "docker.io/library/ubuntu": "x.example/u",
    }
    assert str(ImageReference.parse(text).mirrored(mirrors)) == place
