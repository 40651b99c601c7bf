"""Everything that a plan needs from outside, as values. ``nox_buildkit.facts`` gathers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from nox_buildkit.plan.application import PlacedKind, Sources
from nox_buildkit.plan.base import BaseSource
from nox_buildkit.plan.wheel_platforms import Libc


@dataclass(frozen=True, slots=True)
class GitRefs:
    """Names that lead to the commit: ``tags``, and the ``branch`` that is checked out.

    ``pull_request``: the number of the one that is built; empty where something is not known.
    """

    tags: tuple[str, ...] = ()
    branch: str = ""
    default_branch: str = ""
    pull_request: str = ""


@dataclass(frozen=True, slots=True)
class GitFacts:
    """The commit that is built: ``revision`` is its full hash, ``source`` a web address.

    ``untracked``: absolute paths of files that it does not have, and that git does not ignore.
    """

    revision: str
    dirty: bool
    committed: datetime
    source: str = ""
    refs: GitRefs = GitRefs()
    untracked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedBase:
    """A base image of which no more is known than its ``digest`` and its ``platforms``.

    ``origin``: the publisher of its programs, where more is known of it than a digest.
    """

    name: str
    source: BaseSource
    digest: str
    platforms: frozenset[str]
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedBase(PinnedBase):
    """A base image whose file system was inspected.

    ``libc``: decides which wheels fit; ``python``: version (empty without a Python), at the path
    ``interpreter``; ``full_python``: the same with the patch release, where that is known;
    ``builds``: whether build steps can run in it; ``apt``: whether Debian packages can be added;
    ``packages``: its Debian packages, where they are known, as name and version by platform;
    ``asked``: the name that was asked for → the package that it is.
    """

    libc: Libc
    python: str = ""
    full_python: str = ""
    interpreter: str = ""
    builds: bool = False
    apt: bool = False
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


#: A base that exists for no platform that was asked for is not inspected.
BaseFacts = PinnedBase | InspectedBase


@dataclass(frozen=True, slots=True)
class LocalWheel:
    """A wheel that was built of sources of the project, the file ``path`` of this machine.

    ``marker``: where it is installed (PEP 508); empty: everywhere; ``compiled``: it has machine
    code, and the file is a source distribution, of which each platform gets its wheel.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    path: str
    marker: str = ""
    compiled: bool = False


FileKind = Literal["wheel", "sdist", "none", "other"]


@dataclass(frozen=True, slots=True)
class LockedFile:
    """The file of a locked package for one platform: the best wheel, else the sdist, or nothing.

    ``other``: the package is no file that is known by its hash; ``newest``: where there is nothing,
    the newest version with a wheel; ``path``: where the file lies on this machine, and ``url``: its
    address, if no index has it.
    """

    name: str
    version: str
    kind: FileKind
    filename: str = ""
    sha256: str = ""
    size: int | None = None
    newest: str = ""
    path: str = ""
    url: str = ""


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
class PlacedSource:
    """A file, a link or a folder of an entry of ``files``, the path ``path`` of this machine.

    ``below``: its path below the entry's target, empty for the target itself; ``digest``: content
    and mode; ``executable``: by its owner; ``link``: where a link leads to;
    ``address``: of a file that is downloaded, whose digest is of its content alone.
    """

    below: str
    path: str
    kind: PlacedKind = "file"
    size: int = 0
    digest: str = ""
    executable: bool = False
    link: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """A build context: the ``sources`` of its folder.

    ``warnings``: sentences about the choice of its files.
    """

    sources: Sources
    version: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrossCompiler:
    """An image of the machine that builds, which compiles for another platform.

    ``why``: there is none, if so; ``unexpected``: it is said of the image, too.
    """

    base: InspectedBase | None
    why: str = ""
    unexpected: bool = False


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """Everything that is known of one target; ``files``: what each entry of that key places.

    ``taken``: images that such entries take files from, by the name that they have there.

    ``builder``: where build steps run, if not in the base; ``compiler``: where packages without a
    wheel are compiled, if there are some, after ``build_apt`` were added to it; ``cross``: what
    compiles them for a platform that is foreign to the machine that builds; ``step_base``:
    where steps run, if not in the builder; ``step_apt``: packages that are added where they run.
    """

    base: BaseFacts
    context: ContextFacts
    lock: LockFacts | None = None
    local: tuple[LocalWheel, ...] = ()
    files: tuple[tuple[PlacedSource, ...], ...] = ()
    taken: Mapping[str, BaseFacts] = field(default_factory=dict)
    builder: BaseFacts | None = None
    compiler: BaseFacts | None = None
    build_apt: tuple[str, ...] = ()
    cross: Mapping[str, CrossCompiler] = field(default_factory=dict)
    step_base: InspectedBase | None = None
    step_apt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a plan is made of besides the spec, of each target by name.

    ``generator``: digest of the program text that turns plans into images; ``native``: platforms of
    the build machines.
    """

    uv: str
    generator: str
    targets: dict[str, TargetFacts]
    git: GitFacts | None = None
    created: datetime | None = None
    native: tuple[str, ...] = ("linux/amd64",)
