"""The comparison of built files with the plan.

BuildKit reads the files of a context after the plan was made of them, and takes a file for
unchanged whose size and time are those of an earlier build. So the layers are compared with the
plan, and not the folder.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nox_buildkit.facts.build_context import SourceKind, sha256_of, source_digest
from nox_buildkit.oci.layer_archive import open_layer
from nox_buildkit.plan.application import PlacedFile
from nox_buildkit.plan.image import ImagePlan

#: Where byte code is put, which no source is in.
_BYTE_CODE = "__pycache__"


def differing(layers: Sequence[Path], image: ImagePlan) -> Iterator[str]:
    """Files that are not what ``image`` says, or not of it; ``layers``: its own, in their order.

    Paths of the application are relative to its context, those of placed files are absolute.
    """
    planned = {file.path: file.digest for file in image.application.sources.files}
    found = application(layers[_position(image, "app")], image.config.workdir)
    yield from sorted(p for p in {*planned, *found} if planned.get(p) != found.get(p))
    if files := image.application.files:
        placed = {file.target: file for file in files if file.kind != "folder"}
        there = _placed(layers[_position(image, "surroundings")], placed)
        yield from (p for p, file in placed.items() if file.digest not in there.get(p, ()))


def compared_layers(layers: Sequence[Path], image: ImagePlan) -> tuple[Path, ...]:
    """Return those of ``layers`` that `differing` reads."""
    return tuple(layers[_position(image, stage)] for stage in ("app", "surroundings"))


def _position(image: ImagePlan, stage: str) -> int:
    return [layer.stage for layer in image.layers].index(stage)


def application(layer: Path, workdir: str) -> dict[str, str]:
    """The digest of each file of an application, by its path relative to ``workdir``."""
    found: dict[str, str] = {}
    with open_layer(layer) as tar:
        for member in tar:
            if member.isdir() or _BYTE_CODE in PurePosixPath(member.name).parts:
                continue
            # A second name of a file comes after the first.
            first = found.get(member.linkname) if member.islnk() else None
            found[member.name] = first or _digest(tar, member)
    below = workdir.strip("/") or "."
    return {os.path.relpath(name, below): digest for name, digest in found.items()}


def _digest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if member.issym():
        return source_digest("link", io.BytesIO(os.fsencode(member.linkname)))
    return _file_digest(tar, member, "x" if member.mode & stat.S_IXUSR else "-")


def _file_digest(tar: tarfile.TarFile, member: tarfile.TarInfo, kind: SourceKind) -> str:
    content = tar.extractfile(member) if member.isreg() else None
    return source_digest(kind, content) if content else ""


def _placed(layer: Path, planned: Mapping[str, PlacedFile]) -> dict[str, tuple[str, ...]]:
    """The digests of the files of ``planned``; their mode is the spec's, so it may be either."""
    with open_layer(layer) as tar:
        return {
            path: _digests(tar, member, planned[path])
            for member in tar
            if (path := f"/{member.name}") in planned
        }


def _digests(tar: tarfile.TarFile, member: tarfile.TarInfo, planned: PlacedFile) -> tuple[str, ...]:
    if not planned.address:
        other: SourceKind = "-" if member.mode & stat.S_IXUSR else "x"
        return _digest(tar, member), _file_digest(tar, member, other)
    content = tar.extractfile(member) if member.isreg() else None
    return (sha256_of(content),) if content else ()
