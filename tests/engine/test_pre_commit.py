"""The hooks that this repository offers, run by pre-commit out of a clone of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.package_index import PackageIndex, serve
from tests.support.project import git

ROOT = Path(__file__).parents[2]
#: What a package is made of, and the description of the hooks.
PARTS = (
    "plugin", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".pre-commit-hooks.yaml",
)  # fmt: skip
SPEC = "version: 1\nimages:\n  web:\n    command: [python, -m, app]\n"


@dataclass(frozen=True, slots=True)
class Repository:
    """A user's repository; ``env`` is what its commands get besides the shell's."""

    root: Path
    env: dict[str, str]

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        git(self.root, "add", "-A")

    def hook(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one hook as ``git commit`` would, on every file."""
        return self.python("-m", "pre_commit", "run", "--all-files", "--color=never", name)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """This repository as one commit, and a folder for what pre-commit installs of it, once."""
    clone = tmp_path_factory.mktemp("hooks")
    for name in PARTS:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, clone / name)
    git(clone, "init", "--quiet")
    git(clone, "add", "--force", "-A")
    git(clone, "commit", "--quiet", "--message", "Hooks")
    return clone, tmp_path_factory.mktemp("installed")


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with serve() as index:
        index.add("plain", "1.0")
        yield index


@pytest.fixture
def repository(hooks: tuple[Path, Path], index: PackageIndex, tmp_path: Path) -> Repository:
    """A repository without a noxfile, whose spec and lock are as they should be."""
    clone, installed = hooks
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    env = {
        "PRE_COMMIT_HOME": str(installed),
        "NOX_BUILDKIT_CACHE": str(tmp_path / "cache"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    repository = Repository(root, env)
    repository.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: {clone}\n  rev: {git(clone, 'rev-parse', 'HEAD')}\n"
        "  hooks: [{id: nox-buildkit-check}, {id: nox-buildkit-lock}]\n",
    )
    repository.write("buildspec.yaml", SPEC)
    repository.write("requirements.in", "plain==1.0\n")
    # The hooks are installed from the machine's own index, before this one takes its place.
    done = repository.python("-m", "pre_commit", "install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr
    repository.env["UV_DEFAULT_INDEX"] = index.url
    return repository


def test_hooks_pass_what_is_right_and_tell_what_is_not(repository: Repository) -> None:
    assert repository.hook("nox-buildkit-check").returncode == 0
    missing = repository.hook("nox-buildkit-lock")
    assert missing.returncode == 1
    assert "requirements.lock is stale" in missing.stdout

    assert repository.python("-m", "nox_buildkit", "lock").returncode == 0
    repository.write("requirements.lock", (repository.root / "requirements.lock").read_text())
    done = repository.hook("nox-buildkit-lock")
    assert done.returncode == 0, done.stdout

    repository.write("requirements.in", "plain>=1.0\n")
    stale = repository.hook("nox-buildkit-lock")
    assert "run 'nox -s lock' and commit it" in stale.stdout
    assert "Traceback" not in stale.stdout


def test_every_mistake_in_every_spec_is_told(repository: Repository) -> None:
    (repository.root / "more").mkdir()
    repository.write("buildspec.yaml", SPEC.replace("command", "comand"))
    repository.write("more/buildspec.yaml", "version: 2\nimages: {a: {platforms: [x]}}\n")
    done = repository.hook("nox-buildkit-check")
    assert done.returncode == 1
    assert (
        "buildspec.yaml:4:5: images.web.comand: unknown key; did you mean 'command'?" in done.stdout
    )
    assert "more/buildspec.yaml:1:10: version: " in done.stdout
    assert "more/buildspec.yaml:2:" in done.stdout
