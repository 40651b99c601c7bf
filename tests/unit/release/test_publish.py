"""The order of a release, with repositories in memory."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.image import Publication
from nox_buildkit.plan.tags import TagValues, tags_for
from nox_buildkit.progress import SILENT
from nox_buildkit.release.journal import Journal
from nox_buildkit.release.publish import (
    Approve,
    Candidate,
    Destination,
    destinations_of,
    publish,
)
from tests.support.codes import coded
from tests.support.recorder import Recorder, failing

BOTH = ("linux/amd64", "linux/arm64")
HOSTS = ("one.example", "two.example")
TEMPLATES = ("{version}", "{major}.{minor}", "{major}", "latest")


def candidate(
    folder: Path, name: str, version: str = "1.2.3", immutable: tuple[str, ...] = ()
) -> Candidate:
    file = tarfile.TarInfo("app/main.py")
    images = [PlatformImage(p, (Entry(file, f"{name} {version} {p}".encode()),)) for p in BOTH]
    write_images(folder / name, images)
    layout = Layout(folder / name)
    (top,) = layout.entries()
    tags, skipped = tags_for(TEMPLATES, TagValues(version))
    repositories = tuple(f"{host}/{name}" for host in HOSTS)
    publication = Publication(tags, repositories, version, "pep440", immutable, skipped)
    return Candidate(name, layout, top.digest, publication, {})


class World:
    """Two registries, two images, and a journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "journal.json")
        self.candidates = [candidate(folder, "api"), candidate(folder, "worker")]
        names = [f"{host}/{image}" for host in HOSTS for image in ("api", "worker")]
        self.repositories = {name: Recorder(name) for name in names}
        self.approved: list[str] = []

    def approve(self, destination: Destination) -> None:
        self.approved.append(destination.reference)

    def release(self, approve: Approve | None = None) -> None:
        found = destinations_of(self.candidates, self.repositories.__getitem__, None)
        publish(found, [approve or self.approve], Journal(self.journal.path), SILENT)

    def tagged(self) -> dict[str, list[str]]:
        return {name: list(each.tagged) for name, each in self.repositories.items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def kinds(recorder: Recorder) -> list[str]:
    return [operation.partition(" ")[0] for operation in recorder.done]


def test_blobs_then_manifests_then_the_index_then_tags(world: World) -> None:
    world.release()
    for recorder in world.repositories.values():
        assert kinds(recorder) == ["blob"] * 4 + ["manifest"] * 3 + ["tag"] * 4
        assert recorder.done[-4:] == ["tag 1.2.3", "tag 1.2", "tag 1", "tag latest"]
        digest = recorder.done[6].removeprefix("manifest ")
        assert set(recorder.tagged.values()) == {digest}
    written = json.loads(world.journal.path.read_text())["repositories"]
    assert written["two.example/worker"] == {
        "image": "worker",
        "digest": world.candidates[1].digest,
        "state": "tagged",
        "tags": ["1.2.3", "1.2", "1", "latest"],
    }


def test_nothing_is_sent_or_tagged_again(world: World) -> None:
    world.release()
    for recorder in world.repositories.values():
        recorder.done.clear()
    world.release()
    assert not any(recorder.done for recorder in world.repositories.values())


def test_every_repository_is_approved_before_the_first_tag(world: World) -> None:
    def approve(destination: Destination) -> None:
        world.approve(destination)
        assert all(each.manifests for each in world.repositories.values())
        assert not any(each.tagged for each in world.repositories.values())

    world.release(approve)
    assert len(world.approved) == 4


@pytest.mark.parametrize(
    ("repository", "beginning", "after"),
    [
        # A registry dies between two uploads, between two images, before its index.
        ("one.example/api", "blob", 2),
        ("one.example/worker", "blob", 0),
        ("two.example/worker", "manifest", 2),
        # It is down from the beginning of the push on.
        ("two.example/api", "resolve sha256", 0),
    ],
)
def test_no_tag_moves_anywhere_if_a_push_fails_and_the_next_run_goes_on(
    world: World, repository: str, beginning: str, after: int
) -> None:
    broken = world.repositories[repository]
    broken.fault = failing(beginning, after=after)
    with pytest.raises(ReleaseError, match="the registry dies") as raised:
        world.release()
    assert not any(world.tagged().values())
    assert "no tag has moved" in str(raised.value)
    assert f"one.example/api@{world.candidates[0].digest}" in str(raised.value) or (
        repository.startswith("one.example")
    )

    before = {name: list(each.done) for name, each in world.repositories.items()}
    broken.fault = lambda operation: None
    world.release()
    for name, recorder in world.repositories.items():
        assert list(recorder.tagged) == ["1.2.3", "1.2", "1", "latest"]
        again = [each for each in recorder.done[len(before[name]) :] if each in before[name]]
        assert not again


def test_no_tag_moves_if_an_approval_fails(world: World) -> None:
    def approve(destination: Destination) -> None:
        if destination.repository.name == "two.example/worker":
            raise ReleaseError(Code.SIGNATURE("it cannot be signed"))

    with (
        pytest.raises(ReleaseError, match="it cannot be signed") as raised,
        coded(Code.UNFINISHED_RELEASE),
    ):
        world.release(approve)
    assert not any(world.tagged().values())
    assert f"without a tag there is: one.example/api@{world.candidates[0].digest}" in str(
        raised.value
    )
    written = json.loads(world.journal.path.read_text())["repositories"]
    assert {entry["state"] for entry in written.values()} == {"pushed"}


def test_a_registry_that_fails_while_it_tags_does_not_stop_another_one(world: World) -> None:
    world.repositories["one.example/api"].fault = failing("tag ", after=1)
    with pytest.raises(ReleaseError) as raised:
        world.release()
    assert world.tagged() == {
        "one.example/api": ["1.2.3"],
        "one.example/worker": [],
        "two.example/api": ["1.2.3", "1.2", "1", "latest"],
        "two.example/worker": ["1.2.3", "1.2", "1", "latest"],
    }
    said = str(raised.value).splitlines()
    assert said[-1].startswith("moved: one.example/api:1.2.3, two.example/api:1.2.3, ")
    assert "not ended: one.example/api, one.example/worker;" in said[-1]

    world.repositories["one.example/api"].fault = lambda operation: None
    world.release()
    assert all(tags == ["1.2.3", "1.2", "1", "latest"] for tags in world.tagged().values())


def test_another_release_of_the_same_tag_is_noticed_before_any_tag_is_written(
    world: World,
) -> None:
    other = world.repositories["two.example/worker"]

    def approve(destination: Destination) -> None:
        other.put_manifest(b"{}", "application/x", "latest")

    with pytest.raises(ReleaseError, match=r"worker:latest was moved meanwhile, by another"):
        world.release(approve)
    assert world.tagged() == {
        name: ["latest"] if name == other.name else [] for name in world.repositories
    }


def test_another_release_between_two_tags_is_noticed(world: World) -> None:
    other = world.repositories["one.example/api"]

    def interfere(operation: str) -> None:
        if operation == "tag 1":
            other.fault = lambda operation: None
            other.put_manifest(b"{}", "application/x", "1.2")

    other.fault = interfere
    with (
        pytest.raises(ReleaseError, match=r"api:1.2 was moved meanwhile, by another"),
        coded(Code.TAG_MOVED),
    ):
        world.release()


def test_blobs_of_other_images_of_the_registry_are_mounted(world: World) -> None:
    # The same content, by another name.
    world.candidates[1] = Candidate(
        "worker",
        world.candidates[0].layout,
        world.candidates[0].digest,
        world.candidates[1].publication,
        {},
    )
    for host in HOSTS:
        first, second = (world.repositories[f"{host}/{name}"] for name in ("api", "worker"))
        second.neighbours[first.name] = first.blobs
    world.release()
    for host in HOSTS:
        assert "blob" not in kinds(world.repositories[f"{host}/worker"])
        assert kinds(world.repositories[f"{host}/worker"]).count("mount") == 4


def test_an_immutable_tag_with_another_content_stops_everything(world: World) -> None:
    world.candidates = [candidate(world.folder, "api")]
    world.release()
    for recorder in world.repositories.values():
        recorder.done.clear()
    (world.folder / "again").mkdir()
    changed = candidate(world.folder / "again", "api", immutable=("{version}",))
    file = tarfile.TarInfo("app/main.py")
    write_images(changed.layout.folder, [PlatformImage(BOTH[0], (Entry(file, b"other"),))])
    (top,) = changed.layout.entries()
    world.candidates = [
        Candidate("api", changed.layout, top.digest, changed.publication, changed.origins)
    ]
    with pytest.raises(ReleaseError, match=r"api:1.2.3 is not moved: it is immutable"):
        world.release()
    assert not any(recorder.done for recorder in world.repositories.values())
