"""Layers that a build would make again, as a tree below the plan of an image."""

from __future__ import annotations

from rich.console import Console

from nox_buildkit.plan.layer_inputs import CONFIGURATION
from nox_buildkit.report.layer_changes import Explanation, sentences, weight
from nox_buildkit.report.tree import Tree


def print_changes(console: Console, image: str, explanation: Explanation) -> None:
    """Print which layers are made again, and why."""
    tree = Tree(f"{image}, compared with {explanation.since}")
    layers = explanation.layers
    for layer in layers:
        if layer.changes:
            again = "is another one" if layer.kind == CONFIGURATION else "is made again"
            branch = tree.add(f"{layer.title} {again}")
            for line in sentences(layer, explanation.places):
                branch.add(line)
    if kept := [e.title for e in layers if not e.changes and e.kind != CONFIGURATION]:
        tree.add(f"from the cache: {', '.join(kept)}")
    if any(layer.changes for layer in layers):
        for line in weight(explanation):
            tree.add(f"weight {line}")
    else:
        tree.add("nothing changed")
    tree.print(console)
