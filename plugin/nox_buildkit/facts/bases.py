"""Bases as facts: presets looked up, references resolved to a digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.bases import debian
from nox_buildkit.bases.unpack import Source
from nox_buildkit.engine.debian import Archive, host_archive, host_security
from nox_buildkit.engine.provision import Report, tool
from nox_buildkit.engine.registry import inspect
from nox_buildkit.errors import BuildkitError, Location, PlanError, Problem
from nox_buildkit.plan.facts import BaseFacts

if TYPE_CHECKING:
    from python_on_whales import DockerClient

#: glibc that wheels are chosen against. Debian 12 or newer is under every official slim image; of
#: an image that we know nothing about, what most wheels ask for is assumed.
SLIM_GLIBC = (2, 36)
OTHER_GLIBC = (2, 28)

#: Python and nothing else.
PLAIN = debian.Contents()


def read_base(
    name: str,
    python: str,
    platforms: Iterable[str],
    client: Callable[[], DockerClient],
    report: Report,
    *,
    contents: debian.Contents = PLAIN,
    pull: bool = False,
    location: Location | None = None,
) -> BaseFacts:
    """What is known of the base ``name`` for ``python``; it must be there for ``platforms``.

    ``contents``: what to add to it; ``pull``: ask for its newest packages though there is one
    already. Raises PlanError, EngineError.
    """
    try:
        if name == "debian":
            return _debian(python, platforms, contents, report, pull)
        if contents.packages:
            raise PlanError(
                Problem(
                    f"Debian packages cannot be added to base '{name}'",
                    "take base 'debian', or a base that has them",
                )
            )
        return _reference(name, python, client)
    except BuildkitError as error:
        raise type(error)(
            *(Problem(p.message, p.hint, p.location or location) for p in error.problems)
        ) from None


def _debian(
    python: str, platforms: Iterable[str], contents: debian.Contents, report: Report, pull: bool
) -> BaseFacts:
    release = debian.release_for(python)
    wanted = [platform for platform in platforms if platform in debian.ARCHITECTURES]
    base = None if pull else debian.assembled(release, wanted, contents)
    if base is None:
        source = _source(release, report)
        base = debian.assemble(release, wanted, source, report, contents=contents, again=pull)
    packages = sorted({(name, v) for known in base.packages.values() for name, v in known.items()})
    return BaseFacts(
        name="debian",
        context=f"oci-layout://{base.folder}@{base.digest}",
        digest=base.digest,
        platforms=frozenset(base.packages),
        glibc=release.glibc,
        packages=tuple(packages),
    )


def _source(release: debian.Release, report: Report) -> Source:
    archive, security = host_archive(), host_security()
    lines = [_line(archive, release.suite)]
    if security:
        lines.append(_line(security, f"{release.suite}-security"))
    return Source(tuple(lines), tool("mmdebstrap", report))


def _line(archive: Archive, suite: str) -> str:
    """A line of sources.list(5) for another suite of the host's archive."""
    # A key that stands in the source itself does not fit on a line; apt's keyrings have it too.
    named = archive.signed_by and "\n" not in archive.signed_by
    options = f"[signed-by={archive.signed_by}] " if named else ""
    return f"deb {options}{archive.uri} {suite} main"


def _reference(name: str, python: str, client: Callable[[], DockerClient]) -> BaseFacts:
    slim = name == "slim"
    reference = f"docker.io/library/python:{python}-slim" if slim else name
    image = inspect(client(), reference)
    pinned = f"{reference.split('@')[0]}@{image.digest}"
    return BaseFacts(
        name=reference.split("@")[0],
        context=f"docker-image://{pinned}",
        digest=image.digest,
        platforms=image.platforms,
        glibc=SLIM_GLIBC if slim else OTHER_GLIBC,
    )


def layout_folder(context: str) -> Path | None:
    """The folder of a base that is an OCI layout; None for an image in a registry."""
    if not context.startswith("oci-layout://"):
        return None
    return Path(context.removeprefix("oci-layout://").rpartition("@")[0])
