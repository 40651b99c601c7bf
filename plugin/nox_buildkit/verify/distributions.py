"""Installed distributions, compared with the lock, and their files with their RECORD."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nox_buildkit.verify.layer_scan import Distribution, LayerScan

_SHOWN = 3


def installed(scans: Sequence[LayerScan], environment: str) -> dict[str, Distribution]:
    """Return the distributions below the folder ``environment``, by their normalised names."""
    found = {}
    for layer in scans:
        for each in layer.distributions:
            if each.folder.startswith(f"{environment}/"):
                found[str(canonicalize_name(each.name))] = each
    return found


def unlocked(found: Mapping[str, Distribution], locked: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each distribution that is not as it is ``locked``, by name: version.

    A version that is not known beforehand is empty.
    """
    wanted = {str(canonicalize_name(name)): version for name, version in locked.items()}
    for name in sorted({*wanted, *found}):
        if name not in found:
            yield f"{name} {wanted[name]} of the lock is not installed".replace("  ", " ")
        elif name not in wanted:
            yield f"{name} {found[name].version} is installed, and not in the lock"
        elif wanted[name] and not _equal(wanted[name], found[name].version):
            yield f"{name} is {found[name].version}, and {wanted[name]} in the lock"


def unrecorded(
    found: Mapping[str, Distribution], scans: Sequence[LayerScan], present: Container[str]
) -> Iterator[str]:
    """Yield a sentence for each distribution with files that are not as its RECORD says.

    ``present``: all paths of the image.
    """
    hashes = {path: digest for layer in scans for path, digest in layer.hashes.items()}
    # Of several distributions that bring a path, the file of the last one is there.
    recorded = defaultdict(set)
    for each in found.values():
        for path, expected in each.record.items():
            recorded[path].add(expected)
    for name, each in sorted(found.items()):
        wrong = []
        for path in each.record:
            if path not in present:
                if not path.endswith(".pyc"):
                    wrong.append(f"{path} is missing")
            elif path in hashes and hashes[path] not in recorded[path]:
                wrong.append(f"{path} was changed")
        if wrong:
            more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
            yield f"{name}: not as its RECORD says: {', '.join(wrong[:_SHOWN])}{more}"


def cuda_packages(found: Mapping[str, Distribution]) -> list[str]:
    """Return the names of distributions that bring NVIDIA's CUDA."""
    return [
        name
        for name, each in sorted(found.items())
        if name.startswith(("nvidia-cu", "nvidia-nccl", "nvidia-nv")) or "+cu" in each.version
    ]


def _equal(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
