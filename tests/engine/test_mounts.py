"""What is mounted in a folder of ours is never deleted; in a mount namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PRIVATE = ("unshare", "--mount", "--propagation", "private")

_MOUNTED = """\
import pathlib, subprocess, sys
from nox_buildkit.errors import EngineError
from nox_buildkit.files import remove, scratch

top, canary = map(pathlib.Path, sys.argv[1:])
folder = top / ".work-dead" / "root" / "dev shm"
folder.mkdir(parents=True)
(top / ".work-dead" / "first").touch()
subprocess.run(["mount", "--bind", canary, folder], check=True)
try:
    remove(top / ".work-dead")
except EngineError as error:
    print(error, error.problems[0].code.value)
assert (top / ".work-dead" / "first").exists()
with scratch(top, ".work-"):
    pass
assert not list(top.iterdir())
"""


def test_what_is_mounted_in_a_folder_is_not_deleted_with_it(tmp_path: Path) -> None:
    top, canary = tmp_path / "top", tmp_path / "canary"
    top.mkdir()
    canary.mkdir()
    (canary / "file").touch()
    done = subprocess.run(
        [*PRIVATE, sys.executable, "-c", _MOUNTED, top, canary],
        capture_output=True,
        text=True,
        check=True,
    )
    point = f"{top}/.work-dead/root/dev shm"
    assert done.stdout == f"{point} is mounted; run `umount '{point}'`, and try again NBK505\n"
    assert (canary / "file").exists()


#: Interrupts an assembly with its process group while the packages lie in its folder.
_INTERRUPTED = """\
import os, pathlib, signal, subprocess, sys, time
from nox_buildkit.files import remove
from nox_buildkit.mounts import mounts_below

subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)
canary = pathlib.Path("/dev/shm/canary")
canary.touch()
home = pathlib.Path(sys.argv[1])
assembly = subprocess.Popen([sys.executable, "-c", sys.argv[2]], start_new_session=True)
while not list(home.glob("bases/.assemble-*/amd64/archives/*.deb")):
    assert assembly.poll() is None
    time.sleep(0.01)
os.killpg(assembly.pid, signal.SIGTERM)
assembly.wait(5)
assert not list(home.glob("bases/.*"))
assert not mounts_below(home), mounts_below(home)
remove(home / "bases")
assert canary.exists()
"""

_ASSEMBLE = """\
import signal
signal.signal(signal.SIGTERM, signal.default_int_handler)
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.progress import SILENT
Bases(None, None, SILENT).of_debian("3.13", ["linux/amd64"])
"""


def test_an_interrupted_assembly_leaves_nothing_of_the_host_mounted(
    engine_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "tools").symlink_to(engine_home / "tools")
    subprocess.run(
        [*PRIVATE, sys.executable, "-c", _INTERRUPTED, home, _ASSEMBLE],
        env={**os.environ, "NOX_BUILDKIT_CACHE": str(home)},
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=100,
    )


#: A cache folder on a disk of its own that is too small.
_FULL = """\
import os, pathlib, subprocess, sys
from nox_buildkit.errors import EngineError
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.progress import SILENT

home = pathlib.Path(os.environ["NOX_BUILDKIT_CACHE"])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", home], check=True)
(home / "tools").symlink_to(sys.argv[1])
try:
    Bases(None, None, SILENT).of_debian("3.13", ["linux/amd64"])
except EngineError as error:
    print(error)
assert not list(home.glob("bases/.*"))
"""


def test_a_full_disk_ends_an_assembly(engine_home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*PRIVATE, sys.executable, "-c", _FULL, engine_home / "tools"],
        env={**os.environ, "NOX_BUILDKIT_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout == (
        f"assembling Debian trixie for amd64: the disk of {tmp_path}/bases is full; make room on "
        "it, and build again\n"
    )
