"""Base ``debian`` as facts: assembled, or from what its release says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.version import Version

from nox_buildkit.bases.assembled_bases import DebianBase
from nox_buildkit.bases.debian_release import Release
from nox_buildkit.plan.base import DebianRelease, LayoutImage
from nox_buildkit.plan.facts import InspectedBase

_TESTING = (
    "base debian: {suite} is not released yet: its packages change every day, and security updates "
    "may be late"
)


def _patch(packages: Mapping[str, str], python: str) -> str:
    """Return the patch release of Debian's package of ``python``: "3.13.5" of "3.13.5-2"."""
    found = re.match(r"3\.\d+\.\d+", packages.get(f"python{python}-minimal", ""))
    return found[0] if found else ""


def oldest(versions: Iterable[str]) -> str:
    """Return the oldest, for one lock is read for all platforms; empty if one is not known."""
    known = list(versions)
    return min(known, key=Version) if known and all(known) else ""


def not_assembled(release: Release, platforms: Iterable[str]) -> InspectedBase:
    """Return what the release says of a base that is not assembled yet; enough to choose wheels."""
    return InspectedBase(
        name="debian",
        source=DebianRelease(release.suite),
        digest="",
        platforms=frozenset(platforms),
        libc=release.libc,
        python=release.python,
        builds=True,
    )


def assembled_base(release: Release, base: DebianBase) -> InspectedBase:
    """Return what is known of an assembled base."""
    python = release.python
    return InspectedBase(
        name="debian",
        source=LayoutImage(str(base.folder), base.digest, tuple(base.manifests.items())),
        digest=base.digest,
        platforms=frozenset(base.packages),
        libc=release.libc,
        python=python,
        full_python=oldest(_patch(known, python) for known in base.packages.values()),
        interpreter=f"/usr/bin/python{python}",
        builds=True,
        packages=base.packages,
        asked=base.asked,
        # Whatever is added to it, Debian's archive has signed it.
        origin=f"debian {release.suite}",
        warnings=(
            *([_TESTING.format(suite=release.suite)] if release.testing else ()),
            *(
                f"base debian, {platform}: {text}"
                for platform in sorted(base.lacks)
                for text in base.lacks[platform]
            ),
        ),
    )
