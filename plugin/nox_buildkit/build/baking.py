"""Run a plan: render it into a folder of its own, bake, and say what happened."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nox_buildkit.build.caches import Caches
from nox_buildkit.build.compiled_wheels import kept_contexts
from nox_buildkit.build.definition import write_definition
from nox_buildkit.build.network_secrets import network_of
from nox_buildkit.build.node_bake import NODES, composed, write_node_targets
from nox_buildkit.build.project import Project
from nox_buildkit.engine.bake import BakeResult, Update, bake_command
from nox_buildkit.engine.bake import run as run_bake
from nox_buildkit.engine.buildkit import Engine, PlannedEngine
from nox_buildkit.engine.events.cache_faults import fault_of
from nox_buildkit.engine.events.diagnose import Cancelled, LoadedInPart, diagnose, last_lines
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.engine.flags.attestation import Attestation
from nox_buildkit.engine.flags.output import Output
from nox_buildkit.engine.flags.secret import Secret
from nox_buildkit.engine.silence_limit import Patience
from nox_buildkit.environment import ca_bundle
from nox_buildkit.errors import Code, UsageError
from nox_buildkit.files import (
    cache_dir,
    private_dir,
    real_path,
    scratch,
    write_atomic,
)
from nox_buildkit.lock.uv_binary import uv_programs
from nox_buildkit.plan.plan import Plan
from nox_buildkit.project_folder import forget_projects, kept_for
from nox_buildkit.render.bake_definition import DEFINITION, override
from nox_buildkit.render.node_targets import Part, names_of_parts, parts_of
from nox_buildkit.report.console import Reporter, print_lines

OVERRIDE = "docker-bake.override.json"


@dataclass(frozen=True, slots=True)
class Bake:
    """A rendered plan, ready to run: ``folder`` is where buildx runs.

    ``values``: what this run adds to each target, without its ``caches``; ``parts``: what nodes
    make, where there are several.
    """

    plan: Plan
    engine: Engine
    folder: Path
    command: tuple[str, ...]
    values: Mapping[str, Mapping[str, Any]]
    allow: tuple[Allow, ...] = ()
    parts: tuple[Part, ...] = ()
    caches: Caches = field(default_factory=Caches)

    def caching(self, caches: Caches) -> Bake:
        """Return the same with ``caches``, which replace those that it had."""
        values = {name: dict(value) for name, value in self.values.items()}
        for option, entries in (("cache-from", caches.reads), ("cache-to", caches.writes)):
            for name, stated in entries.items():
                values[name][option] = list(stated)
        text = override(values)
        write_atomic(self.folder / OVERRIDE, text)
        if self.parts:
            write_node_targets(self.plan, self.folder, self.parts, text)
        return replace(self, caches=caches)


def work_folder(root: Path, plan: Plan) -> Path:
    """Return the folder of the definition of ``plan``, equal for every run of the same targets."""
    return kept_for(root, json.dumps([[i.name, i.every_platform] for i in plan.images]))


def command_for(
    plan: Plan,
    engine: Engine | PlannedEngine,
    *,
    no_cache: bool = False,
    private: Sequence[str] = (),
) -> list[str]:
    """The exact buildx command of a build; ``private``: folders that this run alone needs."""
    several = engine.nodes > 1
    return bake_command(
        engine,
        (NODES,) if several else (DEFINITION, OVERRIDE),
        [p.target for p in parts_of(plan)] if several else [image.name for image in plan.images],
        metadata_file="metadata.json",
        no_cache=no_cache,
        allow=_allowed(plan, engine, private),
    )


def _allowed(
    plan: Plan, engine: Engine | PlannedEngine, private: Sequence[str]
) -> tuple[Allow, ...]:
    folders = (Allow("fs", path) for path in (*_outside(plan), *private))
    return (*folders, *([Allow("network.host")] if engine.network else []))


@contextlib.contextmanager
def prepared(
    plan: Plan,
    engine: Engine,
    project: Project,
    outputs: Mapping[str, Sequence[Output]],
    caches: Caches,
    *,
    provenance: Mapping[str, str],
    no_cache: bool,
) -> Iterator[Bake]:
    """Render ``plan`` with ``outputs`` and modes of ``provenance`` (by image) for ``engine``.

    What steps get to know of this machine's network is in files for as long as the block takes:
    variables of the buildx process would be those of its children too.
    """
    folder = work_folder(project.root, plan)
    _require_no_at_sign(plan)
    with project.watch.step("definition"):
        forget_projects()
        write_definition(plan, folder, str(uv_programs({*engine.native, *plan.emulated})))
    with scratch(_runtime_dir(), "nox-buildkit-secrets-") as secrets:
        network = network_of(plan)
        (secrets / "network").write_text(network.variables)
        (secrets / "netrc").write_text(network.netrc)
        values = {t.name: _override(engine, outputs.get(t.name, ()), secrets) for t in plan.targets}
        for name, mode in provenance.items():
            values[name]["attest"] = [str(Attestation.provenance(mode))]
        if not no_cache and set(engine.native) == set(plan.native):
            for name, contexts in kept_contexts(plan).items():
                values[name]["contexts"] = contexts
        private = (str(secrets), *caches.folders)
        command = tuple(command_for(plan, engine, no_cache=no_cache, private=private))
        allow = _allowed(plan, engine, private)
        parts = parts_of(plan) if engine.nodes > 1 else ()
        yield Bake(plan, engine, folder, command, values, allow, parts).caching(caches)


def _require_no_at_sign(plan: Plan) -> None:
    """Raise UsageError for a base at a path that buildx would cut at its ``@``."""
    for layout in plan.layouts:
        if "@" in layout.folder:
            message = f"buildx takes the '@' in {layout.folder} for the beginning of a digest"
            raise UsageError(
                Code.PROJECT_PATH(message, "set NOX_BUILDKIT_CACHE to a folder without it")
            )


def bake(ready: Bake, reporter: Reporter) -> tuple[BakeResult, dict[str, str]]:
    """Run it; return the result and the digest of each image's index.

    Raises BuildError, after the end of the failed step's log was shown; CacheFault; Cancelled;
    LoadedInPart.
    """
    targets = {target.name: target.every_platform for target in ready.plan.targets}
    parts = names_of_parts(ready.plan) if ready.parts else {}
    progress = BuildProgress(targets, parts, ready.plan.emulated)
    patience = Patience.of_environment(reporter.message)

    def look(update: Update) -> None:
        reporter.event(update)
        patience.look(update)

    (ready.folder / "metadata.json").unlink(missing_ok=True)
    env, where = ready.engine.docker.environment, ready.folder
    result = run_bake(ready.command, cwd=where, env=env, progress=progress, on_event=look)
    if result.returncode:
        if fault := fault_of(result.progress, result.text):
            raise fault
        builder = "" if ready.engine.private else ready.engine.builder
        error = diagnose(result.progress, result.text, builder)
        if not isinstance(error, Cancelled | LoadedInPart):
            reporter.close()
            print_lines(reporter, "the step's last lines:", last_lines(result.progress))
        raise error
    return result, _digests(ready)


def _digests(ready: Bake) -> dict[str, str]:
    """Return the digest of the index of each image that was exported."""
    metadata = json.loads((ready.folder / "metadata.json").read_text())
    if ready.parts:
        return composed(ready.folder, ready.parts, metadata)
    return {i.name: metadata[i.name]["containerimage.digest"] for i in ready.plan.images}


def _override(engine: Engine, outputs: Sequence[Output], secrets: Path) -> dict[str, Any]:
    files = {"network": secrets / "network", "netrc": secrets / "netrc"}
    if bundle := ca_bundle():
        files["ca-bundle"] = Path(bundle)
    values: dict[str, Any] = {
        "secret": [str(Secret(name, str(path))) for name, path in files.items()]
    }
    if outputs:
        values["output"] = [str(output) for output in outputs]
    if engine.network:
        values["network"] = engine.network
    return values


def _runtime_dir() -> Path:
    """A folder of this user alone, in memory where the system has one such."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    for folder in (named, "/run"):
        # Others may write to neither (XDG base directory specification).
        if folder and os.access(folder, os.W_OK) and not Path(folder).stat().st_mode & stat.S_IWOTH:
            return real_path(Path(folder))
    return private_dir(cache_dir() / "run")


def _outside(plan: Plan) -> list[str]:
    """Folders that the definition names outside of its own."""
    paths = {target.application.sources.folder for target in plan.targets}
    paths |= {str(real_path(Path(layout.folder))) for layout in plan.layouts}
    paths.add(str(real_path(cache_dir())))
    if bundle := ca_bundle():
        paths.add(bundle)
    return sorted(paths)
