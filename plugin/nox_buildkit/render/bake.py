"""A plan as a bake definition (docker-bake.json) with the files that it names."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from nox_buildkit.plan.model import NEVER, ImagePlan, Package, Plan, with_group
from nox_buildkit.plan.platforms import PLATFORMS
from nox_buildkit.render.dockerfile import PRESTART, dockerfile
from nox_buildkit.render.layer import EPOCH
from nox_buildkit.render.quote import bake_string

DEFINITION = "docker-bake.json"

#: Folder, below the inputs, of what no index has: a folder for each file, named by its digest.
WHEELS = "wheels"

#: Folder, below the inputs, of files that are placed somewhere, named by their digests.
FILES = "files"


def render(plan: Plan, folder: str, contexts: Mapping[str, str]) -> dict[str, str]:
    """Every file of the definition: path below ``folder`` → text.

    ``folder`` is where the files are going to lie and bake is going to run; paths in them are
    relative to it. ``contexts``: the bake context of ``uv`` and of each base, by its plan's URL.
    """
    rendered = {"inputs/layer.py": _script("layer.py")}
    if any("compiler" in image.bases for image in plan.images):
        rendered["inputs/wheels.py"] = _script("wheels.py")
    if any(image.has_surroundings for image in plan.images):
        rendered["inputs/surroundings.py"] = _script("surroundings.py")
    for image in plan.images:
        rendered[f"{image.name}.Dockerfile"] = dockerfile(image)
        rendered[f"{image.name}.Dockerfile.dockerignore"] = _ignore(image.application.ignored)
        rendered |= _requirements(image)
        if image.has_surroundings:
            rendered |= _surroundings(image)
    rendered[DEFINITION] = _json(
        {
            "group": {"default": {"targets": [image.name for image in plan.images]}},
            "target": {image.name: _target(image, folder, contexts) for image in plan.images},
        }
    )
    return rendered


def handed_over(package: Package) -> str:
    """Where the build finds the file of a ``package`` that no index has, below the inputs."""
    return f"{WHEELS}/{package.sha256}/{package.filename}"


def override(values: Mapping[str, Mapping[str, Any]]) -> str:
    """What one run or one machine adds to the definition (outputs, secrets, network), by target."""
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


def _target(image: ImagePlan, folder: str, contexts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "context": bake_string(_relative(image.application.folder, folder)),
        "dockerfile": bake_string(_dockerfile_path(image, folder)),
        "contexts": {
            **{
                name: bake_string(contexts.get(base.context, base.context))
                for name, base in image.bases.items()
            },
            "inputs": "inputs",
            "uv": bake_string(contexts["uv"]),
        },
        "args": {
            # An index also of one platform, so that the result has one shape.
            "BUILDKIT_MULTI_PLATFORM": "1",
            "SOURCE_DATE_EPOCH": str(EPOCH),
            "WORKDIR": bake_string(image.config.workdir),
        },
        "platforms": [platform.platform for platform in image.platforms],
        "tags": [bake_string(reference) for reference in image.references],
        # Provenance would make an index of every image and put the time into it.
        "attest": ["type=provenance,disabled=true"],
    }


def _dockerfile_path(image: ImagePlan, folder: str) -> str:
    # bake looks for the Dockerfile relative to the context.
    return os.path.relpath(f"{folder}/{image.name}.Dockerfile", image.application.folder)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder)


def _requirements(image: ImagePlan) -> dict[str, str]:
    texts = {}
    if image.step_packages:
        texts["steps.txt"] = _pinned([p for p in image.step_packages if not p.compiled])
        texts["steps.sdists.txt"] = _pinned([p for p in image.step_packages if p.compiled])
    if image.compiled_everywhere:
        texts["sdists.txt"] = _pinned(image.compiled_everywhere)
    if image.has_packages:
        texts["pure.txt"] = _pinned(image.pure)
    if image.has_native:
        for platform in image.platforms:
            name = f"linux-{PLATFORMS[platform.platform].architecture}"
            texts[f"{name}.txt"] = _pinned([p for p in platform.packages if not p.compiled])
            if image.compiling:
                compiled = [p for p in platform.packages if p.compiled]
                texts[f"{name}.sdists.txt"] = _pinned(compiled)
    return {f"inputs/{image.name}/{name}": text for name, text in texts.items()}


def _surroundings(image: ImagePlan) -> dict[str, str]:
    """What the surroundings are made of, as the script reads it, and the prestart program."""
    owner = with_group(image.config.user)
    placed = [
        {
            "source": f"{FILES}/{file.digest}",
            "target": file.target,
            "mode": file.mode,
            "owner": file.owner,
        }
        for file in image.files
    ]
    rendered = {}
    if image.prestart:
        folder = posixpath.dirname(PRESTART)
        rendered["prestart.py"] = _script("prestart.py")
        rendered["prestart.json"] = _json(image.prestart)
        placed += [
            {
                "source": f"{image.name}/{name}",
                "target": f"{folder}/{name}",
                "mode": "0644",
                "owner": "0:0",
            }
            for name in rendered
        ]
    rendered["surroundings.json"] = _json(
        {
            "user": owner if image.names_user else None,
            "directories": [{"path": path, "owner": owner} for path in image.directories],
            "files": placed,
            "time": EPOCH,
        }
    )
    return {f"inputs/{image.name}/{name}": text for name, text in rendered.items()}


def _pinned(packages: Sequence[Package]) -> str:
    """One file a package: the hash leaves an installer no choice."""
    return "".join(f"{_requirement(p)} --hash=sha256:{p.sha256}\n" for p in packages)


def _requirement(package: Package) -> str:
    if package.path:
        return f"{package.name} @ file:///run/inputs/{handed_over(package)}"
    if package.url:
        return f"{package.name} @ {package.url}"
    return f"{package.name}=={package.version}"


def _ignore(paths: Sequence[str]) -> str:
    """A .dockerignore of what never belongs, and of ``paths`` to the letter."""
    never = "".join(f"**/{name}\n" for name in NEVER)
    return never + "".join(f"/{_literal(path)}\n" for path in paths)


def _literal(path: str) -> str:
    escaped = "".join(f"\\{c}" if c in "\\*?[" else c for c in path)
    # White space at the end would be trimmed, and a line break would end the pattern.
    body = escaped.rstrip()
    return re.sub(r"[\x00-\x1f\x7f]", "?", body) + "?" * (len(escaped) - len(body))


def _script(name: str) -> str:
    return files("nox_buildkit.render").joinpath(name).read_text()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
