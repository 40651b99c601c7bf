"""A project as a user has it: files in a folder, and nox run in it as a command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uv

from tests.support.oci import ImageIndex

NOXFILE = "from nox_buildkit import register\n\nregister()\n"
SPEC = """\
version: 1
images:
  web:
    base: debian
    command: [python, -m, app, "8000"]
"""
#: Answers with what it knows of itself.
APP = """\
import http.server
import json
import os
import platform
import signal
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        import fast
        import plain

        content = json.dumps(
            {
                "machine": platform.machine(),
                "uid": os.getuid(),
                "pid": os.getpid(),
                "plain": plain.VERSION,
                "fast": fast.PLATFORM,
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

_CODE = re.compile(r" \[NBK\d{3}\]$", re.MULTILINE)
#: Set by whoever runs the tests, they would change what a command does.
_CHOICES = (
    "CI", "SOURCE_DATE_EPOCH", "NOX_BUILDKIT_DEBUG", "FORCE_COLOR", "NO_COLOR", "NOXSESSION",
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "DOCKER_CONFIG",
)  # fmt: skip


class Failure(str):
    """What a session failed with, without the codes, which are ``codes``, one a cause."""

    codes: list[str]


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def failure(self) -> Failure:
        """What nox says at the end of a session that failed; it must be told, not thrown."""
        assert self.code != 0, self.stderr
        assert "Traceback" not in self.stderr + self.stdout, self.stderr
        match = re.search(
            r"^nox > Session \w+ aborted: (.*?)(?: \(took [^)]*\))?\.$",
            self.stderr,
            re.DOTALL | re.MULTILINE,
        )
        assert match, self.stderr
        failure = Failure(_CODE.sub("", match[1]))
        failure.codes = [code[2:-1] for code in _CODE.findall(match[1])]
        return failure

    @property
    def cause(self) -> Failure:
        """The same, of a failure that has one cause: it takes one line."""
        failure = self.failure
        assert "\n" not in failure
        return failure


@dataclass
class Project:
    """A folder with a noxfile; ``env`` is what its commands get besides the shell's.

    ``python``: the command that starts Python, of another user where it is not the tests' own.
    """

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    python: tuple[str, ...] = (sys.executable,)

    def write(self, files: Mapping[str, str]) -> Project:
        """Write text files below the project's folder."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self

    def nox(self, session: str, *posargs: str, **env: str) -> Done:
        """Run ``nox -s session -- posargs``, whatever comes of it."""
        with self.start(session, *posargs, **env) as process:
            try:
                stdout, stderr = process.communicate(timeout=400)
            finally:
                process.kill()
        return Done(process.returncode, stdout, stderr)

    def ok(self, session: str, *posargs: str, **env: str) -> Done:
        """Run a session that must succeed."""
        done = self.nox(session, *posargs, **env)
        assert done.code == 0, done.stderr
        return done

    def start(self, session: str, *posargs: str, **env: str) -> subprocess.Popen[str]:
        """Start a session in a process group of its own, as a shell does."""
        return subprocess.Popen(
            [*self.python, "-m", "nox", "-s", session, "--", *posargs],
            cwd=self.root,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """What a command gets: of the shell without its choices, of the project, and ``more``."""
        inherited = {k: v for k, v in os.environ.items() if k not in _CHOICES}
        return {**inherited, **self.env, **more}

    def record(self, name: str = "build.json") -> dict[str, Any]:
        """A record of dist."""
        content: dict[str, Any] = json.loads((self.root / "dist" / name).read_text())
        return content

    def digest(self, image: str = "web") -> str:
        """The digest of the image that was built last."""
        return str(self.record()["images"][image]["digest"])

    @property
    def tar(self) -> Path:
        return self.root / "dist" / "web.oci.tar"


@dataclass(frozen=True, slots=True)
class Built:
    """A project that was built from the commit ``revision``."""

    project: Project
    image: ImageIndex
    revision: str


def uv_lock(project: Project) -> None:
    """Make uv.lock as a user would."""
    subprocess.run(
        [uv.find_uv_bin(), "lock", "--quiet", "--python", sys.executable],
        cwd=project.root,
        env=project.environment({}),
        check=True,
    )


def git(folder: Path, *arguments: str) -> str:
    """Run git with an author, and without what the user has configured."""
    who = {f"GIT_{role}_{key}": "test@test" for role in ("AUTHOR", "COMMITTER")
           for key in ("NAME", "EMAIL")}  # fmt: skip
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
