"""Containers that are started for a moment, to look at them from outside.

The docker client is composed here and not by python-on-whales, whose ``run`` has no time limit.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.run import Done, run

_CLIENT_SECONDS = 60
_IMAGE_SECONDS = 1800
_LINES = 20

#: Asks an address by HTTP, and prints status and body; nothing else than Python is needed.
_PROBE = """\
import sys, urllib.error, urllib.request
class Same(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Same)
try:
    answer = opener.open(sys.argv[1], timeout=float(sys.argv[2]))
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
sys.stdout.flush()
sys.stdout.buffer.write(answer.read(1 << 20))
"""


@dataclass(frozen=True, slots=True)
class Containers:
    """The way to start the image ``reference`` for ``platform`` on an engine.

    ``user``: who runs programs in place of the image's own, if not the user of the image;
    ``interpreter``: Python in the image; ``remote``: its ports cannot be asked from this machine.
    """

    engine: Engine
    reference: str
    platform: str
    user: str = ""
    interpreter: str = "python3"
    remote: bool = False

    @staticmethod
    def new_name() -> str:
        """Return a name that no container has."""
        return f"nox-buildkit-{uuid.uuid4().hex[:12]}"

    def pull(self) -> None:
        """Get the image from its registry. Raises EngineError."""
        what = f"the download of {self.reference} ({self.platform})"
        done = self._docker(
            "pull", "--quiet", "--platform", self.platform, self.reference, seconds=_IMAGE_SECONDS
        )
        if done.returncode:
            raise EngineError(Code.CONTAINER(f"{what} failed: {done.cause}"))

    def run(self, command: Sequence[str], seconds: float) -> Done:
        """Run a program in place of the image's own, to its end. Raises EngineError."""
        name = self.new_name()
        program, *arguments = command
        user = ("--user", self.user) if self.user else ()
        options = ("--name", name, "--network", "none", *user, "--entrypoint", program)
        try:
            return self._docker(
                "run",
                *options,
                "--platform",
                self.platform,
                self.reference,
                *arguments,
                seconds=seconds,
            )
        finally:
            self.remove(name)

    def start(self, port: str) -> str:
        """Start the image as it is; return the container's name. Raises EngineError.

        ``port`` is reachable from this machine alone: in a network of its own, which the private
        engine's machine can enter, else at a free port of the loopback interface. On another
        machine it is published nowhere.
        """
        name = self.new_name()
        network: tuple[str, ...] = ("-p", f"127.0.0.1::{port}")
        if self.engine.private:
            network = ("--network", "none")
        elif self.remote:
            network = ()
        options = ("--detach", "--name", name, *network, "--platform", self.platform)
        done = self._docker("run", *options, self.reference)
        if done.returncode:
            self.remove(name)
            raise EngineError(Code.CONTAINER(f"{self.reference} does not start: {done.cause}"))
        return name

    def create(self, name: str, options: Sequence[str], command: Sequence[str]) -> None:
        """Create the container ``name``, which is removed when it ends. Raises EngineError."""
        fixed = ("--rm", "--name", name, "--platform", self.platform)
        words = ("create", *fixed, *options, self.reference, *command)
        # Options name variables of the user, whichever they are, and the client looks them up. An
        # engine may have to unpack the image.
        env = self.engine.docker.applied_to(os.environ)
        done = self._docker(*words, seconds=_IMAGE_SECONDS, env=env)
        if done.returncode:
            # The client ends with a hint at its own help.
            said = [line for line in done.stderr.splitlines() if b" --help'" not in line]
            cause = replace(done, stderr=b"\n".join(said)).cause
            raise EngineError(Code.CONTAINER(f"{self.reference} does not start: {cause}"))

    def interrupt(self, name: str) -> None:
        """Let a container have Ctrl-C. Raises EngineError."""
        self._docker("kill", "--signal", "INT", name)

    def stop(self, name: str, seconds: int) -> None:
        """End a container, if it runs: ask it, and wait ``seconds`` at most. Raises EngineError."""
        found = self._docker("inspect", "--format", "{{.State.Pid}} {{.Config.StopSignal}}", name)
        pid, _, stated = found.output.strip().partition(" ")
        deaf = self.engine.private and stated in ("", "SIGTERM") and _is_deaf(pid)
        self._docker(*(("kill",) if deaf else ("stop", "-t", str(seconds))), name)

    def get(self, name: str, port: str, path: str, seconds: float) -> tuple[int, str] | None:
        """Ask a started container by HTTP; None if it gives no answer (yet)."""
        state = self.state(name)
        place = f"127.0.0.1:{port}"
        probe: tuple[str, ...] = (sys.executable, "-I", "-c", _PROBE)
        if self.remote:
            # From inside, and yet at the address that others use.
            networks = state["NetworkSettings"]["Networks"].values()
            host = next((n["IPAddress"] for n in networks if n["IPAddress"]), "127.0.0.1")
            inside = ("exec", name, self.interpreter, *probe[1:])
            address = f"http://{host}:{port}{path}"
            done = self._docker(*inside, address, str(seconds), seconds=seconds + _CLIENT_SECONDS)
        else:
            if self.engine.private:
                space = f"--net=/proc/{state['State']['Pid']}/ns/net"
                probe = (shutil.which("nsenter") or "nsenter", space, *probe)
            elif ports := state["NetworkSettings"]["Ports"].get(f"{port}/tcp"):
                place = f"127.0.0.1:{ports[0]['HostPort']}"
            address = f"http://{place}{path}"
            done = run([*probe, address, str(seconds)], seconds=seconds + _CLIENT_SECONDS)
        if done.returncode:
            return None
        status, _, body = done.output.partition("\n")
        return int(status), body

    def state(self, name: str) -> dict[str, Any]:
        """Return what the engine says of a container. Raises EngineError."""
        done = self._docker("container", "inspect", name)
        if done.returncode:
            raise EngineError(Code.CONTAINER(f"the container {name} is gone: {done.cause}"))
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found

    def log(self, name: str) -> list[str]:
        """Return the last lines that a container wrote."""
        done = self._docker("logs", "--tail", str(_LINES), name)
        return (done.output + done.errors).splitlines()[-_LINES:]

    def remove(self, name: str) -> None:
        """Remove a container, running or not."""
        self._docker("rm", "--force", "--volumes", name)

    def forget(self) -> None:
        """Remove the image from the engine's store, unless something else uses it."""
        self._docker("image", "rm", self.reference)

    def _docker(
        self,
        *arguments: str,
        seconds: float = _CLIENT_SECONDS,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        command = [*self.engine.command, *arguments]
        what = f"docker {arguments[0]} of {self.reference} ({self.platform})"
        env = self.engine.docker.environment if env is None else env
        return run(command, what=what, env=env, seconds=seconds)


def _is_deaf(pid: str) -> bool:
    """Tell whether a container's first process, on this machine, does nothing on SIGTERM.

    The kernel gives it no signal that it has no handler for (pid_namespaces(7)).
    """
    try:
        status = Path("/proc", pid, "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "")
    return bool(caught) and not int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1
