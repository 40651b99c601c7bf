"""Platforms beyond those of servers and Raspberry Pis, on base debian: built, and started."""

from __future__ import annotations

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.project import Project

PROGRAM = "import platform, markupsafe._speedups; print(platform.machine())"


@pytest.fixture
def with_release(project: Project, releases_alone: str) -> Project:
    """The small project, with the index of the machine, and Debian's releases without updates."""
    project.env["APT_CONFIG"] = releases_alone
    del project.env["UV_DEFAULT_INDEX"]
    return project


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("platform", "python", "machines"),
    [
        ("linux/riscv64", "3.13", {"riscv64"}),
        ("linux/ppc64le", "3.11", {"ppc64le"}),
        ("linux/s390x", "3.11", {"s390x"}),
        # The kernel's name, where the kernel is one of 64 bits.
        ("linux/386", "3.13", {"i686", "x86_64"}),
    ],
)
def test_an_image_for_it_is_built_and_runs(
    with_release: Project,
    private_engine: PrivateEngine,
    platform: str,
    python: str,
    machines: set[str],
) -> None:
    spec = f"{{base: debian, python: '{python}', platforms: [{platform}]"
    command = f'command: [python, -c, "{PROGRAM}"]}}'
    with_release.write(
        {
            "buildspec.yaml": f"version: 1\nimages:\n  web: {spec}, {command}\n",
            "requirements.in": "markupsafe\n",
        }
    )
    with_release.ok("lock")
    with_release.ok("build")
    private_engine.client.load(with_release.tar)
    said = private_engine.client.run("web:latest", platform=platform, remove=True)
    assert str(said).strip() in machines
