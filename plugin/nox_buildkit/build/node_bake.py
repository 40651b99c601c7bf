"""The bake of a builder of several nodes: a layout of each, composed to one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nox_buildkit.engine.flags.output import Output
from nox_buildkit.files import private_dir, write_atomic
from nox_buildkit.oci.layout import Layout, compose
from nox_buildkit.plan.plan import Plan
from nox_buildkit.render.bake_definition import DEFINITION
from nox_buildkit.render.node_targets import Part, node_targets

NODES = "docker-bake.nodes.json"


def write_node_targets(plan: Plan, folder: Path, parts: Sequence[Part], override: str) -> None:
    """Write the targets of ``parts`` into ``folder``, with what ``override`` adds to them."""
    stated = json.loads((folder / DEFINITION).read_text())["target"]
    added = json.loads(override)["target"]
    whole = {name: _merged(target, added.get(name, {})) for name, target in stated.items()}
    targets = node_targets(plan, whole)
    images = {image.name: image for image in plan.every_image}
    for part in parts:
        output = Output.layout(exported(folder, part.target), images[part.image].compression)
        targets[part.target]["output"] = [str(output)]
    write_atomic(folder / NODES, json.dumps({"target": targets}, indent=2))


def exported(folder: Path, name: str) -> Path:
    """Return the layout of an image, or of a part of one, below the ``folder`` of a definition."""
    return private_dir(folder / "export") / name


def composed(
    folder: Path, parts: Sequence[Part], metadata: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Compose the layouts of ``parts``; return the digest of each image's index.

    ``metadata``: what buildx tells of each target.
    """
    digests = {}
    for image in dict.fromkeys(part.image for part in parts):
        made = []
        for part in parts:
            if part.image == image:
                digest = metadata[part.target]["containerimage.digest"]
                made.append((Layout(exported(folder, part.target)), digest))
        digests[image] = compose(exported(folder, image), made)
        for layout, digest in made:
            layout.sweep(digest)
    return digests


def _merged(stated: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    contexts = {**stated["contexts"], **added.get("contexts", {})}
    return {**stated, **added, "contexts": contexts}
