"""Files and folders of a context that are named for a place of their own.

What is named is taken, ignored or not; of a folder, all but what never belongs to an application.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from nox_buildkit.buildspec.model.runtime import File
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts.build_context import source_file
from nox_buildkit.facts.ignore import never, utf8
from nox_buildkit.facts.links import resolved
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.files import real_path
from nox_buildkit.output_files import is_output_file
from nox_buildkit.plan.facts import PlacedSource

#: Names that a person may miss in an image, and that are kept out all the same.
_SECRET = (".env", ".netrc")


@dataclass(frozen=True, slots=True)
class Placed:
    """All that an entry places, folders before their content; ``warnings``: sentences about it."""

    sources: tuple[PlacedSource, ...]
    warnings: tuple[str, ...] = ()


def placed_by(
    target: Target, root: Path, exclude: Collection[Path], digests: FileDigests
) -> Iterator[Placed]:
    """Yield what each entry of ``files`` of ``target`` places. Raises PlanError at its place.

    An entry of another image places nothing of this machine.
    """
    folder = real_path(root / target.variant.context)
    for position, file in enumerate(target.variant.files):
        if file.from_:
            yield Placed(())
            continue
        if file.is_downloaded:
            yield downloaded(file)
            continue
        try:
            yield read_placed(folder, file.source, exclude, digests)
        except PlanError as error:
            raise error.located(target.location("files", position, "source")) from None


def read_placed(
    folder: Path, entry: str, exclude: Collection[Path], digests: FileDigests
) -> Placed:
    """Read the file or folder ``entry`` of the context ``folder``.

    A link to it is followed inside the context; links in it stay as they are, wherever they lead,
    as BuildKit copies them. ``exclude``: absolute paths that stay out of a folder.

    Raises PlanError.
    """
    _, path = resolved(folder, entry, "source")
    here = folder / path
    if path == ".":
        raise PlanError(
            Code.CONTEXT(f"'{entry}' is the context itself", "name what is in it, or 'copy' it")
        )
    if never(path):
        hint = "mount it when the container starts"
        raise PlanError(Code.CONTEXT(f"'{entry}' never goes into an image", hint))
    if here.is_file():
        return Placed((_file(here, "", digests),))
    if not here.is_dir():
        raise PlanError(
            Code.CONTEXT(f"'{entry}' is neither a file nor a folder", "correct 'source'")
        )
    walk = _Walk(here, frozenset((*exclude, *map(real_path, exclude))), digests)
    if here in walk.exclude:
        message = f"'{entry}' is a folder that this program writes to"
        raise PlanError(Code.CONTEXT(message, f"name what is in it, as in '{entry}/static'"))
    found = (PlacedSource("", str(here), "folder"), *walk.below(""))
    if all(source.kind == "folder" for source in found):
        raise PlanError(Code.CONTEXT(f"there is no file in '{entry}'", "make some, or remove it"))
    warnings = (
        f"'{entry}/{name}' is not in the image: it is a file for secrets" for name in walk.left
    )
    return Placed(found, tuple(warnings))


def downloaded(file: File) -> Placed:
    """Return what a file of an address places; what its digest is, the spec says."""
    address = urlunsplit(urlsplit(file.source)._replace(query=""))
    digest = (file.checksum or "").removeprefix("sha256:")
    return Placed((PlacedSource("", "", digest=digest, address=address),))


@dataclass
class _Walk:
    """Everything in a folder, in the order of names; ``left``: files for secrets in it."""

    top: Path
    exclude: frozenset[Path]
    digests: FileDigests
    left: list[str] = field(default_factory=list)

    def below(self, inside: str) -> Iterator[PlacedSource]:
        for each in sorted(os.scandir(self.top / inside), key=lambda entry: entry.name):
            name, path = utf8(f"{inside}/{each.name}" if inside else each.name), Path(each.path)
            if never(each.name):
                self.left += [name] if each.name in _SECRET else []
            elif path in self.exclude or is_output_file(each.path):
                continue
            elif each.is_symlink():
                link = utf8(str(path.readlink()))
                source = source_file(str(self.top), name, self.digests)
                yield PlacedSource(name, str(path), "link", source.size, source.digest, link=link)
            elif each.is_dir():
                yield PlacedSource(name, str(path), "folder")
                yield from self.below(name)
            elif each.is_file():
                yield _file(path, name, self.digests)


def _file(path: Path, below: str, digests: FileDigests) -> PlacedSource:
    source = source_file(str(path.parent), path.name, digests)
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    return PlacedSource(below, str(path), "file", source.size, source.digest, executable)
