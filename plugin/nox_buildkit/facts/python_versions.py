"""The Python of each image: that of its spec, else the newest that project and base allow."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.bases.presets import PYTHONS, pythons_of
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.grammar import NO_REQUIREMENTS, parent_image
from nox_buildkit.buildspec.model.targets import with_ancestors
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.errors import Code, Location, LockError, Problem
from nox_buildkit.files import real_path
from nox_buildkit.lock.pyproject import read_pyproject
from nox_buildkit.lock.python_specifiers import Requirement, accepts, accepts_latest
from nox_buildkit.lock.readers import read_text
from nox_buildkit.lock.source import find_source

_VERSION_FILE = re.compile(r"^(?:c?python-?)?(3\.\d+)(?:\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Choice:
    """The Python of an image; ``why`` is empty where the spec says it, or nobody says anything."""

    python: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """An image as it is on all, or one, of its platforms."""

    spec: BuildSpec
    root: Path
    path: tuple[str, ...]
    variant: Variant

    def at(self, key: str) -> Location | None:
        return self.spec.location(*self.path, key)


def with_pythons(
    spec: BuildSpec, root: Path, images: Iterable[str] = ()
) -> tuple[BuildSpec, dict[str, Choice]]:
    """``spec`` with the Python of every image, and how each was chosen.

    Raises LockError with what contradicts each other in ``images`` and what they build on.
    """
    wanted = with_ancestors(spec, images or spec.images)
    made, choices = dict(spec.images), dict[str, Choice]()
    problems: list[Problem] = []
    for name in with_ancestors(spec, spec.images):
        image = spec.images[name]
        try:
            own = _choose(_Case(spec, root, ("images", name), image), made, image.platforms)
            per = {
                platform: variant.model_copy(update={"python": chosen.python})
                for platform, variant in image.per_platform.items()
                for case in [_Case(spec, root, ("images", name, "per-platform", platform), variant)]
                for chosen in [_choose(case, made, (platform,))]
            }
        except LockError as error:
            problems += error.problems if name in wanted else ()
            continue
        choices[name] = own
        made[name] = image.model_copy(update={"python": own.python, "per_platform": per})
    if problems:
        raise LockError(*dict.fromkeys(problems))
    return spec.model_copy(update={"images": {name: made[name] for name in spec.images}}), choices


def _choose(case: _Case, made: Mapping[str, Variant], platforms: Sequence[str]) -> Choice:
    stated = "python" in case.variant.model_fields_set
    requirements = list(_requirements(case))
    if parent := parent_image(case.variant.base):
        python = _python_of_parent(made[parent], platforms)
        if stated and case.variant.python != python:
            message = f"'{parent}', which it builds on, is for Python {python}"
            raise LockError(
                Code.PYTHON_VERSION(message, "set the same 'python' for both", case.at("python"))
            )
        _check(case, python, requirements, (python,), "base")
        return Choice(python, "" if stated else f"as '{parent}', which it builds on")
    offered = pythons_of(case.variant.base)
    if stated:
        _check(case, case.variant.python, requirements, offered or PYTHONS, "python")
        return Choice(case.variant.python)
    return _default(case, requirements, offered)


def _python_of_parent(image: Variant, platforms: Sequence[str]) -> str:
    variants = getattr(image, "per_platform", {})
    return str(variants.get(platforms[0], image).python)


def _default(
    case: _Case, requirements: Sequence[Requirement], offered: tuple[str, ...] | None
) -> Choice:
    base, usual = f"base '{case.variant.base}'", str(Variant.model_fields["python"].default)
    pythons = offered or (usual, *(python for python in PYTHONS if python != usual))
    if found := _version_file(case):
        python, where = found
        if offered and python not in offered:
            hint = "take another base, or state 'python' for the image"
            message = f"Python {python}, and {base} has {' and '.join(offered)}"
            raise LockError(Code.PYTHON_VERSION(message, hint, where))
        for each in requirements:
            if not accepts(each.specifier, python):
                message = f"Python {python}, and {_said(each, case)}"
                raise LockError(Code.PYTHON_VERSION(message, _value(requirements, pythons), where))
        return Choice(python, f"as {os.path.relpath(where.file, case.root)} says")
    if not requirements:
        return Choice(usual if usual in pythons else pythons[0])
    newest = _newest(requirements, pythons)
    if newest is None:
        said = " and ".join(_said(each, case) for each in requirements)
        has = f"{base} has Python {' and '.join(pythons)}, and {said}"
        other = _newest(requirements, PYTHONS)
        hint = f"take base 'slim', which has Python {other}" if other else "correct one of them"
        raise LockError(Code.PYTHON_VERSION(has, hint, case.at("base")))
    said = " and ".join(f"{_place(r, case)} (requires-python '{r.text}')" for r in requirements)
    allowed = f" and {base} allow" if offered else " allows"
    return Choice(newest, f"the newest that {said}{allowed}")


def _check(
    case: _Case, python: str, requirements: Sequence[Requirement], offered: Sequence[str], key: str
) -> None:
    problems = [
        Code.PYTHON_VERSION(
            f"the image is for Python {python}, and {_said(each, case)}",
            _value(requirements, offered),
            case.at(key),
        )
        for each in requirements
        if not accepts(each.specifier, python)
    ]
    if problems:
        raise LockError(*problems)


def _value(requirements: Sequence[Requirement], offered: Sequence[str]) -> str:
    python = _newest(requirements, offered) or _newest(requirements, PYTHONS)
    return f"set it to '{python}'" if python else "correct one of them"


def _newest(requirements: Sequence[Requirement], offered: Sequence[str]) -> str | None:
    """The first of ``offered`` that is accepted, if possible with the patches that will come."""
    for test in (accepts_latest, accepts):
        for python in offered:
            if all(test(each.specifier, python) for each in requirements):
                return python
    return None


def _said(requirement: Requirement, case: _Case) -> str:
    return f"{_place(requirement, case)} says requires-python '{requirement.text}'"


def _place(requirement: Requirement, case: _Case) -> str:
    where = requirement.location
    return f"{os.path.relpath(where.file, case.root)}:{where.line}:{where.column}"


def _requirements(case: _Case) -> Iterator[Requirement]:
    """Yield the Python requirements of the projects that the image is made of.

    A file that cannot be read says nothing: the lock is going to tell that.
    """
    variant = case.variant
    folder = real_path(case.root / variant.context)
    files: list[Path] = []
    if variant.requirements is None:
        with contextlib.suppress(LockError):
            files += filter(None, [find_source(folder, real_path(case.root))])
    elif variant.requirements != NO_REQUIREMENTS:
        named = case.spec.requirements[variant.requirements].source
        files += [real_path(case.root / source) for source in named]
    if variant.package or variant.requirements != NO_REQUIREMENTS:
        files.append(folder / "pyproject.toml")
    yield from dict.fromkeys(found for file in files for found in _stated(file))


def _stated(file: Path) -> list[Requirement]:
    with contextlib.suppress(LockError):
        if file.name == "uv.lock" and file.is_file():
            # Most projects have another lock.
            from nox_buildkit.lock.uvlock import changed_pythons, requires_python  # noqa: PLC0415

            if not list(changed_pythons(file)):
                found = requires_python(file)
                return [found] if found else []
        manifest = file.parent / "pyproject.toml"
        if manifest.is_file() and _belongs(file):
            read = read_pyproject(manifest)
            if (specifier := read.requires_python) is not None:
                where = read.at("project", "requires-python")
                return [Requirement(specifier, str(read.project.requires_python), where)]
    return []


def _belongs(file: Path) -> bool:
    """Tell whether ``file`` is of the project in its folder; a requirements file may not be."""
    return file.name in ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock")


def _version_file(case: _Case) -> tuple[str, Location] | None:
    """Read the nearest .python-version, as pyenv and uv do, up to the spec's folder."""
    folder, root = real_path(case.root / case.variant.context), real_path(case.root)
    for here in (folder, *folder.parents):
        path = here / ".python-version"
        if not here.is_relative_to(root):
            break
        if not path.is_file():
            continue
        for number, line in enumerate(read_text(path, 2**16).splitlines(), 1):
            text = line.strip()
            if text and not text.startswith("#"):
                found = _VERSION_FILE.match(text)
                return (found[1], Location(str(path), number, 1)) if found else None
    return None
