"""Contents of some files of an image, from its layers."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path

from nox_buildkit.oci.layer_archive import open_layer
from nox_buildkit.oci.root_file_system import Tree


def read_files(layers: Sequence[Path], wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the regular files whose absolute paths are ``wanted``, as a container sees them.

    ``layers``: compressed tar files named by their digests, the lowest first. Raises OSError,
    tarfile.TarError.
    """
    tree = Tree(layers)
    present = [path for path in tree.entries if wanted(path)]
    found: dict[str, bytes] = {}
    for layer in layers if present else ():
        with open_layer(layer) as tar:
            for member in tar:
                path = posixpath.normpath(f"/{member.name}")
                stream = tar.extractfile(member) if member.isreg() and wanted(path) else None
                if stream:
                    found[path] = stream.read()
    return {path: found[path] for path in present if path in found}
