"""A plan as a bake definition (docker-bake.json) with the files that it names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nox_buildkit.engine.flags.attestation import Attestation
from nox_buildkit.engine.flags.output import Output, compressed
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.oci.content import Compression
from nox_buildkit.plan.application import NEVER
from nox_buildkit.plan.base import (
    Base,
    BaseSource,
    DebianRelease,
    LayoutImage,
    PlannedImage,
    RegistryImage,
)
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.dockerfile import dockerfile
from nox_buildkit.render.inputs import Copied, folders, scripts
from nox_buildkit.render.quote import bake_string
from nox_buildkit.render.scripts.layer import EPOCH
from nox_buildkit.render.stage import variant_context

DEFINITION = "docker-bake.json"


def render(
    plan: Plan, folder: str, uv: str, layouts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Every file of the definition: path below ``folder`` → text.

    ``folder`` is where the files are going to lie and bake is going to run; paths in them are
    relative to it. ``uv``: the folder with the uv programs; ``layouts``: folder of an OCI layout in
    the plan → where it is for the build, if elsewhere.
    """
    rendered = {f"inputs/{name}": text for name, text in scripts().items()}
    for image in plan.targets:
        rendered[f"{image.name}.Dockerfile"] = dockerfile(image)
        rendered[f"{image.name}.Dockerfile.dockerignore"] = ignore_file(
            image.application.sources.ignored
        )
        for read in folders(image):
            rendered |= {f"inputs/{read.name}/{name}": text for name, text in read.texts.items()}
    rendered[DEFINITION] = _json(
        {
            "group": {
                **{name: {"targets": list(images)} for name, images in plan.groups},
                "default": {"targets": [image.name for image in plan.images]},
            },
            "target": {
                image.name: _target(image, folder, uv, layouts or {}) for image in plan.targets
            },
        }
    )
    return rendered


def copies(plan: Plan) -> dict[str, Copied]:
    """Files of the definition that lie on this machine, by their path below its folder."""
    return {
        f"inputs/{read.name}/{name}": copied
        for image in plan.targets
        for read in folders(image)
        for name, copied in read.copies.items()
    }


def override(values: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the additions of one run or machine (outputs, secrets, network), by target."""
    return _json({"target": {name: _escaped(dict(value)) for name, value in values.items()}})


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return bake_string(value)
        case dict():
            return {key: _escaped(item) for key, item in value.items()}
        case list():
            return [_escaped(item) for item in value]
    return value


def _target(image: ImagePlan, folder: str, uv: str, layouts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "context": bake_string(_relative(image.application.sources.folder, folder)),
        "dockerfile": bake_string(_dockerfile_path(image, folder)),
        "contexts": {
            **{
                name: bake_string(context)
                for stage, base in _images(image).items()
                for name, context in _contexts(stage, base.source, layouts).items()
            },
            **{variant_context(variant): f"target:{variant.name}" for variant in image.variants},
            "inputs": "inputs",
            "uv": bake_string(uv),
        },
        "args": {
            # An index also of one platform, so that the result has one shape.
            "BUILDKIT_MULTI_PLATFORM": "1",
            "SOURCE_DATE_EPOCH": str(EPOCH),
            "WORKDIR": bake_string(image.config.workdir),
        },
        "platforms": list(image.every_platform),
        "tags": [bake_string(reference) for reference in image.references],
        **_exporter(image.compression),
        # Provenance would make an index of every image and put the time into it.
        "attest": [str(Attestation("provenance", disabled=True))],
    }


def _exporter(compression: Compression) -> dict[str, Any]:
    """Return the exporter that is not every builder's own; bake's --push leaves its attributes."""
    if compression == "gzip":
        return {}
    fields = (("oci-mediatypes", "true"), *compressed(compression))
    return {"output": [str(Output("image", fields))]}


def _images(image: ImagePlan) -> dict[str, Base]:
    """Return every image that stages of ``image`` begin with, by the name of its context."""
    taken = {f"from-{number}": base for base, number in image.application.taken_images.items()}
    return {**image.bases.named, **taken}


def _contexts(name: str, source: BaseSource, layouts: Mapping[str, str]) -> dict[str, str]:
    """Return the bake contexts of the base ``name`` (docker/buildx, docs/bake-reference.md)."""
    match source:
        case RegistryImage(repository, digest):
            return {name: f"docker-image://{repository}@{digest}"}
        case LayoutImage(folder, digest, manifests):
            layout = f"oci-layout://{layouts.get(folder, folder)}"
            # Each platform by itself: a build of some of them finds what a build of others made.
            # BuildKit's keys are of the digest that is named (frontend/dockerui, namedcontext.go).
            return {
                name: f"{layout}@{digest}",
                **{f"{name}::{platform}": f"{layout}@{one}" for platform, one in manifests},
            }
        case PlannedImage(target):
            return {name: f"target:{target}"}
        case DebianRelease(suite):
            raise PlanError(
                Code.BASE_ASSEMBLY(f"the base of Debian's release {suite} is not assembled")
            )


def _dockerfile_path(image: ImagePlan, folder: str) -> str:
    # bake looks for the Dockerfile relative to the context.
    return os.path.relpath(f"{folder}/{image.name}.Dockerfile", image.application.sources.folder)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder)


def ignore_file(paths: Sequence[str]) -> str:
    """A .dockerignore of what never belongs, and of ``paths`` to the letter."""
    never = "".join(f"**/{name}\n" for name in NEVER)
    return never + "".join(f"/{_literal(path)}\n" for path in paths)


def _literal(path: str) -> str:
    escaped = "".join(f"\\{c}" if c in "\\*?[]^!" else c for c in path)
    # A line break would end the pattern, and white space at its ends would be trimmed.
    one_line = re.sub(r"[\x00-\x1f\x7f]", "?", escaped)
    return re.sub(r"^\s|\s$", lambda space: f"[{space[0]}]", one_line)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
