"""Registries and indexes that fail, and very many files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.cli.faults.test_faults import campaign
from tests.support.faults import Unseen, recovers, undisturbed
from tests.support.faulty_registry import Fault, FaultyRegistry, no_fault, serve_faulty
from tests.support.project import Project
from tests.support.registries import Registry, serve_registry


@pytest.fixture
def registries(tmp_path: Path, engine_home: Path) -> Iterator[tuple[Registry, FaultyRegistry]]:
    """A real registry, and what is reached of it."""
    with (
        serve_registry(tmp_path, engine_home) as registry,
        serve_faulty(registry.address) as proxy,
    ):
        yield registry, proxy


def _once(status: int, method: str) -> Fault:
    waiting = [status]
    return lambda m, _: waiting.pop() if m == method and waiting else None


def _after_blobs(number: int) -> Fault:
    """The registry dies after so many blobs, and stays dead."""
    blobs: list[str] = []

    def fault(method: str, path: str) -> int | None:
        if method == "PUT" and "/blobs/uploads/" in path:
            blobs.append(path)
        return 0 if len(blobs) > number else None

    return fault


def _no_manifests(method: str, path: str) -> int | None:
    return 0 if method == "PUT" and "/manifests/" in path else None


def _no_tags(method: str, path: str) -> int | None:
    return 0 if method == "PUT" and "/manifests/" in path and "sha256:" not in path else None


def _read_only(method: str, path: str) -> int | None:
    return 405 if method in ("POST", "PUT", "PATCH") else None


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_after_blobs(1), id="dies-between-blobs", marks=campaign),
        pytest.param(_no_manifests, id="dies-before-manifests", marks=campaign),
        pytest.param(_no_tags, id="dies-before-tags"),
        pytest.param(_read_only, id="read-only", marks=campaign),
    ],
)
def test_a_registry_that_fails_in_a_push(
    project: Project,
    built_template: Project,
    registries: tuple[Registry, FaultyRegistry],
    fault: Fault,
) -> None:
    registry, proxy = registries
    proxy.fault = fault
    target = ("--set", f"registry={proxy.address}/demo")
    failure = project.nox("push", *target).failure
    assert proxy.address in failure
    assert not (project.root / "dist" / "release.json").exists()

    proxy.fault = no_fault
    project.ok("push", *target)
    digest, _ = registry.manifest("demo/web", "latest")
    assert digest == built_template.digest()
    recovers(project, built_template.digest())


@campaign
@pytest.mark.parametrize(("status", "method"), [(429, "PUT"), (500, "PUT"), (429, "HEAD")])
def test_a_registry_that_refuses_once(
    project: Project,
    built_template: Project,
    registries: tuple[Registry, FaultyRegistry],
    status: int,
    method: str,
) -> None:
    registry, proxy = registries
    proxy.fault = _once(status, method)
    target = ("--set", f"registry={proxy.address}/demo")
    done = project.nox("push", *target)
    assert "Traceback" not in done.stderr
    if done.code:
        # What is not tried again is told.
        assert proxy.address in done.failure
        project.ok("push", *target)
    assert registry.manifest("demo/web", "latest")[0] == built_template.digest()
    recovers(project, built_template.digest())


@campaign
def test_a_registry_that_is_slow(
    project: Project, built_template: Project, registries: tuple[Registry, FaultyRegistry]
) -> None:
    registry, proxy = registries

    def slow(method: str, path: str) -> int | None:
        time.sleep(1)
        return None

    proxy.fault = slow
    project.ok("push", "--set", f"registry={proxy.address}/demo")
    assert registry.manifest("demo/web", "latest")[0] == built_template.digest()
    recovers(project, built_template.digest())


def test_a_file_of_an_index_that_was_replaced(unseen: Unseen) -> None:
    project, index = unseen
    (name,) = (name for name in index.files if name.startswith("plain"))
    honest, stated = index.files[name], index.stated[name]
    index.add("plain", name.split("-")[1], text="REPLACED = True")
    done = project.nox("build")
    assert done.failure
    assert "plain" in done.stderr
    assert "is not what was locked" in done.stderr
    assert not project.tar.exists()

    index.files[name], index.stated[name] = honest, stated
    recovers(project, undisturbed(project))


@campaign
def test_a_hundred_thousand_files(project: Project) -> None:
    for number in range(100):
        folder = project.root / "data" / str(number)
        folder.mkdir(parents=True)
        for each in range(1000):
            (folder / f"{each}.txt").write_text(f"{number} {each}\n")
    seconds = []
    for said in ("", "nothing changed"):
        began = time.monotonic()
        with project.start("build", "--platform", "linux/amd64") as process:
            try:
                _, stderr = process.communicate(timeout=900)
            finally:
                process.kill()
        seconds.append(round(time.monotonic() - began, 1))
        assert process.returncode == 0, stderr
        assert said in stderr
    plan = json.loads(project.ok("plan", "--json").stdout)["images"][0]
    assert len(plan["application"]["files"]) > 100_000
    print(f"100,000 files: {seconds[0]} s, and {seconds[1]} s where nothing changed")
