"""A plan as JSON, for programs: ``nox -s plan -- --json``."""

from __future__ import annotations

from typing import Any

from nox_buildkit.plan.identity import json_value
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
        "base": json_value(bases.base),
        "builder": json_value(bases.builder),
        "compiler": json_value(bases.compiler),
        "step_base": json_value(bases.steps),
        "cross": {platform: json_value(base) for platform, base in bases.cross},
        "debian": json_value(debian.base),
        "apt": list(debian.added),
        "build_apt": list(debian.compiler),
        "step_apt": list(debian.steps),
        "step_debian": json_value(debian.step_base),
    }


def _publication(image: ImagePlan) -> dict[str, Any]:
    return {
        "tags": [tag.name for tag in image.publication.tags],
        "skipped_tags": json_value(image.publication.skipped),
        "repositories": list(image.publication.repositories),
        "references": list(image.references),
    }


def _image(image: ImagePlan) -> dict[str, Any]:
    python, packages, application = image.python, image.packages, image.application
    return {
        "name": image.name,
        "generator": image.generator,
        **_bases(image),
        "libc": json_value(python.libc),
        "uv": python.uv,
        "python": python.version,
        "lock": python.lock,
        "index": python.index,
        "extra_indexes": list(python.extra_indexes),
        "pure": json_value(packages.pure),
        "local": json_value(packages.local),
        "platforms": json_value(packages.platforms),
        "compilations": json_value(image.compilations),
        "step_packages": json_value(packages.steps),
        "application": json_value(application.sources),
        "account": application.account,
        "becomes": application.becomes,
        "writable": application.writable,
        "directories": list(application.directories),
        "files": json_value(application.files),
        "taken_files": json_value(application.taken),
        "prestart": json_value(application.prestart),
        "interpolated": [word for word, _ in application.interpolated],
        "steps": json_value(application.steps),
        "build_args": dict(image.build_args),
        "config": json_value(image.config),
        "starts": json_value(image.starts),
        **_publication(image),
        "compression": image.compression,
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
