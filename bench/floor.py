"""The floor: the same wheels, installed by uv on the host, with no BuildKit in between."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uv

from bench.contenders import nox
from bench.process import BenchError, Runner, end_group


@dataclass(frozen=True, slots=True)
class Tree:
    """One dependency layer: a requirements file, and uv's name of the platform it is for."""

    name: str
    requirements: Path
    platform: str
    python: str


def trees(runner: Runner, project: Path, image: str, folder: Path) -> list[Tree]:
    """The layers of our image, out of its plan: the pure one, and one of each platform."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = json.loads(runner.output(nox("plan", "--json", image), project))["images"][0]
    wanted = {"pure": (plan["pure"], plan["platforms"][0]["wheel_platform"])}
    for platform in plan["platforms"]:
        name = platform["platform"].replace("/", "-")
        wanted[name] = (platform["packages"], platform["wheel_platform"])
    found = []
    for name, (packages, wheel_platform) in wanted.items():
        path = folder / f"{name}.txt"
        pins = (f"{p['name']}=={p['version']} --hash=sha256:{p['sha256']}\n" for p in packages)
        path.write_text("".join(pins))
        found.append(Tree(name, path, wheel_platform, plan["python"]))
    return found


def floor(layers: Sequence[Tree], cache: Path) -> tuple[float, float]:
    """Seconds to install and byte-compile all ``layers`` at once; and those with tar and gzip."""
    with tempfile.TemporaryDirectory(dir=cache.parent) as name:
        work = Path(name)
        began = time.perf_counter()
        _together([_install(tree, work / tree.name, cache) for tree in layers])
        installed = time.perf_counter() - began
        _together([_pack(work / tree.name) for tree in layers])
        return installed, time.perf_counter() - began


def _install(tree: Tree, target: Path, cache: Path) -> list[str]:
    return [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(target),
        "--cache-dir", str(cache), "--python-version", tree.python,
        "--python-platform", tree.platform, "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--compile-bytecode", "--link-mode", "copy",
        "--requirements", str(tree.requirements),
    ]  # fmt: skip


def _pack(folder: Path) -> list[str]:
    tar = shutil.which("tar") or "tar"
    options = ["--create", "--gzip", "--file", f"{folder}.tar.gz", "--directory", str(folder), "."]
    return [tar, *options]


def _together(commands: Sequence[Sequence[str]]) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            processes.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            )
        for process in processes:
            _, stderr = process.communicate()
            if process.returncode:
                raise BenchError(f"uv on the host: {stderr.decode(errors='replace')[-500:]}")
    finally:
        for process in processes:
            end_group(process)
