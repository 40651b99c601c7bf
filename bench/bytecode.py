"""Make our byte code cache cold, so that every source is compiled again, as the peers do."""

from __future__ import annotations

import json
from pathlib import Path

from bench.contenders import docker
from bench.process import BenchError, Runner
from nox_buildkit.engine.buildkit import Engine

MOUNT = "nox-buildkit-bytecode"


def forget(engine: Engine, runner: Runner, cwd: Path) -> None:
    """Delete the cache mount of byte code, and nothing else. Raises BenchError if there is none."""
    builder = ("--builder", engine.builder)
    listed = runner.output(
        docker(
            engine,
            *("buildx", *builder, "du", "--filter", "type=exec.cachemount"),
            *("--format", "{{json .}}"),
        ),
        cwd,
    )
    records = [json.loads(line) for line in listed.splitlines() if line.startswith("{")]
    found = [r["ID"] for r in records if MOUNT in r["Description"].rpartition(" with id ")[2]]
    if not found:
        raise BenchError(f"there is no cache mount {MOUNT} to make cold")
    for record in found:
        runner.output(
            docker(engine, "buildx", *builder, "prune", "--force", "--filter", f"id={record}"), cwd
        )
