"""Reasons for which layers of a plan are made again: compared with the last build, or a commit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from nox_buildkit.build import records
from nox_buildkit.build.changes import plan_at, plan_of
from nox_buildkit.build.last_inputs import last_inputs, remember_inputs
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.errors import Location
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.layer_changes import LayerChange, causes, layer_changes
from nox_buildkit.plan.layer_inputs import CONFIGURATION, LayerInputs, layer_inputs
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.report.layer_changes import Explanation, Places, layer_line
from nox_buildkit.results import record

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*) ?(?:==|@)")
#: Keys of the spec that state an input, by its kind: env.NAME, labels.NAME, or the key itself.
_SETTINGS = ("entrypoint", "command", "user", "workdir", "expose", "volumes", "healthcheck")


def explain(
    project: Project, plan: Plan, reference: str | None, selection: Selection, report: Progress
) -> dict[str, Explanation]:
    """Return the explanation of each target of ``plan`` that there is something to compare with.

    ``reference``: a commit; else the last build of the project on this machine. Raises UsageError
    for what is no commit, and what planning raises.
    """
    if reference is None:
        since, now = "the last build here", plan
        then = {n: x for i in plan.images for n, x in last_inputs(project.root, i).items()}
    else:
        since, now = reference, plan_of(project, report)
        before = plan_at(project, reference, selection, report)
        then = {t.name: layer_inputs(t) for t in before.targets} if before else {}
    asked = {target.name for target in plan.targets}
    sizes = _last_sizes(project)
    return {
        target.name: Explanation(
            since,
            _changes(then[target.name], layer_inputs(target)),
            places_of(project.spec, project.root, name, target),
            {p: sizes[name, p] for p in target.platforms if (name, p) in sizes},
        )
        for image in now.every_image
        for name, target in ((image.name, target) for target in image.targets)
        if target.name in then and target.name in asked
    }


def _last_sizes(project: Project) -> dict[tuple[str, str], int]:
    """Return the compressed size of each image on each platform, as it was built last."""
    known = records.read(project.root / "dist" / record.BUILD)
    return {
        (name, one.platform): one.size
        for name, each in known.items()
        for one in each.result.platforms
    }


def _changes(
    then: tuple[LayerInputs, ...], now: tuple[LayerInputs, ...]
) -> tuple[LayerChange, ...]:
    return causes(layer_changes(then, now))


def tell_and_remember(project: Project, plan: Plan, tell: Callable[[str], None]) -> None:
    """Tell a line for each layer of ``plan`` that was made again, and why; write down its inputs.

    To be called when ``plan`` is built. Of what was never built here nothing is told.
    """
    for image in plan.every_image:
        then = last_inputs(project.root, image)
        # Once: a context may have a hundred thousand files.
        now = {target.name: layer_inputs(target) for target in image.targets}
        for target in image.targets:
            if target.name in then:
                places = places_of(project.spec, project.root, image.name, target)
                for layer in _changes(then[target.name], now[target.name]):
                    if layer.changes and layer.kind != CONFIGURATION:
                        tell(f"{target.name}: {layer_line(layer, places)}")
        remember_inputs(project.root, image, now)


def places_of(spec: BuildSpec, root: Path, image: str, target: ImagePlan) -> Places:
    """Return where the inputs of a target of ``image`` are stated."""
    lock = target.python.lock or ""
    return Places(lock, _lines(root / lock) if lock else {}, _keys(spec, image, target))


def _lines(lock: Path) -> dict[str, int]:
    """Return the line of each package in a lock."""
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found = ((number, _PIN.match(line)) for number, line in enumerate(lines, 1))
    return {match["name"]: number for number, match in found if match}


def _keys(spec: BuildSpec, image: str, target: ImagePlan) -> dict[tuple[str, str], Location]:
    return {
        key: Location(os.path.relpath(at.file), at.line, at.column)
        for key, at in _locations(spec, image, target)
        if at
    }


def _locations(
    spec: BuildSpec, image: str, target: ImagePlan
) -> Iterator[tuple[tuple[str, str], Location | None]]:
    top = spec.location("images", image)
    for kind, key, pairs in (
        ("env", "env", target.config.env),
        ("argument", "args", target.build_args),
        ("label", "labels", target.config.labels),
    ):
        whole = spec.location("images", image, key)
        for name, _ in pairs:
            at = spec.location("images", image, key, name)
            # The nearest place there is would be that of something else.
            if at not in (whole, top):
                yield (kind, name), at
    for setting in _SETTINGS:
        at = spec.location("images", image, setting)
        if at != top:
            yield ("setting", setting), at
