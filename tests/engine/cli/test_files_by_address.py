"""Files that the spec names by their addresses, with digests: downloaded, proved, placed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version, serve
from tests.support.project import Project

SPEC = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    copy: [app]
    files:
      - source: ADDRESS/model.bin?token=hidden-query
        target: /srv/model.bin
        checksum: sha256:DIGEST
        owner: "0:10001"
      - {source: ADDRESS/tool, target: /opt/tool/run, checksum: "sha256:TOOL", mode: "0755"}
"""


@pytest.fixture
def served(project: Project, tmp_path: Path) -> Iterator[tuple[Project, PackageIndex]]:
    """A project with two files of a server that asks for a login, which netrc has."""
    with serve() as index:
        index.login = ("me", "hidden-password")
        index.files["model.bin"] = f"model {new_version()}".encode()
        # No earlier test has it in the wheelhouse.
        index.files["tool"] = f"#!/bin/sh\n# {new_version()}\n".encode()
        host = index.url.split("/")[2].partition(":")[0]
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine {host} login me password hidden-password\n")
        netrc.chmod(0o600)
        project.env["NETRC"] = str(netrc)
        project.write({"buildspec.yaml": _spec(index)})
        yield project, index


def _spec(index: PackageIndex) -> str:
    address = index.url.replace("/simple/", "/files")
    digests = {n: hashlib.sha256(index.files[n]).hexdigest() for n in ("model.bin", "tool")}
    text = SPEC.replace("ADDRESS", address).replace("DIGEST", digests["model.bin"])
    return text.replace("TOOL", digests["tool"])


def test_a_file_of_an_address_is_in_the_image(served: tuple[Project, PackageIndex]) -> None:
    project, index = served
    plan = project.ok("plan")
    assert "/files/model.bin, sha256:" in "".join(plan.stdout.split("\n"))
    done = project.ok("build", "--verbose")

    image = ImageIndex.open(project.tar).platforms["linux/amd64"]
    members = image.members(image.own_layers[-1])
    assert image.read("srv/model.bin") == index.files["model.bin"].decode()
    assert (members["srv/model.bin"].mode, members["srv/model.bin"].gid) == (0o644, 10001)
    assert members["opt/tool/run"].mode == 0o755
    # A login and what may be one are nowhere.
    shown = [plan.stdout, plan.stderr, project.ok("plan", "--json").stdout, done.stdout]
    shown += [done.stderr, str(image.config), str(project.record())]
    project.ok("render", "--output", "bake")
    texts = (path for path in (project.root / "bake").rglob("*") if path.is_file())
    shown += [path.read_bytes().decode(errors="replace") for path in texts]
    assert not [text for text in shown if "hidden-query" in text or "hidden-password" in text]

    # It is downloaded once, and not asked for again.
    asked = len(index.requests)
    assert "nothing changed" in project.ok("build").stderr
    project.ok("build", "--no-cache", "--set", "images.web.env.MORE=1")
    assert len(index.requests) == asked


def test_another_file_of_that_address_is_refused(served: tuple[Project, PackageIndex]) -> None:
    project, index = served
    found = hashlib.sha256(index.files["model.bin"]).hexdigest()
    index.files["model.bin"] += b"more"
    other = hashlib.sha256(index.files["model.bin"]).hexdigest()
    cause = project.nox("build").cause
    assert cause.startswith("buildspec.yaml:8:17: images.web.files.0.source: model.bin of ")
    assert f"has the digest sha256:{other}; it is not the file with sha256:{found}" in cause
    assert "hidden" not in cause
    assert cause.codes == ["NBK310"]
    assert not project.tar.exists()

    project.write({"buildspec.yaml": _spec(index)})
    project.ok("build")
    image = ImageIndex.open(project.tar).platforms["linux/amd64"]
    assert image.read("srv/model.bin").endswith("more")


def test_what_cannot_be_downloaded_is_located(served: tuple[Project, PackageIndex]) -> None:
    project, index = served
    model = index.files.pop("model.bin")
    cause = project.nox("build").cause
    assert cause.startswith("buildspec.yaml:8:17: images.web.files.0.source: ")
    assert "answers 404 to the request for model.bin; correct the address" in cause

    index.files["model.bin"] = model
    project.env["NETRC"] = "/nonexistent"
    failure = project.nox("build").failure
    for position in (0, 1):
        assert f"images.web.files.{position}.source: " in failure
    assert "answers 401 to the request for tool; put a login for the host into ~/.netrc" in failure
    assert "hidden" not in failure
