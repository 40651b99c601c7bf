"""The wheels that a plan chooses are those that uv installs; both are asked about one folder."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from nox_buildkit.lock.uv import THIS_PYTHON, run_uv
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.wheel_platforms import Libc, may_hold, uv_platform, wheel_tags

NAMES = [
    *(f"manylinux_2_{minor}" for minor in range(17, 44)),
    *(f"musllinux_1_{minor}" for minor in range(1, 4)),
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel for each kind of platform; the newer the libc it wants, the higher its version."""
    folder = tmp_path_factory.mktemp("wheels")
    for version, name in enumerate(NAMES, 1):
        for machine in ("x86_64", "aarch64"):
            path = folder / f"gear-{version}-cp313-cp313-{name}_{machine}.whl"
            with zipfile.ZipFile(path, "w") as wheel:
                text = f"Metadata-Version: 2.1\nName: gear\nVersion: {version}\n"
                wheel.writestr(f"gear-{version}.dist-info/METADATA", text)
                wheel.writestr(f"gear-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
                wheel.writestr(f"gear-{version}.dist-info/RECORD", "")
    return folder


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
@pytest.mark.parametrize(
    "libc",
    [Libc("glibc", (2, minor)) for minor in (17, 18, 24, 27, 28, 29, 30, 31, 34, 36, 40, 41, 43)]
    + [Libc("musl", (1, 2)), Libc("musl", (1, 3))],
    ids=str,
)
def test_uv_takes_the_same_wheel(wheels: Path, tmp_path: Path, platform: str, libc: Libc) -> None:
    known = PLATFORMS[platform]
    family = "musl" if libc.family == "musl" else "many"
    tags = set(wheel_tags(known, "3.13", libc))
    names = [name for name in NAMES if name.startswith(family)]
    ours = max(
        version
        for version, name in enumerate(NAMES, 1)
        if name in names
        and tags & parse_wheel_filename(f"gear-{version}-cp313-cp313-{name}_{known.machine}.whl")[3]
    )
    (tmp_path / "requirements.in").write_text("gear\n")
    said = run_uv(
        [
            "pip", "compile", "requirements.in", "--quiet", "--no-config", "--no-header",
            "--no-annotate", "--no-index", f"--find-links={wheels}", "--only-binary=:all:",
            *THIS_PYTHON, "--python-version=3.13", f"--python-platform={uv_platform(known, libc)}",
        ],
        cwd=tmp_path,
    )  # fmt: skip
    found = re.search(r"==(\d+)", said)

    assert found
    assert NAMES[int(found[1]) - 1] == NAMES[ours - 1]


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ("sys_platform == 'win32'", False),
        ("python_version < '3.13'", False),
        # A base may have any patch release.
        ("python_full_version >= '3.13.4'", True),
        ("platform_machine == 'aarch64'", True),
        ("platform_machine == 'riscv64'", False),
    ],
)
def test_a_marker_that_can_hold_is_known(marker: str, holds: bool) -> None:
    assert may_hold(marker, ["linux/amd64", "linux/arm64"], "3.13") is holds
