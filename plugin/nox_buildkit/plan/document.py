"""A plan as JSON, for programs: ``nox -s plan -- --json``."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import Operation, Requirements
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.stages import Stage

#: Changes when a key is renamed or removed.
VERSION = 1


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the whole plan as JSON values."""
    return {
        "version": VERSION,
        "uv": plan.uv,
        "native": list(plan.native),
        "images": [_image(image) for image in plan.images],
        "ancestors": [_image(image) for image in plan.ancestors],
    }


def _bases(image: ImagePlan) -> dict[str, Any]:
    bases, debian = image.bases, image.debian
    return {
        "base": _value(bases.base),
        "builder": _value(bases.builder),
        "compiler": _value(bases.compiler),
        "step_base": _value(bases.steps),
        "debian": _value(debian.base),
        "apt": list(debian.added),
        "build_apt": list(debian.compiler),
        "step_apt": list(debian.steps),
        "step_debian": _value(debian.step_base),
    }


def _image(image: ImagePlan) -> dict[str, Any]:
    python, packages, application = image.python, image.packages, image.application
    return {
        "name": image.name,
        "generator": image.generator,
        **_bases(image),
        "libc": _value(python.libc),
        "uv": python.uv,
        "python": python.version,
        "lock": python.lock,
        "index": python.index,
        "extra_indexes": list(python.extra_indexes),
        "pure": _value(packages.pure),
        "local": _value(packages.local),
        "platforms": _value(packages.platforms),
        "step_packages": _value(packages.steps),
        "application": _value(application.sources),
        "account": application.account,
        "becomes": application.becomes,
        "writable": application.writable,
        "directories": list(application.directories),
        "files": _value(application.files),
        "taken_files": _value(application.taken),
        "prestart": _value(application.prestart),
        "interpolated": [word for word, _ in application.interpolated],
        "steps": _value(application.steps),
        "build_args": dict(image.build_args),
        "config": _value(image.config),
        "starts": _value(image.starts),
        "tags": [tag.name for tag in image.publication.tags],
        "skipped_tags": _value(image.publication.skipped),
        "repositories": list(image.publication.repositories),
        "references": list(image.references),
        "variants": [_image(variant) for variant in image.variants],
        "stages": [_stage(stage) for stage in image.stages],
        "layers": [layer.kind for layer in image.layers],
        "warnings": list(image.warnings),
        "digest": image.digest,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "title": stage.title,
        "machine": stage.machine,
        "on_target": list(stage.on_target),
        "reads": [
            read.kind if isinstance(read, Requirements) else "surroundings" for read in stage.reads
        ],
        "operations": [_operation(operation) for operation in stage.operations],
        "layer": stage.layer,
    }


def _operation(operation: Operation) -> str:
    return type(operation).__name__


def _value(value: object) -> Any:
    """Return dataclasses and tuples as JSON values."""
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    kind: type = type(value)
    names = _fields(kind)
    return value if names is None else {name: _value(getattr(value, name)) for name in names}


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))
