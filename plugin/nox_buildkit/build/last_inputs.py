"""Inputs of each image when it was built last, kept for the project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import private_dir
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.layer_inputs import Input, LayerInputs
from nox_buildkit.project_folder import kept_for


def remember_inputs(
    root: Path, image: ImagePlan, inputs: Mapping[str, tuple[LayerInputs, ...]]
) -> None:
    """Write down the ``inputs`` of each target of ``image``, which the project ``root`` built."""
    value = {name: _to_json(layers) for name, layers in inputs.items()}
    write_cached(_place(root, image.name), value)


def last_inputs(root: Path, image: ImagePlan) -> dict[str, tuple[LayerInputs, ...]]:
    """Return what ``image`` was built of last, by target; empty if that is not known."""
    found = read_cached(_place(root, image.name)) or {}
    try:
        return {name: tuple(map(_of_json, layers)) for name, layers in found.items()}
    except (TypeError, ValueError, KeyError):
        # As another version wrote it.
        return {}


def _place(root: Path, name: str) -> Path:
    return private_dir(kept_for(root, "inputs")) / f"{name}.json"


def _to_json(layers: tuple[LayerInputs, ...]) -> list[dict[str, object]]:
    return [{"title": e.title, "kind": e.kind, "inputs": e.inputs} for e in layers]


def _of_json(value: dict[str, object]) -> LayerInputs:
    inputs = value["inputs"]
    if not isinstance(inputs, list):
        raise TypeError
    return LayerInputs(str(value["title"]), str(value["kind"]), tuple(Input(*e) for e in inputs))
