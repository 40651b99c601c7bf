"""What a registry takes decides the form of attestations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.errors import Code
from nox_buildkit.oci.content import CONFIG
from nox_buildkit.release.probe import traits_of
from nox_buildkit.release.repository import RegistryError
from tests.support.recorder import Recorder


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path))


class Picky(Recorder):
    """A registry that refuses some manifests."""

    refuses: Callable[[dict[str, object]], bool] = staticmethod(lambda manifest: False)

    def put_manifest(self, content: bytes, media_type: str, reference: str) -> str:
        if self.refuses(json.loads(content)):
            raise RegistryError(Code.REGISTRY("MANIFEST_INVALID"))
        return super().put_manifest(content, media_type, reference)


def test_a_registry_that_takes_all() -> None:
    found = traits_of(Recorder("one.example/api"))
    assert found.registry == "one.example"
    assert (found.by_digest, found.empty_config, found.dangling_subject) == (True, True, True)
    assert found.referrers is False
    assert found.mounts is False
    assert found.form == "oci-artifact"


def test_a_registry_that_mounts_blobs() -> None:
    registry = Recorder("five.example/api")
    registry.neighbours = {registry.name: registry.blobs}
    assert traits_of(registry).mounts is True


def test_registries_that_refuse_something() -> None:
    picky = Picky("two.example/api")
    picky.refuses = lambda manifest: "subject" in manifest
    found = traits_of(picky)
    assert (found.empty_config, found.dangling_subject) == (True, False)

    picky = Picky("three.example/api")
    picky.refuses = lambda manifest: manifest["config"]["mediaType"] != CONFIG  # type: ignore[index]
    found = traits_of(picky)
    assert (found.by_digest, found.empty_config, found.form) == (True, False, "image")

    picky = Picky("four.example/api")
    picky.refuses = lambda manifest: True
    assert traits_of(picky).by_digest is False


def test_an_answer_is_remembered_for_a_day() -> None:
    registry = Recorder("one.example/api")
    traits_of(registry, now=1000)
    registry.done.clear()
    # Another repository of the same registry is no other question.
    assert traits_of(Recorder("one.example/worker"), now=80_000).probed == 1000
    assert not registry.done
    assert traits_of(registry, now=90_000).probed == 90_000
    assert registry.done
    # A clock that was set back makes it a matter of doubt.
    assert traits_of(registry, now=5).probed == 5


def test_a_registry_that_lets_nothing_be_written_is_an_error() -> None:
    registry = Recorder("one.example/api")

    def refuse(operation: str) -> None:
        raise RegistryError(Code.REGISTRY("denied"))

    registry.fault = refuse
    with pytest.raises(RegistryError, match="denied"):
        traits_of(registry)
