"""The builder of a spec, as a value for the engine."""

from __future__ import annotations

from pathlib import Path

from nox_buildkit.buildspec.model.builder import Builder, Node, Tls
from nox_buildkit.engine.stated_builder import StatedBuilder, StatedNode


def stated_builder(builder: Builder | str | None, root: Path) -> StatedBuilder | str | None:
    """Return ``builder`` with paths that do not depend on the current folder; a name as it is."""
    if not isinstance(builder, Builder):
        return builder
    nodes = tuple(_node(node, root) for node in builder.nodes)
    return StatedBuilder(builder.name, builder.driver, nodes)


def _node(node: Node, root: Path) -> StatedNode:
    options = {**node.driver_opts, **(_certificates(node.tls, root) if node.tls else {})}
    return StatedNode(node.endpoint or "", node.platforms, tuple(options.items()))


def _certificates(tls: Tls, root: Path) -> dict[str, str]:
    """Return the options of buildx's driver ``remote``."""
    paths = {"cacert": tls.ca, "cert": tls.cert, "key": tls.key}
    found = {name: str((root / path).absolute()) for name, path in paths.items()}
    return {**found, **({"servername": tls.server_name} if tls.server_name else {})}
