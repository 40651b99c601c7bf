"""The one reader of uv.lock: what it says of the projects that it was made for.

What it says of other packages is exported by uv itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
_MEMBER = re.compile(r'^source = \{ (?:editable|virtual|directory) = "([^"\n]+)" \}$', re.MULTILINE)
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


class _Dependency(Document):
    name: str
    specifier: str = ""


class _Metadata(Document):
    requires_dist: list[_Dependency] = Field(default=[])
    requires_dev: dict[str, list[_Dependency]] = Field(default={})


class _Source(Document):
    editable: str = ""
    virtual: str = ""
    directory: str = ""

    @property
    def folder(self) -> str:
        """The folder of its sources, relative to the lock; empty if an index has it."""
        return self.editable or self.virtual or self.directory


class _Package(Document):
    name: str
    source: _Source = _Source()
    metadata: _Metadata = _Metadata()


class _Member(Document):
    """A table of [[package]] that stands alone."""

    package: list[_Package]


def workspace_members(lock: Path) -> list[Path]:
    """Folders of the projects that a uv.lock was made for. Raises LockError."""
    return [lock.parent.joinpath(path).resolve() for path in _MEMBER.findall(read_text(lock))]


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
        if not dynamic and set(_stated(manifest)) != _locked(package.metadata, lock):
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
    names = head.manifest.members
    members = [m for p, m in packages if (p.name in names if names else p.source.folder == ".")]
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
        if not _MEMBER.search(block):
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


def _locked(metadata: _Metadata, lock: Path) -> set[Pin]:
    groups = metadata.requires_dev.values()
    entries = [*metadata.requires_dist, *(entry for group in groups for entry in group)]
    try:
        return {(canonicalize_name(e.name), SpecifierSet(e.specifier)) for e in entries}
    except InvalidSpecifier as error:
        raise LockError(Code.UNREADABLE_SOURCE(f"{lock}: {error}", "run 'uv lock'")) from None
