"""The wheel and the sdist: what is in them, what they say of themselves, and that they install.

With NOX_BUILDKIT_DISTRIBUTIONS, those in that folder are looked at; else they are built first.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest
import uv

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = f"nox_buildkit-{PROJECT['version']}"
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt")
SPEC = "version: 1\nimages:\n  web: {command: [python, -m, app]}\n"
NOXFILE = "from nox_buildkit import register\n\nregister()\n"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, and nothing else."""
    if given := os.environ.get("NOX_BUILDKIT_DISTRIBUTIONS"):
        return Path(given)
    folder = tmp_path_factory.mktemp("distributions")
    _uv("build", "--quiet", "--out-dir", folder, ROOT)
    # uv's own, so that the folder can be a repository's.
    (folder / ".gitignore").unlink(missing_ok=True)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return distributions / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"{NAME}.dist-info/METADATA"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and what it requires, alone."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    _uv("venv", "--quiet", "--python", sys.executable, venv)
    _uv("pip", "install", "--quiet", "--python", venv / "bin/python", wheel)
    return venv / "bin/python"


def _uv(*arguments: str | Path) -> None:
    subprocess.run([uv.find_uv_bin(), *arguments], check=True)


def _run(*command: str | Path, cwd: Path) -> str:
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "NOXSESSION")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _package_files() -> set[str]:
    """Every file of the package that git has or would take, relative to the plugin folder."""
    command: list[str | Path] = [
        "git",
        "-C",
        ROOT,
        "ls-files",
        "-co",
        "--exclude-standard",
        "plugin",
    ]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {line.removeprefix("plugin/") for line in listed.split() if (ROOT / line).exists()}


def test_there_are_one_wheel_and_one_sdist(distributions: Path) -> None:
    found = {path.name for path in distributions.iterdir()}
    assert found == {f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"}


def test_an_index_would_take_them(distributions: Path) -> None:
    files = sorted(map(str, distributions.iterdir()))
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    own = {f"{NAME}.dist-info/{name}" for name in METADATA}

    assert found == {*_package_files(), *own, f"{NAME}.dist-info/licenses/LICENSE"}
    assert "nox_buildkit/py.typed" in found
    # They run inside builds, as files.
    assert "nox_buildkit/render/scripts/layer.py" in found


def test_the_sdist_has_what_builds_the_wheel_and_what_is_to_be_read(distributions: Path) -> None:
    with tarfile.open(distributions / f"{NAME}.tar.gz") as archive:
        found = {member.name.removeprefix(f"{NAME}/") for member in archive if member.isfile()}
    read = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "SECURITY.md", "pyproject.toml"}

    # hatchling always adds the file that says what is left out.
    assert found - {".gitignore"} == {*read, *(f"plugin/{name}" for name in _package_files())}


def test_the_wheel_says_what_it_is(metadata: Message) -> None:
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    assert {"Changelog", "Documentation", "Issues", "Repository"} <= set(urls)
    assert all(url.startswith(urls["Repository"]) for url in urls.values())
    assert metadata["Keywords"]
    minors = {line.rpartition(" ")[2] for line in metadata.get_all("Classifier", [])}
    assert {"3.11", "3.12", "3.13", "Typed"} <= minors


def test_links_of_its_page_on_an_index_lead_somewhere(metadata: Message) -> None:
    text = str(metadata.get_payload())
    assert f"]({PROJECT['urls']['Repository']}/blob/main/docs/guide/engine.md)" in text
    assert f"]({PROJECT['urls']['Repository']}/raw/main/bench/results/chart.svg)" in text
    assert not re.search(r"\]\((?!https://|#)", text)


def test_it_says_its_version_and_helps(python: Path, tmp_path: Path) -> None:
    version = _run(python, "-m", "nox_buildkit", "--version", cwd=tmp_path)
    assert version.startswith(f"nox-buildkit {PROJECT['version']}, nox ")
    assert "build " in _run(python, "-m", "nox_buildkit", "--help", cwd=tmp_path)


def test_nox_lists_the_sessions_of_a_project_that_has_it(python: Path, tmp_path: Path) -> None:
    (tmp_path / "buildspec.yaml").write_text(SPEC)
    (tmp_path / "noxfile.py").write_text(NOXFILE)

    listed = _run(python.parent / "nox", "-l", cwd=tmp_path)
    assert {"- build", "- release", "- init"} <= {
        line.split(" ->")[0] for line in listed.split("\n")
    }


def test_type_checkers_see_its_types(python: Path, tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text("from nox_buildkit import register\n\nregister(prefix=1)\n")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        str(python),
        "use.py",
    ]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert 'expected "str"' in done.stdout, done.stdout
