"""Contents of some files of an image, from its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nox_buildkit.oci.layer_archive import open_layer, path_of
from nox_buildkit.oci.root_file_system import Tree


def read_files(layers: Sequence[Path], wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the regular files whose absolute paths are ``wanted``, as a container sees them.

    ``layers``: compressed tar files named by their digests, the lowest first. Raises OSError,
    tarfile.TarError.
    """
    return contents_of(Tree(layers), layers, wanted)


def contents_of(
    tree: Tree, layers: Sequence[Path], wanted: Callable[[str], bool]
) -> dict[str, bytes]:
    """Return the same of a ``tree`` that was made of ``layers``."""
    present = [
        path
        for path, entry in tree.entries.items()
        if wanted(path) and not entry.folder and not entry.link
    ]
    found: dict[str, bytes] = {}
    for layer, moved in zip(layers, tree.moved, strict=True) if present else ():
        with open_layer(layer) as tar:
            for member in tar:
                path = path_of(member)
                path = moved.get(path, path)
                stream = tar.extractfile(member) if member.isreg() and wanted(path) else None
                if stream:
                    found[path] = stream.read()
    return {path: found[path] for path in present if path in found}
