"""Bases as facts: assembled, or resolved to a digest and inspected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from nox_buildkit.bases import debian_base as debian
from nox_buildkit.bases.base_lock import NAME as BASE_LOCK
from nox_buildkit.bases.debian_release import Release, release_for
from nox_buildkit.bases.debian_source import debian_source, package_names
from nox_buildkit.debian.package_names import with_nearest
from nox_buildkit.debian.releases import warnings
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.fetch import FetchedImage, fetch
from nox_buildkit.engine.registry import inspect
from nox_buildkit.errors import Code, EngineError, PlanError
from nox_buildkit.facts.inspections import inspections
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.oci.resolved import ResolvedImage
from nox_buildkit.plan.base import DebianRelease, LayoutImage, RegistryImage
from nox_buildkit.plan.facts import BaseFacts, InspectedBase, PinnedBase
from nox_buildkit.progress import Progress

if TYPE_CHECKING:
    from nox_buildkit.engine.buildkit import Engine

_REFRESH = "run 'nox -s lock -- --bases' and commit it"

#: Python and nothing else.
PLAIN = debian.BaseContents()


@dataclass(frozen=True, slots=True)
class Bases:
    """The way to bases; each reference is resolved once.

    ``client`` and ``engine`` (for steps of no platform in particular) are made when one is first
    needed; ``mirrors``: what stands in for a registry; ``locked``: references with the digests that
    were committed, None if none were; ``strict``: all references have to be in there; ``pull``:
    look for newer ones all the same; ``assembles``: without it, no base is assembled, and of one
    that is not there yet only what its release says is known.
    """

    client: Callable[[], Docker]
    engine: Callable[[], Engine]
    report: Progress
    mirrors: Mapping[str, str] = field(default_factory=dict)
    locked: Mapping[str, ResolvedImage] | None = None
    strict: bool = False
    pull: bool = False
    assembles: bool = True
    resolved: dict[str, ResolvedImage] = field(default_factory=dict)
    assembled: dict[tuple[object, ...], InspectedBase] = field(default_factory=dict)

    def of_debian(
        self, python: str, platforms: Sequence[str], contents: debian.BaseContents = PLAIN
    ) -> InspectedBase:
        """Return the base that is assembled here, with ``contents``.

        Raises PlanError, EngineError.
        """
        key = (python, tuple(platforms), contents)
        if key not in self.assembled:
            self.assembled[key] = self._assemble(python, platforms, contents)
        return self.assembled[key]

    def _assemble(
        self, python: str, platforms: Iterable[str], contents: debian.BaseContents
    ) -> InspectedBase:
        release = release_for(python)
        wanted = [platform for platform in platforms if platform in release.platforms]

        name = f"debian:{release.suite}{contents}"
        locked = self._locked(name)
        if locked:
            # Its digest is of all platforms that it was locked for.
            wanted = sorted({*wanted, *locked.platforms})
        base = None if self.pull else debian.assembled(release, wanted, contents)
        if not (base or self.assembles):
            return _not_assembled(release, wanted)
        assemble = partial(self._debian_base, release, wanted, contents)
        base = base or assemble(again=self.pull)
        if locked and locked != _as_image(base):
            # What is there may be older than the lock.
            base = assemble(again=True)
            if locked != _as_image(base):
                message = f"{BASE_LOCK} has another {name} than Debian's archive has now"
                raise PlanError(Code.STALE_BASE_LOCK(message, _REFRESH))
        self.resolved[name] = _as_image(base)
        return _assembled(release, base)

    def _debian_base(
        self,
        release: Release,
        platforms: Sequence[str],
        contents: debian.BaseContents,
        *,
        again: bool,
    ) -> debian.DebianBase:
        source = debian_source(release.suite, self.report)
        try:
            return debian.assemble(
                release, platforms, source, self.report, contents=contents, again=again
            )
        except EngineError as error:
            if not any(problem.about for problem in error.problems):
                raise
            raise with_nearest(error, package_names(release.suite)) from None

    def reference(self, reference: str, platforms: Iterable[str]) -> BaseFacts:
        """Return an image of a registry, inspected for those of ``platforms`` that it has.

        Raises EngineError where it cannot be downloaded, PlanError where it is no base.
        """
        image = self.pinned(reference)
        wanted = sorted(image.platforms.intersection(platforms))
        if not wanted:
            # Missing platforms are reported with everything else.
            return image
        found = inspections(image.digest, wanted, partial(self._fetch, image))
        first = found[wanted[0]]
        libcs = [each.libc for each in found.values() if each.libc]
        if len(libcs) < len(found):
            raise PlanError(
                Code.BASE(f"base '{image.name}' has neither glibc nor musl", "take another base")
            )
        today = datetime.now(UTC).date()
        return InspectedBase(
            name=image.name,
            source=image.source,
            digest=image.digest,
            platforms=image.platforms,
            libc=min(libcs, key=lambda libc: libc.version),
            python=first.python,
            full_python=_oldest(each.full_python for each in found.values()),
            interpreter=first.interpreter,
            builds=all(each.builds for each in found.values()),
            apt=all(each.apt for each in found.values()),
            entrypoint=first.entrypoint,
            command=first.command,
            warnings=tuple(
                f"base {image.name}: {text}" for text in warnings(first.distribution, today)
            ),
        )

    def pinned(self, reference: str) -> PinnedBase:
        """Return an image of a registry by digest, without inspecting it. Raises EngineError."""
        full = ImageReference.parse(reference)
        image = self.resolved.get(str(full))
        if image is None:
            image = self.resolved[str(full)] = self._resolve(full)
        name = replace(full, digest="")
        return PinnedBase(
            name=str(name),
            source=RegistryImage(str(name.mirrored(self.mirrors)), image.digest),
            digest=image.digest,
            platforms=image.platforms,
        )

    def _resolve(self, reference: ImageReference) -> ResolvedImage:
        place = str(reference.mirrored(self.mirrors))
        return self._locked(str(reference)) or inspect(self.client(), place)

    def _locked(self, name: str) -> ResolvedImage | None:
        """Return the committed digest of a base; None if any will do. Raises PlanError."""
        if self.locked is None or self.pull:
            return None
        if self.strict and name not in self.locked:
            raise PlanError(Code.STALE_BASE_LOCK(f"{BASE_LOCK} does not have {name}", _REFRESH))
        return self.locked.get(name)

    def _fetch(
        self, image: PinnedBase, platforms: Sequence[str], folder: Path
    ) -> dict[str, FetchedImage]:
        self.report.message(f"looking into {image.name}")
        name = replace(ImageReference.parse(image.name), digest=image.digest)
        return fetch(self.engine(), str(name.mirrored(self.mirrors)), platforms, folder)


_TESTING = (
    "base debian: {suite} is not released yet: its packages change every day, and security updates "
    "may be late"
)


def _patch(packages: Mapping[str, str], python: str) -> str:
    """Return the patch release of Debian's package of ``python``: "3.13.5" of "3.13.5-2"."""
    found = re.match(r"3\.\d+\.\d+", packages.get(f"python{python}-minimal", ""))
    return found[0] if found else ""


def _oldest(versions: Iterable[str]) -> str:
    """Return the oldest, for one lock is read for all platforms; empty if one is not known."""
    known = list(versions)
    return min(known, key=Version) if known and all(known) else ""


def _not_assembled(release: Release, platforms: Iterable[str]) -> InspectedBase:
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


def _assembled(release: Release, base: debian.DebianBase) -> InspectedBase:
    python = release.python
    return InspectedBase(
        name="debian",
        source=LayoutImage(str(base.folder), base.digest, tuple(base.manifests.items())),
        digest=base.digest,
        platforms=frozenset(base.packages),
        libc=release.libc,
        python=python,
        full_python=_oldest(_patch(known, python) for known in base.packages.values()),
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


def _as_image(base: debian.DebianBase) -> ResolvedImage:
    return ResolvedImage(base.digest, frozenset(base.packages))
