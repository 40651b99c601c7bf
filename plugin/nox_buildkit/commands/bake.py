"""Run a plan: render it into a folder of its own, bake, and say what happened."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.commands.network import network_of
from nox_buildkit.commands.project import forget_projects, kept_for
from nox_buildkit.engine.bake import BakeResult, bake_command
from nox_buildkit.engine.bake import run as run_bake
from nox_buildkit.engine.diagnose import diagnose, last_lines
from nox_buildkit.engine.model import Engine, PlannedEngine
from nox_buildkit.engine.progress import Progress
from nox_buildkit.facts.bases import layout_folder
from nox_buildkit.files import cache_dir, remove, write_atomic
from nox_buildkit.lock.program import uv_programs
from nox_buildkit.plan.model import Plan
from nox_buildkit.render.bake import DEFINITION, copies, override, render
from nox_buildkit.report.console import Reporter, print_lines

OVERRIDE = "docker-bake.override.json"

#: Variables of the buildx process that hold secrets.
_NETWORK, _NETRC = "NOX_BUILDKIT_NETWORK", "NOX_BUILDKIT_NETRC"
_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


@dataclass(frozen=True, slots=True)
class Bake:
    """A rendered plan, ready to run: ``folder`` is where buildx runs."""

    plan: Plan
    engine: Engine
    folder: Path
    command: tuple[str, ...]


def work_folder(root: Path, plan: Plan) -> Path:
    """Where the definition of ``plan`` is rendered: the same for every run of the same targets."""
    return kept_for(root, json.dumps([[i.name, i.every_platform] for i in plan.images]))


def command_for(
    plan: Plan, engine: Engine | PlannedEngine, folder: Path, *, no_cache: bool = False
) -> list[str]:
    """The exact buildx command of a build."""
    allow = [f"fs={path}" for path in _outside(plan, folder)]
    if engine.network:
        allow.append(f"network.{engine.network}")
    return bake_command(
        engine,
        (DEFINITION, OVERRIDE),
        [image.name for image in plan.images],
        metadata_file="metadata.json",
        no_cache=no_cache,
        allow=allow,
    )


def prepare(
    plan: Plan, engine: Engine, root: Path, outputs: Mapping[str, Sequence[str]], *, no_cache: bool
) -> Bake:
    """Render ``plan`` with ``outputs`` (buildx --output values by image) for ``engine``."""
    folder = work_folder(root, plan)
    forget_projects()
    write_definition(plan, folder, {"uv": str(uv_programs({*engine.native, *plan.emulated}))})
    values = {t.name: _override(engine, outputs.get(t.name, ())) for t in plan.targets}
    write_atomic(folder / OVERRIDE, override(values))
    return Bake(plan, engine, folder, tuple(command_for(plan, engine, folder, no_cache=no_cache)))


def write_definition(plan: Plan, folder: Path, contexts: Mapping[str, str]) -> None:
    """Write the files of the definition into ``folder``, and remove what an earlier plan left."""
    remove(folder / "inputs")
    rendered = render(plan, str(folder), contexts)
    for pattern in ("*.Dockerfile", "*.Dockerfile.dockerignore"):
        for old in folder.glob(pattern):
            if old.name not in rendered:
                old.unlink()
    for name, text in rendered.items():
        write_atomic(folder / name, text)
    for name, path in copies(plan).items():
        write_atomic(folder / name, Path(path).read_bytes())


def bake(prepared: Bake, reporter: Reporter) -> tuple[BakeResult, dict[str, str]]:
    """Run it; return the result and the digest of each image's index.

    Raises BuildError, after the end of the failed step's log was shown.
    """
    reporter_progress = Progress(
        {target.name: target.every_platform for target in prepared.plan.targets}
    )
    (prepared.folder / "metadata.json").unlink(missing_ok=True)
    result = run_bake(
        prepared.command,
        cwd=prepared.folder,
        env=_environment(prepared.plan),
        progress=reporter_progress,
        on_event=reporter.event,
    )
    if result.returncode:
        reporter.close()
        print_lines(reporter, "the step's last lines:", last_lines(result.progress))
        raise diagnose(result.progress, result.text)
    metadata = json.loads((prepared.folder / "metadata.json").read_text())
    return result, {
        image.name: metadata[image.name]["containerimage.digest"] for image in prepared.plan.images
    }


def _override(engine: Engine, outputs: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"secret": _secrets()}
    if outputs:
        values["output"] = list(outputs)
    if engine.network:
        values["network"] = engine.network
    return values


def _secrets() -> list[str]:
    secrets = [f"type=env,id=network,env={_NETWORK}", f"type=env,id=netrc,env={_NETRC}"]
    if bundle := _ca_bundle():
        secrets.append(f'type=file,id=ca-bundle,"src={bundle}"')
    return secrets


def _ca_bundle() -> str | None:
    named = os.environ.get("SSL_CERT_FILE")
    # buildx runs in another folder than the user.
    files = (os.path.abspath(path) for path in (named, *_CA_BUNDLES) if path)  # noqa: PTH100
    return next((path for path in files if Path(path).is_file()), None)


def _environment(plan: Plan) -> dict[str, str]:
    # buildx would make a build argument of SOURCE_DATE_EPOCH, and with it every layer new.
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    network = network_of(plan)
    return {**environment, _NETWORK: network.variables, _NETRC: network.netrc}


def _outside(plan: Plan, folder: Path) -> list[str]:
    """Folders that the definition names outside of its own."""
    paths = {target.application.folder for target in plan.targets}
    bases = [base for target in plan.targets for base in target.bases.values()]
    paths |= {str(found) for base in bases if (found := layout_folder(base.context))}
    paths.add(str(cache_dir()))
    if bundle := _ca_bundle():
        paths.add(bundle)
    return sorted(paths)
