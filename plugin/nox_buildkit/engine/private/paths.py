"""Paths of the private engine, and the configuration of its two daemons."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, private_dir, write_atomic

#: What containerd takes; sun_path would hold three more (unix(7)).
SOCKET_PATH_BYTES = 104
#: dockerd's, of its network controller.
LONGEST_SOCKET = "exec/libnetwork/0123456789ab.sock"
KEEP = "20GB"


@dataclass(frozen=True, slots=True)
class EnginePaths:
    """Folders and files of one private engine; ``run`` holds sockets and pidfiles."""

    home: Path
    run: Path

    @classmethod
    def current(cls) -> EnginePaths:
        """The engine of the current cache folder; creates nothing but the cache folder."""
        # Resolved, as the kernel shows mount points: links must not make two engines of one.
        home = cache_dir().resolve() / "engine"
        return cls(home, _run_dir(home))

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def lock(self) -> Path:
        return self.home.parent / "engine.lock"

    @property
    def log(self) -> Path:
        return self.home / "dockerd.log"

    @property
    def containerd_log(self) -> Path:
        return self.home / "containerd.log"

    @property
    def daemon_json(self) -> Path:
        return self.home / "daemon.json"

    @property
    def containerd_toml(self) -> Path:
        return self.home / "containerd.toml"

    @property
    def docker_config(self) -> Path:
        return self.home / "config"

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd/containerd.sock"

    @property
    def pidfile(self) -> Path:
        return self.run / "dockerd.pid"

    @property
    def host(self) -> str:
        """Value for DOCKER_HOST."""
        return f"unix://{self.socket}"

    def make(self) -> None:
        """Make the folders and write both configurations. Raises EngineError."""
        for folder in (self.home, self.data, self.run):
            _own(folder)
        write_atomic(self.daemon_json, json.dumps(self._dockerd(), indent=2) + "\n")
        write_atomic(self.containerd_toml, self._containerd())

    def _dockerd(self) -> dict[str, object]:
        """Reference: dockerd(8), daemon.json."""
        return {
            "features": {"containerd-snapshotter": True},
            # A bridge would need rules in the host's firewall.
            "bridge": "none",
            "iptables": False,
            "ip6tables": False,
            "data-root": str(self.data),
            "exec-root": str(self.run / "exec"),
            "pidfile": str(self.pidfile),
            "hosts": [self.host],
            # Unset, dockerd would take the host's containerd where there is one.
            "containerd": str(self.containerd_socket),
            # The folder keeps others out; a group "docker" of the host is not asked to come in.
            "group": "root",
            "live-restore": False,
            "shutdown-timeout": 5,
            "log-level": "warn",
            # BuildKit's default policy drops cache mounts after two days.
            "builder": {"gc": {"enabled": True, "policy": [{"all": True, "keepStorage": KEEP}]}},
        }

    def _containerd(self) -> str:
        """Reference: containerd-config.toml(5)."""
        quoted = {
            "root": _toml(self.data / "containerd"),
            "state": _toml(self.run / "containerd/state"),
            "socket": _toml(self.containerd_socket),
        }
        return (
            "version = 2\n"
            f"root = {quoted['root']}\n"
            f"state = {quoted['state']}\n"
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f"[grpc]\naddress = {quoted['socket']}\n"
            '[debug]\nlevel = "warn"\n'
        )


def _toml(path: Path) -> str:
    """Return a TOML basic string (TOML 1.0): JSON's, without surrogates and with DEL escaped."""
    return json.dumps(str(path), ensure_ascii=False).replace("\x7f", "\\u007f")


def _run_dir(home: Path) -> Path:
    """A folder whose socket paths fit; the same for every process, whatever its environment.

    XDG_RUNTIME_DIR does not do: it differs between a login, sudo and cron.
    """
    inside = home / "run"
    if len(os.fsencode(inside / LONGEST_SOCKET)) <= SOCKET_PATH_BYTES:
        return inside
    name = f"nox-buildkit-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    base = Path("/run")
    return (base if os.access(base, os.W_OK) else Path("/tmp")) / name  # noqa: S108 - _own checks


def _own(folder: Path) -> None:
    """Make ``folder`` ours alone, or refuse it: another user may have made it first."""
    try:
        private_dir(folder)
        found = folder.lstat()
    except OSError as error:
        raise EngineError(
            Code.FOLDER(f"{folder}: {error.strerror}", "move it out of the way")
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EngineError(Code.FOLDER(f"{folder} is not a folder of this user", "remove it"))
    folder.chmod(0o700)
