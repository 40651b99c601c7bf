"""The application that everybody builds, once for each contender, and the changes made to it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uv

from bench.base import PYTHON
from bench.process import BenchError

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "fastapi"

#: A leaf of the dependency tree with many releases, on whose version nothing else depends.
BUMPED = "certifi"

_PINNED = re.compile(r"^[a-z0-9][a-z0-9._-]*==\S+(?: ;[^\\\n]*)?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """A version of the bumped package with its pip options, as uv writes them into a lock."""

    version: str
    block: str


@dataclass(slots=True)
class Projects:
    """Copies of the example in ``root``: ``ours`` has a buildspec, ``pip`` and ``uv`` Dockerfiles.

    Every run has its own ``image`` name, and its own line in the peers' requirements.txt: the
    layers that install packages for a peer of an earlier run are of no use to it.
    """

    root: Path
    token: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _edits: int = 0

    @property
    def image(self) -> str:
        """The name of our image."""
        return f"hello-{self.token}"

    @property
    def ours(self) -> Path:
        return self.root / "ours"

    def peer(self, name: str) -> Path:
        """The folder of ``pip`` or ``uv``."""
        return self.root / name

    def make(self, contexts: Mapping[str, str]) -> None:
        """Write all of it. ``contexts``: named build contexts of the peers."""
        self._make_ours()
        for name in ("pip", "uv"):
            folder = self.peer(name)
            shutil.copytree(EXAMPLE / "app", folder / "app", ignore=_caches)
            shutil.copy(HERE / "dockerfiles" / f"{name}.Dockerfile", folder / "Dockerfile")
            shutil.copy(HERE / "dockerfiles" / "dockerignore", folder / ".dockerignore")
            shutil.copy(HERE / "dockerfiles" / "downloads.Dockerfile", folder)
            (folder / "contexts.json").write_text(json.dumps(dict(contexts)))
        self._write_peer_requirements()

    def write_images(self, count: int) -> None:
        """Let the buildspec have ``count`` images, which differ in their configuration."""
        text = (HERE / "project" / "buildspec.yaml").read_text()
        head, _, body = text.partition("  IMAGE:\n")
        names = [self.image, *(f"{self.image}-{number}" for number in range(2, count + 1))]
        images = (f"  {name}:\n    env: {{NAME: {name}}}\n{body}" for name in names)
        spec = text.replace("IMAGE", self.image) if count == 1 else head + "".join(images)
        (self.ours / "buildspec.yaml").write_text(spec)

    def change_source(self) -> None:
        """Change one line of the application, to what it never was."""
        self._edits += 1
        for folder in (self.ours, self.peer("pip"), self.peer("uv")):
            path = folder / "app" / "main.py"
            text, count = re.subn(
                r'("hello": ")[^"]*(")', rf"\g<1>{self.token}-{self._edits}\2", path.read_text()
            )
            if count != 1:
                raise BenchError(f"{path} has not the one line to change")
            path.write_text(text)

    def bump(self, release: Release) -> None:
        """Move the lock, and with it the peers' requirements, to another release of one package."""
        lock = self.ours / "requirements.lock"
        pattern = rf"^{BUMPED}==[^\n]*\\\n(?:[ \t]+--hash=[^\n]*\n)+"
        text, count = re.subn(
            pattern, lambda _: release.block, lock.read_text(), flags=re.MULTILINE
        )
        if count != 1:
            raise BenchError(f"{lock} does not pin {BUMPED} once")
        lock.write_text(text)
        self._write_peer_requirements()

    def releases(self, count: int) -> list[Release]:
        """``count`` releases of the bumped package older than the locked one, the newest first."""
        found: list[Release] = []
        lock = (self.ours / "requirements.lock").read_text()
        below = _version(lock)
        for _ in range(count):
            release = _older(below, self.root)
            found.append(release)
            below = release.version
        return found

    def _make_ours(self) -> None:
        shutil.copytree(EXAMPLE, self.ours, ignore=_caches)
        shutil.copy(HERE / "project" / "noxfile.py", self.ours)
        self.write_images(1)
        (self.ours / ".gitignore").write_text("/dist/\n__pycache__/\n")
        if shutil.which("git"):
            commit(self.ours)

    def _write_peer_requirements(self) -> None:
        pins = _PINNED.findall((self.ours / "requirements.lock").read_text())
        # Without hashes, which pip and uv need not check then: as most requirements files are.
        text = "".join(f"{pin.strip()}\n" for pin in pins)
        for name in ("pip", "uv"):
            (self.peer(name) / "requirements.txt").write_text(f"# {self.token}\n{text}")


def _caches(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


def commit(folder: Path) -> None:
    """Make a repository of ``folder``, with one commit of all its files."""
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "Application"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)


def _version(lock: str) -> str:
    match = re.search(rf"^{BUMPED}==([^\s;]+)", lock, re.MULTILINE)
    if not match:
        raise BenchError(f"the example does not depend on {BUMPED}")
    return match[1]


def _older(version: str, folder: Path) -> Release:
    wanted = folder / "bump.in"
    wanted.write_text(f"{BUMPED}<{version}\n")
    command = [
        uv.find_uv_bin(), "pip", "compile", str(wanted), "--quiet", "--no-deps", "--no-header",
        "--no-annotate", "--generate-hashes", "--universal", "--python-version", PYTHON,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"uv knows no older {BUMPED}: {' '.join(done.stderr.split())[-300:]}")
    return Release(_version(done.stdout), done.stdout)
