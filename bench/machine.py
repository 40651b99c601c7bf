"""What was measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from bench.contenders import docker
from bench.process import Runner
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.lock.uv import uv_version


def describe(engine: Engine, runner: Runner, cwd: Path) -> dict[str, str]:
    """Processor, memory, kernel, and the version of everything that takes part."""
    server = docker(engine, "version", "--format", "{{.Server.Version}}")
    buildx = runner.output(docker(engine, "buildx", "version"), cwd).split()
    load = os.getloadavg()
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory() / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "engine": f"{'private dockerd' if engine.private else engine.driver} "
        f"{runner.output(server, cwd).strip()}",
        "buildx": buildx[1] if len(buildx) > 1 else "",
        "uv": uv_version(),
        "nox": version("nox"),
        "Python of nox": platform.python_version(),
        "load before": f"{load[0]:.2f}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
