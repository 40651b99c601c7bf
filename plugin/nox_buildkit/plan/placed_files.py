"""Files and folders at places of their own, decided from the spec and what is there of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nox_buildkit.buildspec.model.runtime import File
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.plan.application import PlacedFile, TakenFile, with_group
from nox_buildkit.plan.base import Base
from nox_buildkit.plan.facts import PlacedSource, TargetFacts
from nox_buildkit.plan.image import ImagePlan


def placed_files(
    target: Target, known: TargetFacts, directories: Iterable[str]
) -> tuple[PlacedFile, ...]:
    """Return what is placed for ``target``, each path once: the last entry that has it wins.

    ``directories``: folders of the user. Raises PlanError for what would lie in a file or a link.
    """
    found: dict[str, PlacedFile] = {}
    origin: dict[str, int] = {}
    for position, (file, sources) in enumerate(zip(target.variant.files, known.files, strict=True)):
        for source in sources:
            placed = _placed(file, source)
            found[placed.target] = placed
            origin[placed.target] = position
    problems = {}
    for path in (*found, *directories):
        own = (path,) if path in directories else ()
        for above in (*own, *_parents(path)):
            if above in found and found[above].kind != "folder":
                position = origin.get(path, origin[above])
                message = f"'{path}' would be in '{above}', which is a {found[above].kind}"
                where = target.location("files", position, "target")
                problems[position] = Code.CONTRADICTION(message, "name another 'target'", where)
    if problems:
        raise PlanError(*problems.values())
    return tuple(found.values())


def taken_files(
    target: Target, chosen: Sequence[str], known: TargetFacts, made: Mapping[str, ImagePlan]
) -> tuple[TakenFile, ...]:
    """Return the files that ``target`` takes from other images for the platforms ``chosen``.

    ``made``: planned images. Raises PlanError.
    """
    found, problems = [], []
    for position, file in enumerate(target.variant.files):
        if not file.from_:
            continue
        image = known.taken[file.from_]
        if missing := [platform for platform in chosen if platform not in image.platforms]:
            message = f"the image '{image.name}' has no {' and no '.join(missing)}"
            where = target.location("files", position, "from")
            has = ", ".join(sorted(image.platforms))
            problems.append(Code.BASE(message, f"it has {has}; take another one", where))
            continue
        planned = target.variant.taken.get(position)
        if planned and planned not in made:
            # Its problems are reported already.
            raise PlanError()
        digest = made[planned].digest if planned else image.digest
        source = Base(image.name, digest, image.source)
        folders = _searchable(file.mode) if file.mode else ""
        owner = with_group(file.owner)
        found.append(TakenFile(source, file.source, file.target, file.mode or "", folders, owner))
    if problems:
        raise PlanError(*problems)
    return tuple(found)


def _placed(file: File, source: PlacedSource) -> PlacedFile:
    return PlacedFile(
        target=posixpath.join(file.target, source.below) if source.below else file.target,
        mode=_mode(file.mode, source),
        owner=with_group(file.owner),
        size=source.size,
        digest=source.digest,
        path=source.path,
        kind=source.kind,
        link=source.link,
        address=source.address,
    )


def _mode(stated: str | None, source: PlacedSource) -> str:
    match source.kind:
        case "link":
            return "0777"
        case "folder":
            return _searchable(stated) if stated else "0755"
    return stated or ("0755" if source.executable else "0644")


def _searchable(mode: str) -> str:
    """Let those who may read a folder enter it, as chmod's ``X`` does."""
    digits = mode.zfill(4)
    return digits[0] + "".join(str(int(x) | 1) if int(x) & 4 else x for x in digits[1:])


def _parents(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path
