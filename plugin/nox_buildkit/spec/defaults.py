"""`defaults` under every image, before anything is validated, so that positions stay true."""

from __future__ import annotations

from dataclasses import replace

from nox_buildkit.errors import Problem
from nox_buildkit.spec.marks import MAX_NODES
from nox_buildkit.spec.tree import Node

_MERGED = ("env", "labels")


def inherit(tree: Node) -> tuple[Node, list[Problem]]:
    """Complete each image: its own key wins, `env` and `labels` are merged name by name."""
    defaults, images = tree.find(["defaults"]), tree.find(["images"])
    if not (defaults and images and isinstance(tree.value, dict)):
        return tree, []
    if not (isinstance(defaults.value, dict) and isinstance(images.value, dict)):
        return tree, []
    if _size(defaults) * len(images.value) > MAX_NODES:
        message = f"too many values for {len(images.value)} images; at most {MAX_NODES} in all"
        return tree, [Problem(message, "", tree.locate(["defaults"], key=True))]
    complete = {name: _completed(image, defaults.value) for name, image in images.value.items()}
    return replace(tree, value={**tree.value, "images": replace(images, value=complete)}), []


def _completed(image: Node, defaults: dict[str, Node]) -> Node:
    if not isinstance(image.value, dict):
        return image
    value = {**defaults, **image.value}
    for key in _MERGED:
        own, common = image.value.get(key), defaults.get(key)
        if own and common and isinstance(own.value, dict) and isinstance(common.value, dict):
            value[key] = replace(own, value={**common.value, **own.value})
    return replace(image, value=value)


def _size(node: Node) -> int:
    if isinstance(node.value, dict):
        return 1 + sum(map(_size, node.value.values()))
    return 1 + sum(map(_size, node.value)) if isinstance(node.value, tuple) else 1
