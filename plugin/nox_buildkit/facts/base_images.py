"""Bases as facts: assembled, or resolved to a digest and inspected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.bases.assembled_bases import BaseContents, DebianBase, assembled
from nox_buildkit.bases.base_lock import NAME as BASE_LOCK
from nox_buildkit.bases.debian_release import Release, release_for
from nox_buildkit.debian.releases import warnings
from nox_buildkit.engine.client import Docker
from nox_buildkit.errors import Code, EngineError, PlanError
from nox_buildkit.facts.debian_bases import assembled_base, not_assembled, oldest
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.oci.resolved import ResolvedImage
from nox_buildkit.plan.base import RegistryImage
from nox_buildkit.plan.facts import BaseFacts, InspectedBase, PinnedBase
from nox_buildkit.progress import Progress

if TYPE_CHECKING:
    from nox_buildkit.engine.buildkit import Engine
    from nox_buildkit.engine.fetch import FetchedImage

_REFRESH = "run 'nox -s lock -- --bases' and commit it"

#: Python and nothing else.
PLAIN = BaseContents()


@dataclass(frozen=True, slots=True)
class Bases:
    """The way to bases; each reference is resolved once.

    ``client`` and ``engine`` (for steps of no platform in particular) are made when one is first
    needed; ``mirrors``: what stands in for a registry; ``locked``: references with the digests that
    were committed, None if none were; ``strict``: all references have to be in there; ``pull``:
    look for newer ones all the same; ``assembles``: without it, no base is assembled, and of one
    that is not there yet only what its release says is known; ``beside``: around the assembly of
    one, for work that can be done meanwhile.
    """

    client: Callable[[], Docker]
    engine: Callable[[], Engine]
    report: Progress
    mirrors: Mapping[str, str] = field(default_factory=dict)
    locked: Mapping[str, ResolvedImage] | None = None
    strict: bool = False
    pull: bool = False
    assembles: bool = True
    beside: Callable[[], AbstractContextManager[None]] = nullcontext
    resolved: dict[str, ResolvedImage] = field(default_factory=dict)
    assembled: dict[tuple[object, ...], InspectedBase] = field(default_factory=dict)

    def of_debian(
        self, python: str, platforms: Sequence[str], contents: BaseContents = PLAIN
    ) -> InspectedBase:
        """Return the base that is assembled here, with ``contents``.

        Raises PlanError, EngineError.
        """
        key = (python, tuple(platforms), contents)
        if key not in self.assembled:
            self.assembled[key] = self._assemble(python, platforms, contents)
        return self.assembled[key]

    def _assemble(
        self, python: str, platforms: Iterable[str], contents: BaseContents
    ) -> InspectedBase:
        release = release_for(python)
        wanted = [platform for platform in platforms if platform in release.platforms]

        name = f"debian:{release.suite}{contents}"
        locked = self._locked(name)
        if locked:
            # Its digest is of all platforms that it was locked for.
            wanted = sorted({*wanted, *locked.platforms})
        base = None if self.pull else assembled(release, wanted, contents)
        if not (base or self.assembles):
            return not_assembled(release, wanted)
        assemble = partial(self._debian_base, release, wanted, contents)
        base = base or assemble(again=self.pull)
        if locked and locked != _as_image(base):
            # What is there may be older than the lock.
            base = assemble(again=True)
            if locked != _as_image(base):
                message = f"{BASE_LOCK} has another {name} than Debian's archive has now"
                raise PlanError(Code.STALE_BASE_LOCK(message, _REFRESH))
        self.resolved[name] = _as_image(base)
        return assembled_base(release, base)

    def _debian_base(
        self,
        release: Release,
        platforms: Sequence[str],
        contents: BaseContents,
        *,
        again: bool,
    ) -> DebianBase:
        # What assembles is imported where a base is missing.
        from nox_buildkit.bases.debian_base import assemble  # noqa: PLC0415
        from nox_buildkit.bases.debian_source import debian_source, package_names  # noqa: PLC0415
        from nox_buildkit.debian.package_names import with_nearest  # noqa: PLC0415

        source = debian_source(release.suite, self.report)
        try:
            with self.beside():
                return assemble(
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
        from nox_buildkit.facts.inspections import inspections  # noqa: PLC0415 - as above

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
            full_python=oldest(each.full_python for each in found.values()),
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
        if locked := self._locked(str(reference)):
            return locked
        from nox_buildkit.engine.registry import inspect  # noqa: PLC0415 - as above

        return inspect(self.client(), str(reference.mirrored(self.mirrors)))

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
        from nox_buildkit.engine.fetch import fetch  # noqa: PLC0415 - as above

        self.report.message(f"looking into {image.name}")
        name = replace(ImageReference.parse(image.name), digest=image.digest)
        return fetch(self.engine(), str(name.mirrored(self.mirrors)), platforms, folder)


def _as_image(base: DebianBase) -> ResolvedImage:
    return ResolvedImage(base.digest, frozenset(base.packages))
