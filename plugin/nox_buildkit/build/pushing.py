"""Images that were built, put into their repositories: all by digest, and then every tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nox_buildkit.errors import Code, Problem
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.plan.base import RegistryImage
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.release.publish import Open
from nox_buildkit.release.push import push
from nox_buildkit.release.repository import RegistryError, Repository
from nox_buildkit.results.model import PlatformResult

if TYPE_CHECKING:
    from nox_buildkit.build.exported import Exported

#: Tags, or images, at a time.
_AT_ONCE = 8

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that the index ``digest`` has, or is to have; ``immutable``: once it names one."""

    repository: Repository
    name: str
    digest: str
    immutable: bool

    @property
    def reference(self) -> str:
        return f"{self.repository.name}:{self.name}"

    @property
    def is_set(self) -> bool:
        """Tell whether it names the index. Raises RegistryError."""
        found = self.repository.resolve(self.name)
        return found is not None and found.digest == self.digest


def tags_of(image: ImagePlan, digest: str, open_repository: Open) -> list[Tag]:
    """Return the tags of ``image`` in all of its repositories."""
    publication = image.publication
    immutable = {tag.name for tag in publication.tags if tag.template in publication.immutable}
    return [
        Tag(open_repository(r.repository), r.tag, digest, r.tag in immutable)
        for r in map(ImageReference.parse, image.references)
        if r.tag
    ]


def are_set(tags: Sequence[Tag]) -> bool:
    """Ask for all ``tags`` at once whether they are set; a registry that fails says no."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return set(pool.map(_state, tags)) == {"published"}


def push_images(made: Sequence[Exported], report: Progress) -> None:
    """Push what was ``made``. Raises RegistryError, which says of every tag what became of it.

    No tag is written before everything is in every repository.
    """
    open_repository = repositories(report)
    destinations = [
        (one, open_repository(name)) for one in made for name in one.image.publication.repositories
    ]
    tags = [tag for one in made for tag in tags_of(one.image, one.digest, open_repository)]
    contents = {one.digest: one for one in made}

    def put(destination: tuple[Exported, Repository]) -> None:
        one, repository = destination
        origins = origins_of(one.plan, one.image, one.platforms)
        push(repository, one.layout, one.digest, origins=origins, report=report)

    def write(tag: Tag) -> None:
        layout = contents[tag.digest].layout
        kind = layout.index(tag.digest).media_type
        tag.repository.put_manifest(layout.read(tag.digest), kind, tag.name)

    immutable = [tag for tag in tags if tag.immutable]
    problems = _at_once(_require_same, immutable) or _at_once(put, destinations)
    if not problems:
        try:
            problems = _at_once(write, tags)
        except KeyboardInterrupt:
            for problem in _told(tags):
                report.message(str(problem))
            raise
    if problems:
        raise RegistryError(*problems, *_told(tags))


def _require_same(tag: Tag) -> None:
    """Raise RegistryError if ``tag`` names another index already."""
    found = tag.repository.resolve(tag.name)
    if found and found.digest != tag.digest:
        message = f"{tag.reference} is immutable, and names {found.digest}"
        raise RegistryError(Code.TAG_MOVED(message, "push another version"))


def origins_of(plan: Plan, image: ImagePlan, platforms: Iterable[PlatformResult]) -> dict[str, str]:
    """Return the layers of bases that came from a registry, and the repositories they are in."""
    found: dict[str, str] = {}
    for platform in platforms:
        source = plan.lineage(image, platform.platform)[-1].bases.base.source
        if isinstance(source, RegistryImage):
            name = ImageReference.parse(source.repository).repository
            found |= {layer.digest: name for layer in platform.layers if layer.kind == "base"}
    return found


def _at_once(step: Callable[[T], None], items: Sequence[T]) -> list[Problem]:
    """Do ``step`` for every one of ``items``; return what registries say against it."""
    found: dict[Problem, None] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(step, item) for item in items]
        try:
            for future in futures:
                try:
                    future.result()
                except RegistryError as error:
                    found |= dict.fromkeys(error.problems)
        except BaseException:
            # Whoever interrupts it wants nothing more to be begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return list(found)


def _told(tags: Sequence[Tag]) -> Iterator[Problem]:
    """Say which tags of a failed push are in their registries, and which are not."""
    found: dict[str, list[str]] = {"published": [], "not published": [], "not known": []}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for tag, state in zip(tags, pool.map(_state, tags), strict=True):
            end = f"@{tag.digest}" if state == "published" else ""
            found[state].append(f"{tag.reference}{end}")
    if found["published"] or found["not known"]:
        said = "; ".join(f"{state}: {', '.join(names)}" for state, names in found.items() if names)
        hint = "push again: what is there already is not sent twice"
        yield Code.UNFINISHED_RELEASE(said, hint)


def _state(tag: Tag) -> str:
    try:
        return "published" if tag.is_set else "not published"
    except RegistryError:
        return "not known"
