"""A stand-in for the image moby/buildkit: the BuildKit inside a dockerd, behind the same programs.

buildx's driver `docker-container` runs `buildkitd`, waits for `buildctl debug workers`, and speaks
to `buildctl dial-stdio`.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

from nox_buildkit.bases.assembled_bases import BaseContents
from nox_buildkit.engine.private.binaries import Binaries
from nox_buildkit.oci.image_writer import layer_tar
from nox_buildkit.oci.platform import host_platform
from tests.support.standins import Files, debian_files, link, write

NAME = "moby/buildkit:buildx-stable-1"

_BUILDKITD = b"""\
#!/usr/bin/python3
import json, os, sys
if "--version" in sys.argv:
    sys.exit(print("buildkitd github.com/moby/buildkit v0.25.2 standin"))
# A control group with processes of its own has no groups below it (cgroups(7)).
groups = "/sys/fs/cgroup"
if os.path.exists(f"{groups}/cgroup.controllers"):
    os.makedirs(f"{groups}/init", exist_ok=True)
    for number in open(f"{groups}/cgroup.procs").read().split():
        open(f"{groups}/init/cgroup.procs", "w").write(number)
    names = open(f"{groups}/cgroup.controllers").read().split()
    open(f"{groups}/cgroup.subtree_control", "w").write(" ".join(f"+{name}" for name in names))
configuration = {
    "features": {"containerd-snapshotter": True}, "bridge": "none", "iptables": False,
    "ip6tables": False, "userland-proxy": False, "data-root": "/var/lib/buildkit/docker",
}
os.makedirs("/etc/docker", exist_ok=True)
open("/etc/docker/daemon.json", "w").write(json.dumps(configuration))
os.execvp("dockerd", ["dockerd"])
"""

_BUILDCTL = b"""\
#!/usr/bin/python3
import os, socket, sys, threading
daemon = socket.socket(socket.AF_UNIX)
daemon.connect("/var/run/docker.sock")
if sys.argv[1] != "dial-stdio":
    sys.exit()
daemon.sendall(
    b"POST /grpc HTTP/1.1\\r\\nHost: docker\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n"
    b"Content-Length: 0\\r\\n\\r\\n"
)
answer = b""
while not answer.endswith(b"\\r\\n\\r\\n"):
    answer += daemon.recv(1)
def send():
    while data := os.read(0, 65536):
        daemon.sendall(data)
    daemon.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := daemon.recv(65536):
    while data:
        data = data[os.write(1, data):]
"""


def import_buildkit(docker: list[str], binaries: Binaries, contents: BaseContents) -> None:
    """Give the dockerd of the client ``docker`` the stand-in; base debian must be assembled."""
    files = debian_files(host_platform(), contents)
    for program in (
        binaries.dockerd,
        binaries.containerd,
        binaries.prefix / "usr/bin/containerd-shim-runc-v2",
        next(binaries.prefix.glob("usr/*bin/runc")),
    ):
        _executable(files, f"usr/bin/{program.name}", program.read_bytes())
        _libraries(files, program, binaries.libraries)
    _executable(files, "usr/bin/buildkitd", _BUILDKITD)
    _executable(files, "usr/bin/buildctl", _BUILDCTL)
    if "var/run" not in files:
        link(files, "var/run", "/run")
    stream = io.BytesIO()
    layer_tar(stream, files.values())
    entrypoint = 'ENTRYPOINT ["/usr/bin/buildkitd"]'
    command = [*docker, "import", "--change", entrypoint, "-", NAME]
    subprocess.run(command, input=stream.getvalue(), check=True, capture_output=True)


def _executable(files: Files, name: str, content: bytes) -> None:
    write(files, name, content)
    files[name].info.mode = 0o755
    files[name].info.type = tarfile.REGTYPE


def _libraries(files: Files, program: Path, folder: Path | None) -> None:
    """Add what ``program`` loads and base debian has not."""
    env = {"LD_LIBRARY_PATH": str(folder or "")}
    listed = subprocess.run(["ldd", program], env=env, check=True, capture_output=True, text=True)
    for name, path in re.findall(r"(\S+) => (/\S+)", listed.stdout):
        there = any(known.endswith(f"/{name}") for known in files)
        if not there:
            write(files, f"usr/lib/{name}", Path(path).read_bytes())
