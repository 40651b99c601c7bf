"""What a plan needs to know of the outside, as values. ``nox_buildkit.facts`` gathers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class GitFacts:
    """The commit that is built: ``revision`` is its full hash, ``source`` a web address."""

    revision: str
    dirty: bool
    committed: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """A base image: ``context`` is the bake context URL that pins it by ``digest``.

    ``glibc``: version that wheels are chosen against; ``platforms``: those it exists for;
    ``packages``: name and version of the distribution's packages in it, where they are known.
    """

    name: str
    context: str
    digest: str
    platforms: frozenset[str]
    glibc: tuple[int, int]
    packages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LocalWheel:
    """A wheel that was built of sources of the project, the file ``path`` of this machine.

    ``marker``: where it is installed (PEP 508); empty: everywhere.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    path: str
    marker: str = ""


FileKind = Literal["wheel", "sdist", "none", "other"]


@dataclass(frozen=True, slots=True)
class LockedFile:
    """What one platform gets of a package of the lock: the best wheel, else the sdist, or nothing.

    ``other``: the package is no file of an index, but a repository or an archive.
    """

    name: str
    version: str
    kind: FileKind
    filename: str = ""
    sha256: str = ""
    size: int | None = None


#: OCI platform → what it gets of every package, by name.
Coverage = Mapping[str, tuple[LockedFile, ...]]


@dataclass(frozen=True, slots=True)
class LockFacts:
    """A committed requirements file and what the index has of each package in it.

    ``index``: [NAME=]URL in place of uv's default index; ``extra_indexes``: more of them.
    """

    path: str
    source: str
    coverage: Coverage
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the build context that goes into the image; ``digest`` covers content and mode."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """A build context: ``folder`` is absolute, ``ignored`` the topmost paths that stay out."""

    folder: str
    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...]
    version: str = ""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Everything that is known of one image.

    ``builder``: the base with compilers, where some package has no wheel and can be compiled.
    """

    base: BaseFacts
    context: ContextFacts
    lock: LockFacts | None = None
    local: tuple[LocalWheel, ...] = ()
    builder: BaseFacts | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a plan is made of besides the spec. ``native``: platforms of the build machines."""

    uv: str
    images: dict[str, ImageFacts]
    git: GitFacts | None = None
    created: datetime | None = None
    native: tuple[str, ...] = ("linux/amd64",)
