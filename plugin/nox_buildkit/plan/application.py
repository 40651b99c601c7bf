"""The application of an image: its sources, and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nox_buildkit.buildspec.model.interpolation import Part
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
    """The files of the folder ``folder`` that are part of the image, without the ``ignored``."""

    folder: str = field(metadata=NOT_IDENTITY)
    files: tuple[File, ...]
    ignored: tuple[str, ...] = field(metadata=NOT_IDENTITY)


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file at a place of its own: ``owner`` is user[:group], ``mode`` octal digits.

    ``path``: the place of its content on this machine.
    """

    target: str
    mode: str
    owner: str
    size: int
    digest: str
    path: str = field(metadata=NOT_IDENTITY)


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
    ``directories``: folders that belong to the user; ``prestart``: programs that run before the
    command; ``steps``: programs that make files during the build; ``interpolated``: words of
    commands with values of the environment, and their pieces; ``becomes``: uid:gid of the user
    that a container becomes, which starts as root; ``writable``: the files in the working folder
    belong to the user.
    """

    sources: Sources
    account: str = ""
    directories: tuple[str, ...] = ()
    files: tuple[PlacedFile, ...] = ()
    prestart: tuple[tuple[str, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    interpolated: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    becomes: str = ""
    writable: bool = False


def with_group(user: str) -> str:
    """Return ``user`` with its group: a number that the base does not know would get group 0."""
    return f"{user}:{user}" if user.isdigit() else user
