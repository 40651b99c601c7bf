"""Files and folders at places of their own, decided from the spec and what is there of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from nox_buildkit.buildspec.model.runtime import File
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.plan.application import PlacedFile, with_group
from nox_buildkit.plan.facts import PlacedSource, TargetFacts


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
