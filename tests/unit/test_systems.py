"""Systems that are not the one of the tests: macOS, and Windows, which is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import nox_buildkit
from nox_buildkit.bases.debian_source import debian_source
from nox_buildkit.debian import archive
from nox_buildkit.debian.archive import without_archive
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.find import find_client, find_engine
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private import processes
from nox_buildkit.engine.suitable import with_next_step
from nox_buildkit.errors import Code, EngineError, UsageError
from nox_buildkit.files import cache_dir
from nox_buildkit.oci.platform import host_platform, native_platforms
from nox_buildkit.progress import SILENT
from nox_buildkit.release.cosign import Cosign, Signer
from nox_buildkit.run import run

PACKAGE = Path(nox_buildkit.__file__).parent

#: Becomes another system once the standard library and nox are loaded for this one.
_OTHER = """\
import builtins, importlib, os, pkgutil, sys
import ctypes.util, multiprocessing, nox, nox.__main__, platformdirs, pty, subprocess, tempfile
import python_on_whales, requests, rich.live, rich.progress, uv
system, absent, attributes = sys.argv[1], sys.argv[2].split(), sys.argv[3].split()
for name in absent:
    sys.modules[name] = None
for name in attributes:
    for module in (os, __import__("signal")):
        if hasattr(module, name):
            delattr(module, name)
class Machine(tuple):
    sysname, machine = "Darwin", "arm64"
os.uname = Machine
sys.platform = system
"""
#: What macOS has not, of what Linux has.
_LINUX_ONLY = (
    "sched_getaffinity sched_setaffinity memfd_create sendfile copy_file_range splice unshare setns"
    " pidfd_open O_TMPFILE O_PATH O_DIRECT getresuid setresuid getrandom eventfd posix_fallocate"
    " posix_fadvise getxattr setxattr listxattr sigtimedwait sigwaitinfo pipe2"
)
#: What Windows has not, of what both others have.
_POSIX_ONLY = f"{_LINUX_ONLY} geteuid getuid killpg statvfs SIGKILL SIGHUP"


def _as(system: str, absent: str, attributes: str, program: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _OTHER + program, system, absent, attributes],
        env={**os.environ, "HOME": str(cwd)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_module_can_be_imported_without_what_only_linux_has(tmp_path: Path) -> None:
    program = """
import nox_buildkit
names = [m.name for m in pkgutil.walk_packages(nox_buildkit.__path__, "nox_buildkit.")]
for name in names:
    if not name.endswith("__main__") and ".render.scripts." not in name:
        importlib.import_module(name)
print(len(names))
"""
    code, output = _as("darwin", "spwd ossaudiodev crypt nis", _LINUX_ONLY, program, tmp_path)
    assert code == 0, output
    assert int(output) > 150


def test_windows_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "noxfile.py").write_text(
        "import nox\nfrom nox_buildkit import register\nregister()\n"
        "@nox.session(venv_backend='none')\ndef lint(session): print('clean')\n"
    )
    program = """
sys.argv = ["nox", "-s", "lint", "build"]
sys.exit(nox.__main__.main())
"""
    code, output = _as("win32", "fcntl pwd grp resource termios", _POSIX_ONLY, program, tmp_path)
    assert code == 1
    # Other sessions of the noxfile go on.
    assert "clean" in output
    assert "Traceback" not in output
    assert "nox-buildkit runs on Linux and macOS; on Windows, run nox in WSL 2" in output


@pytest.mark.parametrize(
    ("machine", "platform"),
    [("arm64", "linux/arm64"), ("x86_64", "linux/amd64"), ("aarch64", "linux/arm64")],
)
def test_containers_on_a_mac_are_of_its_processor(machine: str, platform: str) -> None:
    assert native_platforms(machine)[0] == platform


def test_this_machine_is_known_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = os.uname_result(("Darwin", "mac", "24.0.0", "Darwin Kernel", "arm64"))
    monkeypatch.setattr(os, "uname", lambda: machine)
    assert host_platform() == "linux/arm64"


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "Library/Caches/nox-buildkit"),
        ({"XDG_CACHE_HOME": "HOME/xdg"}, "xdg/nox-buildkit"),
        ({"NOX_BUILDKIT_CACHE": "~/mine"}, "mine"),
    ],
)
def test_the_cache_of_a_mac(tmp_path: Path, variables: dict[str, str], place: str) -> None:
    told = [
        f"os.environ[{k!r}] = {v.replace('HOME', str(tmp_path))!r}" for k, v in variables.items()
    ]
    lines = [
        "for name in ('NOX_BUILDKIT_CACHE', 'XDG_CACHE_HOME'): os.environ.pop(name, None)",
        *told,
        "from platformdirs.macos import MacOS",
        "platformdirs.PlatformDirs = platformdirs._set_platform_dir_class = MacOS",
        "from nox_buildkit.files import cache_dir",
        "print(cache_dir())",
    ]
    code, output = _as("darwin", "", "", "\n".join(lines), tmp_path)
    assert (code, output.strip()) == (0, str(tmp_path.resolve() / place))


def test_somebody_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(UsageError, match="set NOX_BUILDKIT_CACHE to a folder of yours"):
        cache_dir()


@pytest.mark.parametrize(
    ("system", "message", "step"),
    [
        ("darwin", "Cannot connect to the Docker daemon at unix:///x", "start Docker Desktop"),
        ("linux", "Cannot connect to the Docker daemon at unix:///x", "systemctl start docker"),
        (
            "linux",
            "permission denied while trying to connect to the Docker daemon socket at unix:///x",
            "usermod -aG docker",
        ),
    ],
)
def test_a_daemon_that_cannot_be_reached_has_a_next_step(
    monkeypatch: pytest.MonkeyPatch, system: str, message: str, step: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    error = with_next_step(EngineError(Code.BUILDER(message)))
    assert step in str(error)
    assert str(error).startswith(message)


def test_a_mac_without_docker_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not private.is_possible()
    with pytest.raises(EngineError, match="runs on Linux only; install Docker Desktop, OrbStack"):
        private.start()
    assert "apt" not in without_archive()


def test_what_is_made_of_debian_says_what_to_do_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(archive, "OS_RELEASE", tmp_path / "missing")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        debian_source("trixie", SILENT)
    expected = "base 'debian' needs a Debian host, and this is macOS; set 'base' to 'slim'"
    assert str(caught.value) == expected
    with pytest.raises(EngineError, match=r"^unpacking cosign needs .* macOS; install cosign, so"):
        Cosign.find(Signer())
    with pytest.raises(EngineError, match=r"^unpacking client needs .* macOS; install Docker Desk"):
        find_client()


def test_a_mac_has_no_private_engine_to_look_at_or_to_remove(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(processes, "PROC", tmp_path / "proc")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    assert private.status().state == "absent"
    assert not private.stop()
    private.remove()
    assert private.status().state == "absent"


def test_a_group_of_zombies_counts_as_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    kill = os.killpg

    def as_on_macos(group: int, number: int) -> None:
        kill(group, number)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", as_on_macos)
    with pytest.raises(EngineError, match="sleep took longer than"):
        run(["sleep", "30"], seconds=0.1)


@pytest.mark.parametrize(
    ("system", "step"), [("darwin", "brew install docker-buildx"), ("linux", "distribution's")]
)
def test_a_docker_without_buildx_is_told_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, step: str
) -> None:
    # Read once a process, for the system that it really is.
    sysconfig.get_config_vars()
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "docker: unknown command: docker $1" >&2\nexit 1\n')
    docker.chmod(0o755)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "BUILDX_BUILDER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EngineError, match=f"^{docker}: it has no buildx .*{step}"):
        find_engine(Needs(frozenset({"linux/arm64"})))
