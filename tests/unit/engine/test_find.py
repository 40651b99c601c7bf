"""Engines: the one that the user names, and what `docker buildx inspect` says of its nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.choice import Choice
from nox_buildkit.engine.own_builder import own_builder
from nox_buildkit.engine.planned_engine import planned_engine
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.oci.platform import host_platform

#: Of a builder with a native arm64 node that `buildx create --platform` made, and a dead one.
INSPECTED = """\
Name:          farm
Driver:        docker-container
Last Activity: 2026-11-02 10:11:12 +0000 UTC

Nodes:
Name:                  farm0
Endpoint:              default
Status:                running
BuildKit version:      v0.26.2
Platforms:             linux/amd64, linux/amd64/v2, linux/386
Labels:
 org.mobyproject.buildkit.worker.executor: oci

Name:      farm1
Endpoint:  ssh://pi
Status:    running
Platforms: linux/arm64*, linux/arm/v7*, linux/arm/v6

Name:     farm2
Endpoint: ssh://gone
Error:    dial tcp: connection refused
"""


@pytest.fixture(autouse=True)
def nobody_named_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "BUILDX_BUILDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))


def test_the_nearest_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Choice.of(None).explicit is None
    monkeypatch.setenv("DOCKER_CONTEXT", "remote")
    assert Choice.of(None).explicit == "DOCKER_CONTEXT=remote"
    monkeypatch.setenv("DOCKER_HOST", "ssh://pi")
    assert Choice.of(None).explicit == "DOCKER_HOST=ssh://pi"
    monkeypatch.setenv("BUILDX_BUILDER", "farm")
    assert Choice.of(None).explicit == "builder farm"
    assert Choice.of("other").explicit == "builder other"


def test_the_shell_of_the_private_engine_means_the_private_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not Choice.of(None).is_private
    monkeypatch.setenv("DOCKER_HOST", EnginePaths.current().host)
    assert Choice.of(None).is_private
    assert Choice.of("default").is_private
    assert not Choice.of("farm").is_private


def test_without_docker_the_private_engine_is_planned_and_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    planned = planned_engine()
    assert (planned.builder, planned.native, planned.network) == (
        "default",
        (host_platform(),),
        "host",
    )
    assert EnginePaths.current().host in planned.command
    assert not EnginePaths.current().home.exists()


def test_platforms_of_nodes_are_read() -> None:
    farm = inspection.parse(INSPECTED)
    assert (farm.name, farm.driver, farm.running) == ("farm", "docker-container", True)
    assert [node.name for node in farm.nodes] == ["farm0", "farm1", "farm2"]
    # A node's own processor is the first that it lists, or what its user gave it.
    assert farm.native == ("linux/amd64", "linux/arm64", "linux/arm/v7")
    assert "linux/arm/v6" in farm.platforms
    assert farm.cause == "dial tcp: connection refused"


def test_a_builder_without_a_running_node_says_why() -> None:
    text = "Name: farm\nDriver: remote\n\nNodes:\nName: farm0\nEndpoint: tcp://x\nError: no route\n"
    dead = inspection.parse(text)
    assert (dead.running, dead.cause) == (False, "no route")
    assert inspection.parse("Name: farm\nDriver: docker\nNodes:\n").cause == "it is not running"


def test_a_builder_of_ours_belongs_to_one_docker_context() -> None:
    desktop, other = own_builder("desktop-linux"), own_builder("my+context")
    assert desktop.name == "nox-buildkit-desktop-linux"
    assert desktop.driver == "docker-container"
    assert [node.endpoint for node in desktop.nodes] == ["desktop-linux"]
    # buildx takes fewer characters in a name than docker.
    assert other.name == "nox-buildkit-my-context"
    assert other.nodes[0].endpoint == "my+context"
