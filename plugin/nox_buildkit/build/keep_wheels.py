"""Take what a build compiled out of the engine, into the wheelhouse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nox_buildkit.build.baking import OVERRIDE, Bake
from nox_buildkit.build.compiled_wheels import CompiledWheel, forget_unused, keep, not_kept
from nox_buildkit.engine.bake import bake_command
from nox_buildkit.engine.bake import run as run_bake
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.flags.attestation import Attestation
from nox_buildkit.engine.flags.output import Output
from nox_buildkit.files import scratch, write_atomic
from nox_buildkit.render.bake_definition import DEFINITION
from nox_buildkit.report.console import Reporter

_FILE = "docker-bake.wheels.json"


def keep_wheels(ready: Bake, reporter: Reporter) -> None:
    """Keep the wheels that stages of a bake, which is done, have made. A failure is a warning."""
    forget_unused()
    # buildx exports what one node has made.
    missing = not_kept(ready.plan) if ready.engine.nodes == 1 else []
    if not missing:
        return
    with scratch(ready.folder, "wheels-") as exports:
        targets = _targets(ready.folder, missing, exports)
        write_atomic(ready.folder / _FILE, json.dumps({"target": targets}))
        done = run_bake(
            bake_command(
                ready.engine,
                (_FILE,),
                list(targets),
                metadata_file=exports / "metadata.json",
                allow=ready.allow,
            ),
            cwd=ready.folder,
            env=ready.engine.docker.environment,
            progress=BuildProgress({}),
            on_event=lambda _: None,
        )
        if done.returncode:
            reporter.message("warning: what was compiled is not kept: BuildKit does not export it")
            return
        for wheel in missing:
            keep(wheel, exports / _name(wheel))


def _name(wheel: CompiledWheel) -> str:
    # No image has such a name.
    return f"{wheel.gathered}-OF-{wheel.image.name}"


def _targets(
    folder: Path, wheels: Sequence[CompiledWheel], exports: Path
) -> dict[str, dict[str, Any]]:
    """Return bake targets that export the stages with ``wheels``: all their steps are cached."""
    definition = json.loads((folder / DEFINITION).read_text())["target"]
    override = json.loads((folder / OVERRIDE).read_text())["target"]
    found: dict[str, dict[str, Any]] = {}
    for wheel in wheels:
        name, image = _name(wheel), wheel.image.name
        stated, run = definition[image], override.get(image, {})
        platforms = found.get(name, {}).get("platforms", [])
        found[name] = {
            **{key: stated[key] for key in ("context", "dockerfile", "args")},
            **{key: run[key] for key in ("secret", "network") if key in run},
            "contexts": {**stated["contexts"], **run.get("contexts", {})},
            "target": wheel.gathered,
            "platforms": sorted({*platforms, wheel.platform}),
            "output": [str(Output.files(exports / name))],
            "attest": [str(Attestation("provenance", disabled=True))],
        }
    return found
