"""The application of an image: its sources, and what surrounds them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from nox_buildkit.buildspec.model.interpolation import Part
from nox_buildkit.plan.base import Base
from nox_buildkit.plan.identity import NOT_IDENTITY

#: Names that are never part of an application, whatever ignore files say (gitignore patterns).
NEVER = (
    ".git", ".gitignore", ".gitattributes", ".gitmodules", ".dockerignore", ".hg", ".svn",
    ".venv", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "__pycache__", "*.pyc", "*.pyo", ".DS_Store", ".env", ".netrc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A source file; ``digest`` covers content and mode."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of the folder ``folder`` that are part of the image, without the ``ignored``.

    ``folder``: absolute; ``ignored``: topmost paths that stay out; ``digest``: of all ``files``,
    with their paths.
    """

    folder: str = field(metadata=NOT_IDENTITY)
    files: tuple[File, ...] = field(metadata=NOT_IDENTITY)
    ignored: tuple[str, ...] = field(metadata=NOT_IDENTITY)
    digest: str

    @classmethod
    def of(cls, folder: str, files: tuple[File, ...], ignored: tuple[str, ...] = ()) -> Sources:
        """Return the sources with their digest."""
        # No path has the character 0.
        text = "\0".join(part for file in files for part in (file.path, file.digest))
        return cls(folder, files, ignored, hashlib.sha256(text.encode()).hexdigest())


#: What is placed; a folder is one of its own, since it may be empty and has an owner.
PlacedKind = Literal["file", "link", "folder"]


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file at a place of its own: ``owner`` is user[:group], ``mode`` octal digits.

    ``path``: the place of its content on this machine; ``link``: where a link leads to, as it is
    written; ``address``: of a file that is downloaded, without its query. The digest of that one is
    of its content alone.
    """

    target: str
    mode: str
    owner: str
    size: int
    digest: str
    path: str = field(metadata=NOT_IDENTITY)
    kind: PlacedKind = "file"
    link: str = ""
    address: str = field(default="", metadata=NOT_IDENTITY)


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file or folder ``source`` of ``image`` at a place of its own.

    ``mode``: of its files, and ``folder_mode``: of its folders; empty: as they have it there.
    """

    image: Base
    source: str
    target: str
    mode: str
    folder_mode: str
    owner: str


@dataclass(frozen=True, slots=True)
class Step:
    """A program that makes ``output``, paths below the working folder; ``cache``: kept folders."""

    run: tuple[str, ...]
    output: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    cache: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """The application of an image.

    ``account``: the name of its user, if that is stated with an ID;
    ``directories``: folders that belong to the user; ``taken``: files of other images, below those
    of ``files``; ``prestart``: programs that run before the command; ``steps``: programs that make
    files during the build; ``interpolated``: words of commands with values of the environment, and
    their pieces; ``becomes``: uid:gid of the user that a container becomes, which starts as root;
    ``writable``: the files in the working folder belong to the user.
    """

    sources: Sources
    account: str = ""
    directories: tuple[str, ...] = ()
    files: tuple[PlacedFile, ...] = ()
    taken: tuple[TakenFile, ...] = ()
    prestart: tuple[tuple[str, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    interpolated: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    becomes: str = ""
    writable: bool = False

    @property
    def taken_images(self) -> dict[Base, int]:
        """Each image that files are taken from, with its number."""
        images = dict.fromkeys(file.image for file in self.taken)
        return {image: number for number, image in enumerate(images)}


def with_group(user: str) -> str:
    """Return ``user`` with its group: a number that the base does not know would get group 0."""
    return f"{user}:{user}" if user.isdigit() else user
