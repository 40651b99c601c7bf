"""`defaults` under every image, and each image under its platforms.

It happens before anything is validated, so that positions stay true.
"""

from __future__ import annotations

from dataclasses import replace

from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.model.strict import key_of
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.buildspec.reading.yaml_reader import MAX_NODES
from nox_buildkit.buildspec.tree import Node
from nox_buildkit.errors import Code, Problem

_MERGED = ("env", "args", "labels", "per-platform")

#: What an image has for all of its platforms.
_WHOLE = frozenset(map(key_of, Image.model_fields.keys() - Variant.model_fields.keys()))


def inherit(tree: Node) -> tuple[Node, list[Problem]]:
    """Complete each image: its own key wins, `env`, `args` and `labels` are merged by name."""
    defaults, images = tree.find(["defaults"]), tree.find(["images"])
    if not (images and isinstance(images.value, dict) and isinstance(tree.value, dict)):
        return tree, []
    common = defaults.value if defaults and isinstance(defaults.value, dict) else {}
    size = sum(map(_size, common.values()))
    complete = {}
    total = 0
    for name, image in images.value.items():
        platforms = len(_mapping(image, "per-platform") | _mapping(defaults, "per-platform"))
        total += (size + _size(image)) * (1 + platforms)
        if total > MAX_NODES:
            message = f"too many values for {len(images.value)} images; at most {MAX_NODES} in all"
            return tree, [Code.CONTRADICTION(message, "", tree.locate(["defaults"], key=True))]
        complete[name] = _on_platforms(_completed(image, common))
    return replace(tree, value={**tree.value, "images": replace(images, value=complete)}), []


def _mapping(node: Node | None, key: str) -> dict[str, Node]:
    inner = node.child(key) if node else None
    return inner.value if inner and isinstance(inner.value, dict) else {}


def _on_platforms(image: Node) -> Node:
    """``image`` with all of its keys under those that are different on a platform."""
    if not (isinstance(image.value, dict) and _mapping(image, "per-platform")):
        return image
    common = {key: node for key, node in image.value.items() if key not in _WHOLE}
    platforms = image.value["per-platform"]
    complete = {
        platform: _completed(node, common)
        for platform, node in _mapping(image, "per-platform").items()
    }
    return replace(image, value={**image.value, "per-platform": replace(platforms, value=complete)})


def _completed(image: Node, defaults: dict[str, Node]) -> Node:
    if not isinstance(image.value, dict):
        return image
    value = {**defaults, **image.value}
    for key in _MERGED:
        own, common = image.value.get(key), defaults.get(key)
        if own and common and isinstance(own.value, dict) and isinstance(common.value, dict):
            inner = own.value
            if key == "per-platform":
                inner = {
                    name: _completed(node, _mapping(common, name)) for name, node in inner.items()
                }
            value[key] = replace(own, value={**common.value, **inner})
    return replace(image, value=value)


def _size(node: Node) -> int:
    if isinstance(node.value, dict):
        return 1 + sum(map(_size, node.value.values()))
    return 1 + sum(map(_size, node.value)) if isinstance(node.value, tuple) else 1
