"""The one reader of uv.lock: what it says of the projects that it was made for.

What it says of other packages is exported by uv itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import Field

from nox_buildkit.errors import Code, LockError, Problem
from nox_buildkit.lock.pyproject import Pyproject, checked_specifier, read_pyproject
from nox_buildkit.lock.python_specifiers import Requirement as PythonRequirement
from nox_buildkit.lock.python_specifiers import accepts_the_same
from nox_buildkit.lock.readers import (
    MAX_MANIFEST,
    Document,
    locator,
    parse_toml,
    read_text,
    toml_location,
    validated,
)

# uv writes one form only, and a workspace's lock is too large to be parsed for each answer.
_LOCAL = re.compile(
    r'^(?:name = "(?P<name>[^"\n]+)"\n(?:version = [^\n]*\n)?)?'
    r'source = \{ (?:editable|virtual|directory) = "(?P<folder>[^"\n]+)" \}$',
    re.MULTILINE,
)
_PACKAGE = re.compile(r"^\[\[package\]\]$", re.MULTILINE)

_AGAIN = "run 'uv lock' and commit it"

#: A dependency as both files state it, whatever its spelling.
Pin = tuple[str, SpecifierSet]


class _Manifest(Document):
    members: list[str] = Field(default=[])


class _Head(Document):
    """The head of the lock, before the first package."""

    requires_python: str | None = None
    manifest: _Manifest = _Manifest()


class _Source(Document):
    editable: str = ""
    virtual: str = ""
    directory: str = ""

    @property
    def folder(self) -> str:
        """The folder of its sources, relative to the lock; empty if an index has it."""
        return self.editable or self.virtual or self.directory


class _Dependency(_Source):
    name: str
    specifier: str = ""
    path: str = ""
    git: str = ""
    url: str = ""

    @property
    def has_source(self) -> bool:
        """Tell whether ``tool.uv.sources`` says where it is: uv then notes no specifier."""
        return bool(self.folder or self.path or self.git or self.url)


class _Metadata(Document):
    requires_dist: list[_Dependency] = Field(default=[])
    requires_dev: dict[str, list[_Dependency]] = Field(default={})


class _Package(Document):
    name: str
    source: _Source = _Source()
    metadata: _Metadata = _Metadata()


class _Member(Document):
    """A table of [[package]] that stands alone."""

    package: list[_Package]


def local_folders(lock: Path) -> list[Path]:
    """Folders of the projects that a uv.lock was made for, and of their path dependencies.

    Raises LockError.
    """
    return [_folder(lock, found) for found in _LOCAL.finditer(read_text(lock))]


def workspace_members(lock: Path) -> list[Path]:
    """Folders of the projects that a uv.lock was made for. Raises LockError."""
    head, text = _head(lock)[0], read_text(lock)
    found = (each for each in _LOCAL.finditer(text) if _is_member(head, *each.group(1, 2)))
    return [_folder(lock, each) for each in found]


def _folder(lock: Path, found: re.Match[str]) -> Path:
    return lock.parent.joinpath(found["folder"]).resolve()


def _is_member(head: _Head, name: str | None, folder: str) -> bool:
    # A lock of one project alone lists no members. Path dependencies are among its packages, too.
    names = head.manifest.members
    return name in names if names else folder == "."


def requires_python(lock: Path) -> PythonRequirement | None:
    """The Pythons that ``lock`` was made for; None if it does not say. Raises LockError."""
    head, text = _head(lock)
    if head.requires_python is None:
        return None
    where = toml_location(text, lock, ["requires-python"])
    specifier = checked_specifier(head.requires_python, where)
    return PythonRequirement(specifier, head.requires_python, where)


def _head(lock: Path) -> tuple[_Head, str]:
    text = _PACKAGE.split(read_text(lock), maxsplit=1)[0]
    if len(text) > MAX_MANIFEST:
        raise LockError(Code.UNREADABLE_SOURCE(f"{lock}: is not a uv.lock", "run 'uv lock'"))
    return validated(_Head, parse_toml(text, lock), locator(text, lock)), text


def changes_since(lock: Path) -> Iterator[Problem]:
    """Yield the changes of its members since ``lock`` was made.

    It is what can be told without a Python that the members accept; uv itself compares more.
    Raises LockError.
    """
    members = list(_members(lock))
    yield from _changed_pythons(lock, members)
    for package, manifest in members:
        dynamic = "dependencies" in manifest.project.dynamic
        if not dynamic and not _fits(_stated(manifest), package.metadata, lock):
            where = manifest.at("project", "dependencies")
            yield Code.LOCK_MISFIT(
                f"{lock.name} does not fit what {package.name} requires", _AGAIN, where
            )


def changed_pythons(lock: Path) -> Iterator[Problem]:
    """The members whose ``requires-python`` is not that which ``lock`` was made of."""
    return _changed_pythons(lock, _members(lock))


def _changed_pythons(
    lock: Path, packages: Iterable[tuple[_Package, Pyproject]]
) -> Iterator[Problem]:
    head, locked = _head(lock)[0], requires_python(lock)
    # Path dependencies have a say of their own only when uv resolves.
    members = [m for p, m in packages if _is_member(head, p.name, p.source.folder)]
    stating = [(m, s) for m in members if (s := m.requires_python) is not None]
    if not locked or not stating or accepts_the_same(locked.specifier, [s for _, s in stating]):
        return
    where = stating[0][0].at("project", "requires-python")
    yield Code.LOCK_MISFIT(f"{lock.name} was made for Python '{locked.text}'", _AGAIN, where)


def _members(lock: Path) -> Iterator[tuple[_Package, Pyproject]]:
    text = read_text(lock)
    starts = [found.start() for found in _PACKAGE.finditer(text)]
    size = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        block = text[start:end]
        if not _LOCAL.search(block):
            continue
        size += len(block)
        if size > 2 * MAX_MANIFEST:
            raise LockError(
                Code.UNREADABLE_SOURCE(f"{lock}: its members are too large", "run 'uv lock'")
            )
        line = text.count("\n", 0, start) + 1
        tables = parse_toml(block, lock, line)
        for package in validated(_Member, tables, locator(block, lock, line)).package:
            manifest = lock.parent / package.source.folder / "pyproject.toml"
            if package.source.folder and manifest.is_file():
                yield package, read_pyproject(manifest)


def _stated(manifest: Pyproject) -> Iterator[Pin]:
    project = manifest.project
    keyed: list[tuple[tuple[str, ...], list[str]]] = [
        (("project", "dependencies"), project.dependencies),
        (("tool", "uv", "dev-dependencies"), manifest.manifest.tool.uv.dev_dependencies),
    ]
    for name, extra in project.optional_dependencies.items():
        keyed.append((("project", "optional-dependencies", name), extra))
    for name, group in manifest.manifest.dependency_groups.items():
        keyed.append((("dependency-groups", name), [t for t in group if isinstance(t, str)]))
    for keys, texts in keyed:
        yield from _pins(texts, manifest, keys)


def _pins(texts: Iterable[str], manifest: Pyproject, keys: tuple[str, ...]) -> Iterator[Pin]:
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            message = f"'{text[:80]}' is not a requirement"
            raise LockError(
                Code.UNREADABLE_SOURCE(message, "correct it", manifest.at(*keys))
            ) from None
        yield canonicalize_name(requirement.name), requirement.specifier


def _fits(stated: Iterable[Pin], metadata: _Metadata, lock: Path) -> bool:
    """Tell whether a member requires what the lock noted of it."""
    groups = metadata.requires_dev.values()
    entries = [*metadata.requires_dist, *(entry for group in groups for entry in group)]
    by_name = {canonicalize_name(entry.name) for entry in entries if entry.has_source}
    try:
        locked = [(canonicalize_name(e.name), SpecifierSet(e.specifier)) for e in entries]
        return _comparable(stated, by_name) == _comparable(locked, by_name)
    except InvalidSpecifier as error:
        raise LockError(Code.UNREADABLE_SOURCE(f"{lock}: {error}", "run 'uv lock'")) from None


def _comparable(pins: Iterable[Pin], by_name: Collection[str]) -> set[Pin]:
    return {(name, SpecifierSet() if name in by_name else pin) for name, pin in pins}
