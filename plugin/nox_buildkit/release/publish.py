"""The order in which images are published: nothing gets a tag before everything is approved.

Blobs, manifests and indexes by digest, in every registry; then attestations and signatures; then,
as the last thing, all tags. Whatever fails before leaves every tag of the release where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nox_buildkit.errors import Code, NoxBuildkitError, Problem, ReleaseError
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.plan.facts import GitFacts
from nox_buildkit.plan.image import Publication
from nox_buildkit.progress import Progress
from nox_buildkit.release.journal import Entry, Journal
from nox_buildkit.release.moves import Known, Move, moves_of
from nox_buildkit.release.push import push
from nox_buildkit.release.repository import RegistryError, Repository


@dataclass(frozen=True, slots=True)
class Candidate:
    """The index ``digest`` of ``image`` in an OCI layout, to be published.

    ``origins``: blobs of its base, and the repositories that they came from.
    """

    image: str
    layout: Layout
    digest: str
    publication: Publication
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Destination:
    """A candidate, a repository that it goes to, and the tags to move there."""

    candidate: Candidate
    repository: Repository
    moves: tuple[Move, ...]

    @property
    def registry(self) -> str:
        return ImageReference.parse(self.repository.name).registry

    @property
    def reference(self) -> str:
        return f"{self.repository.name}@{self.candidate.digest}"

    @property
    def waiting(self) -> tuple[Move, ...]:
        """The tags that are going to be written."""
        return tuple(move for move in self.moves if move.verdict in ("new", "move"))


#: Tests, attests or signs what is in a repository by digest. Raises NoxBuildkitError.
Approve = Callable[[Destination], None]
#: Returns the repository of a name.
Open = Callable[[str], Repository]


def known_tags(publication: Publication, repository: Repository) -> Known:
    """Ask ``repository`` for its tags, and what those in question name. Raises RegistryError."""
    existing = repository.tags()
    digests = {}
    for tag in publication.tags:
        if tag.name in existing and (found := repository.resolve(tag.name)):
            digests[tag.name] = found.digest
    return Known(repository.name, existing, digests)


def destinations_of(
    candidates: Sequence[Candidate], repository_of: Open, git: GitFacts | None
) -> tuple[Destination, ...]:
    """Decide which tags move. Raises ReleaseError, RegistryError; nothing is written yet."""
    found: list[Destination] = []
    problems = []
    for candidate in candidates:
        for name in candidate.publication.repositories:
            repository = repository_of(name)
            known = known_tags(candidate.publication, repository)
            moves = moves_of(candidate.publication, known, git, candidate.digest)
            found.append(Destination(candidate, repository, moves))
            problems += [_refused(move) for move in moves if move.verdict == "refuse"]
    if problems:
        raise ReleaseError(*problems)
    return tuple(found)


def publish(
    destinations: Sequence[Destination],
    approvals: Sequence[Approve],
    journal: Journal,
    report: Progress,
) -> None:
    """Push, approve, and tag. Raises ReleaseError, which says what is where.

    Each of ``approvals`` is done for all destinations before the next one begins.
    """
    problems = [*_each(destinations, lambda each: _push(each, destinations, journal, report))]
    steps: tuple[Approve, ...] = (*approvals, partial(_note_approved, journal), _require_unmoved)
    for step in steps:
        if not problems:
            problems += _each(destinations, step)
    if problems:
        raise ReleaseError(*problems, *_untagged(journal))
    if problems := [*_each(destinations, lambda each: _tag(each, journal))]:
        raise ReleaseError(*problems, *_tagged(journal))


def _each(
    destinations: Sequence[Destination], step: Callable[[Destination], None]
) -> Iterator[Problem]:
    """Do ``step`` for each destination, and yield what is wrong.

    A registry that fails once is not asked again.
    """
    failed: set[str] = set()
    for destination in destinations:
        if destination.registry in failed:
            continue
        try:
            step(destination)
        except NoxBuildkitError as error:
            if isinstance(error, RegistryError):
                failed.add(destination.registry)
            yield from error.problems


def _push(
    destination: Destination,
    every: Sequence[Destination],
    journal: Journal,
    report: Progress,
) -> None:
    candidate = destination.candidate
    origins = dict(candidate.origins)
    for other in every:
        if other is destination:
            break
        if other.registry == destination.registry:
            blobs = other.candidate.layout.reachable(other.candidate.digest)
            origins |= dict.fromkeys(blobs, other.repository.name)
    push(
        destination.repository,
        candidate.layout,
        candidate.digest,
        origins=origins,
        report=report,
    )
    _note(destination, journal, Entry(candidate.image, candidate.digest, "pushed"))


def _note_approved(journal: Journal, destination: Destination) -> None:
    candidate = destination.candidate
    _note(destination, journal, Entry(candidate.image, candidate.digest, "approved"))


def _require_unmoved(destination: Destination) -> None:
    for move in destination.waiting:
        _require(destination.repository, move, move.before)


def _tag(destination: Destination, journal: Journal) -> None:
    repository, candidate = destination.repository, destination.candidate
    content = candidate.layout.read(candidate.digest)
    kind = candidate.layout.index(candidate.digest).media_type
    done: list[str] = []
    for move in destination.waiting:
        _require(repository, move, move.before)
        repository.put_manifest(content, kind, move.tag)
        done.append(move.tag)
        entry = Entry(candidate.image, candidate.digest, "approved", tuple(done))
        _note(destination, journal, entry)
    for move in destination.waiting:
        _require(repository, move, candidate.digest)
    entry = Entry(candidate.image, candidate.digest, "tagged", tuple(done))
    _note(destination, journal, entry)


def _require(repository: Repository, move: Move, digest: str | None) -> None:
    """Raise RegistryError unless the tag names ``digest``: somebody else may move it, too."""
    found = repository.resolve(move.tag)
    if (found.digest if found else None) != digest:
        message = f"{move.reference} was moved meanwhile, by another release: it names "
        message += found.digest if found else "nothing"
        hint = "run the release again: which tags move is decided anew"
        raise RegistryError(Code.TAG_MOVED(message, hint))


def _note(destination: Destination, journal: Journal, entry: Entry) -> None:
    journal.note(destination.repository.name, entry)


def _refused(move: Move) -> Problem:
    message = f"{move.reference} is not moved: {move.why} ({move.before})"
    return Code.TAG_MOVED(message, "release another version")


def _untagged(journal: Journal) -> Iterator[Problem]:
    there = [f"{name}@{entry.digest}" for name, entry in journal.entries.items()]
    listed = f"; without a tag there is: {', '.join(there)}" if there else ""
    yield Code.UNFINISHED_RELEASE(
        f"no tag has moved{listed}", "run it again: what is there already is not sent twice"
    )


def _tagged(journal: Journal) -> Iterator[Problem]:
    done = [f"{name}:{t}" for name, entry in journal.entries.items() for t in entry.tags]
    left = [name for name, entry in journal.entries.items() if entry.state != "tagged"]
    message = f"moved: {', '.join(done) or 'no tag'}; not ended: {', '.join(left)}"
    yield Code.UNFINISHED_RELEASE(message, "run it again to move the rest")
