"""Real faults: each is told in a line, leaves nothing, and the next build makes the same image.

Those marked ``campaign`` are run by ``nox -s faults``, the others with all tests.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.faults import Unseen, held, recovers, undisturbed
from tests.support.oci import ImageIndex
from tests.support.project import Done, Project

campaign = pytest.mark.campaign


def in_namespace(project: Project, mounts: str, *arguments: str) -> Done:
    """Run nox where ``mounts`` (shell commands) are made, which nobody else sees."""
    script = f'set -e; {mounts}; cd "$PWD"; exec "$@"'
    command = [sys.executable, "-m", "nox", "-s", *arguments]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *command],
        cwd=project.root,
        env=project.environment({}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


# Signals.


@pytest.mark.parametrize(
    ("phase", "number"),
    [
        pytest.param("begin", signal.SIGINT, marks=campaign),
        pytest.param("begin", signal.SIGTERM, marks=campaign),
        pytest.param("begin", signal.SIGKILL, marks=campaign),
        ("download", signal.SIGINT),
        pytest.param("download", signal.SIGKILL, marks=campaign),
        pytest.param("compile", signal.SIGTERM, marks=campaign),
        ("compile", signal.SIGKILL),
    ],
)
def test_a_build_that_gets_a_signal(unseen: Unseen, phase: str, number: signal.Signals) -> None:
    project, _ = unseen
    with held(unseen, phase) as process:
        if number == signal.SIGTERM:
            process.terminate()
        else:
            os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in stderr
    assert not project.tar.exists()

    recovers(project, undisturbed(project))


# What was written earlier is damaged.

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "flipped": lambda content: bytes([*content[:-9], content[-9] ^ 1, *content[-8:]]),
    "braces": lambda content: b"{}",
    "nested": lambda content: b"[" * 100_000,
    "binary": lambda content: os.urandom(64),
}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("web.oci.tar", "cut"),
        pytest.param("web.oci.tar", "empty", marks=campaign),
        pytest.param("web.oci.tar", "binary", marks=campaign),
        ("build.json", "nested"),
        pytest.param("build.json", "cut", marks=campaign),
        pytest.param("build.json", "empty", marks=campaign),
        pytest.param("build.json", "braces", marks=campaign),
        pytest.param("build.json", "binary", marks=campaign),
    ],
)
def test_a_result_that_is_damaged_is_made_again(built: Project, name: str, damage: str) -> None:
    digest = built.digest()
    path = built.root / "dist" / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    recovers(built, digest)


#: Folders of the cache that hold answers; others hold programs and bases.
_KEPT = ("coverage", "inside", "layers", "pylock")


@pytest.mark.parametrize(
    "damage",
    [
        "cut",
        *(
            pytest.param(name, marks=campaign)
            for name in ("flipped", "empty", "braces", "nested", "binary")
        ),
    ],
)
def test_a_cache_that_is_damaged_is_made_again(
    project: Project, built_template: Project, engine_home: Path, damage: str
) -> None:
    project.ok("plan")
    entries = {
        path: path.read_bytes()
        for kept in _KEPT
        for path in (engine_home / kept).rglob("*")
        if path.is_file() and path.stat().st_size > 16
    }
    assert len(entries) > 2
    try:
        for path, content in entries.items():
            path.write_bytes(DAMAGES[damage](content))
        recovers(project, built_template.digest())
    finally:
        # The folder is not the test's own.
        for path, content in entries.items():
            path.write_bytes(content)


# The disk.


@pytest.mark.parametrize(
    "mounts",
    [
        "mkdir -p dist && mount -t tmpfs -o size=64k tmpfs dist",
        pytest.param("mount --bind . . && mount -o remount,ro,bind .", marks=campaign),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_nothing(project: Project, built_template: Project, mounts: str) -> None:
    if "ro" in mounts:
        mounts = f'here=$PWD; {mounts}; cd /; cd "$here"'
    done = in_namespace(project, mounts, "build")
    assert any(words in done.cause for words in ("has room for", "Read-only")), done.stderr
    recovers(project, built_template.digest())


# Where a project lies, and when.


@pytest.mark.parametrize(
    "name",
    [
        "a 'b' \"c\", d=e; $HOME ü@東[x]*",
        *(
            pytest.param(name, marks=campaign)
            for name in (
                "two  spaces",
                "it's",
                'say "x"',
                "a,b=c",
                "größe",
                "at@sign",
                "-r",
                "#1",
                "{x}",
                "100%",
            )
        ),
    ],
)
def test_a_project_in_a_folder_of_any_name(
    project: Project, built_template: Project, name: str
) -> None:
    project.root = project.root.rename(project.root.with_name(name))
    recovers(project, built_template.digest())


@campaign
def test_a_clock_that_was_set_back(built: Project) -> None:
    digest = built.digest()
    for path in (built.root, *built.root.rglob("*")):
        os.utime(path, (4_102_444_800, 4_102_444_800))
    recovers(built, digest)
    shutil.rmtree(built.root / "dist")
    recovers(built, digest)


# Registries.


class _Refusing(http.server.BaseHTTPRequestHandler):
    status = 503

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@campaign
@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_registry_that_refuses(project: Project, built_template: Project, status: int) -> None:
    handler = type("Refusing", (_Refusing,), {"status": status})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        done = project.nox("push", "--set", f"registry={address}/x")
        server.shutdown()
    assert address in done.failure
    assert not (project.root / "dist" / "release.json").exists()
    recovers(project, built_template.digest())


# Secrets.


def _descendants(pid: int) -> list[Path]:
    """Folders in /proc of the processes that ``pid`` started, and those that they did."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
    found, waiting = [], [pid]
    while waiting:
        here = waiting.pop()
        found.append(here)
        waiting += [child for child, parent in parents.items() if parent == here]
    return [Path("/proc") / str(each) for each in found[1:]]


def test_no_secret_is_where_it_should_not_be(unseen: Unseen, tmp_path: Path) -> None:
    project, _ = unseen
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    login = base64.b64encode(b"me:canary-login").decode()
    (home / ".docker" / "config.json").write_text(
        json.dumps({"auths": {"registry.invalid": {"auth": login}}})
    )
    (home / ".netrc").write_text("machine files.invalid login me password canary-netrc\n")
    (home / ".netrc").chmod(0o600)
    keyring = home / "bin" / "keyring"
    keyring.parent.mkdir()
    keyring.write_text("#!/bin/sh\necho canary-keyring\n")
    keyring.chmod(0o755)
    bundle = home / "bundle.pem"
    bundle.write_text(Path("/etc/ssl/certs/ca-certificates.crt").read_text() + "# canary-bundle\n")
    project.env |= {
        "DOCKER_CONFIG": str(home / ".docker"),
        "NETRC": str(home / ".netrc"),
        "PATH": f"{keyring.parent}:{os.environ['PATH']}",
        "UV_KEYRING_PROVIDER": "subprocess",
        "HTTPS_PROXY": "http://me:canary-proxy@127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(bundle),
        "UV_INDEX_MINE_USERNAME": "me",
        "UV_INDEX_MINE_PASSWORD": "canary-index",
        "AWS_SECRET_ACCESS_KEY": "canary-environment",
        "GITHUB_TOKEN": "canary-token",
        "SSH_AUTH_SOCK": "/run/canary-agent.sock",
    }
    canaries = [b"canary-", login.encode()]
    with held(unseen, "compile") as process:
        children = _descendants(process.pid)
        assert any(b"buildx" in (child / "cmdline").read_bytes() for child in children)
        for child in children:
            with contextlib.suppress(OSError):
                command = (child / "cmdline").read_bytes()
                assert not any(canary in command for canary in canaries)
                if b"buildx" in command:
                    assert b"canary-index" not in (child / "environ").read_bytes()
        unseen[1].released.set()
        said = "".join(process.communicate(timeout=120)).encode()
    assert process.returncode == 0, said

    cache = Path(project.env["NOX_BUILDKIT_CACHE"])
    kept = [path for name in ("coverage", "inside", "layers", "projects", "pylock", "wheels")
            for path in (cache / name).rglob("*")]  # fmt: skip
    contents = [said, *(path.read_bytes() for path in (*kept, *project.root.rglob("*"))
                        if path.is_file())]  # fmt: skip
    image = ImageIndex.open(project.tar)
    contents += image.archive.values()
    for platform in image.platforms.values():
        contents += [platform.unpacked(layer) for layer in platform.own_layers]
    assert not [each[:200] for each in contents if any(canary in each for canary in canaries)]
