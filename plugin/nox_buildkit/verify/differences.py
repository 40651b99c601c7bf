"""The first difference of two images: its layer, its file, and the likely cause."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from nox_buildkit.oci.layer_archive import open_layer


@dataclass(frozen=True, slots=True)
class Difference:
    """The ``layer`` (from 0, the lowest), the path in it, and the cause in a clause."""

    layer: int
    path: str
    cause: str

    def __str__(self) -> str:
        return f"layer {self.layer}, /{self.path}: {self.cause}"


def first_difference(mine: Sequence[Path], others: Sequence[Path]) -> Difference | None:
    """Compare layers, compressed tar files named by digest; None if all have the same names.

    Raises OSError, tarfile.TarError.
    """
    for number, (one, other) in enumerate(zip_longest(mine, others)):
        if one is None or other is None:
            return Difference(number, "", "one of the images has no such layer")
        if one.name != other.name:
            return _in_layer(number, one, other)
    return None


def _in_layer(number: int, mine: Path, other: Path) -> Difference:
    here, there = list(_members(mine)), list(_members(other))
    names, others = [each.name for each in here], [each.name for each in there]
    if set(names) != set(others):
        path = min(set(names) ^ set(others))
        which = "the rebuilt image" if path in names else "the published image"
        return Difference(number, path, f"only {which} has it")
    for one in here:
        twin = next(each for each in there if each.name == one.name)
        if cause := _cause(one, twin):
            return Difference(number, one.name, cause)
    if names != others:
        path = next(a for a, b in zip(names, others, strict=True) if a != b)
        return Difference(number, path, "order: the same files stand in another order")
    return Difference(number, "", "compression: the files are equal, and their archive is not")


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    kind: bytes
    mode: int
    owner: tuple[int, int]
    time: float
    link: str
    content: str


def _members(layer: Path) -> Iterator[_Member]:
    with open_layer(layer) as tar:
        for info in tar:
            stream = tar.extractfile(info) if info.isreg() else None
            digest = hashlib.sha256(stream.read()).hexdigest() if stream else ""
            owner = (info.uid, info.gid)
            yield _Member(info.name, info.type, info.mode, owner, info.mtime, info.linkname, digest)


def _cause(mine: _Member, other: _Member) -> str:
    if mine.content != other.content or (mine.kind, mine.link) != (other.kind, other.link):
        return "content"
    if mine.mode != other.mode:
        return f"mode: {mine.mode:04o} and {other.mode:04o}"
    if mine.owner != other.owner:
        return f"owner: {mine.owner[0]}:{mine.owner[1]} and {other.owner[0]}:{other.owner[1]}"
    if mine.time != other.time:
        return f"time: {mine.time:.0f} and {other.time:.0f} seconds since 1970"
    return ""
