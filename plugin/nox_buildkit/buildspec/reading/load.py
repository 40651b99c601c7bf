"""From the text of a buildspec to a `BuildSpec`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.expected_types import ExpectedKind
from nox_buildkit.buildspec.model.grammar import NO_REQUIREMENTS
from nox_buildkit.buildspec.model.relations import mistakes
from nox_buildkit.buildspec.reading import messages as wording
from nox_buildkit.buildspec.reading.defaults import inherit
from nox_buildkit.buildspec.reading.overrides import apply, as_written
from nox_buildkit.buildspec.reading.yaml_reader import MAX_SIZE, read
from nox_buildkit.buildspec.text import SMALLEST, escaped, nearest, shown
from nox_buildkit.buildspec.tree import Node
from nox_buildkit.errors import Code, Location, Problem, SpecError


def load(path: Path, overrides: Sequence[tuple[str, str]] = ()) -> BuildSpec:
    """Read the spec at ``path``. Raises SpecError with every problem, in order of position."""
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_SIZE + 1)
    except FileNotFoundError:
        hint = f"create it; the smallest one is: {SMALLEST}"
        other = path.with_suffix(".yml" if path.suffix == ".yaml" else ".yaml")
        if other.is_file():
            hint = f"there is {other.name}: rename it, or register('{other.name}')"
        raise SpecError(Code.SPEC_FILE(f"{escaped(str(path))}: no such file", hint)) from None
    except OSError as error:
        raise SpecError(
            Code.SPEC_FILE(f"{escaped(str(path))}: {error.strerror or error}")
        ) from None
    if len(content) > MAX_SIZE:
        hint = f"at most {MAX_SIZE // 1024} KiB"
        raise SpecError(Code.SPEC_FILE("the file is too large", hint, Location(str(path), 1, 1)))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        at = Location(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"not UTF-8 (byte 0x{content[error.start]:02x})"
        raise SpecError(Code.SPEC_FILE(message, "save the file as UTF-8", at)) from None
    return parse(text, str(path), overrides)


def parse(text: str, file: str, overrides: Sequence[tuple[str, str]] = ()) -> BuildSpec:
    """Read a spec from its text; ``overrides`` are pairs of a dotted key and a YAML value.

    Raises SpecError with every problem, in order of position; those of overrides come last, at
    ``--set KEY``.
    """
    document = read(text, file)
    found = list(document.problems)
    if document.root is None:
        raise SpecError(*_ordered(found, file))
    if isinstance(document.root.value, dict):
        _refuse_codebuild(document.root)
    spec_kind = ExpectedKind(BuildSpec)
    tree, more = apply(as_written(document.root, spec_kind), overrides, spec_kind)
    found += more
    tree, more = inherit(tree)
    found += more
    spec = _validated(tree, spec_kind, found)
    if spec is None or found:
        raise SpecError(*_ordered(found, file))
    complete = spec.with_tree(tree)
    if wrong := mistakes(complete):
        raise SpecError(*_ordered(wrong, file))
    return complete


def _validated(tree: Node, kind: ExpectedKind, found: list[Problem]) -> BuildSpec | None:
    spec, known = None, {problem.location for problem in found}
    try:
        spec = BuildSpec.model_validate(tree.data(), by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False)
        translated = [wording.translate(detail, tree, kind) for detail in details]
        # What was reported while reading would only be said a second time, in other words.
        found += [problem for problem in translated if problem.location not in known]
    reported = {problem.location for problem in found}
    found += [p for p in wording.nulls(tree, kind) if p.location not in reported]
    found += [p for p in _undefined_sets(tree) if p.location not in reported]
    return spec


def _refuse_codebuild(root: Node) -> None:
    # https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
    if root.find(["phases"]) and not root.find(["images"]):
        hint = "give this tool's file another name: register('images.yaml')"
        at = root.locate(["phases"], key=True)
        raise SpecError(Code.CODEBUILD_FILE("this is an AWS CodeBuild file", hint, at))


def _undefined_sets(tree: Node) -> list[Problem]:
    """Images that name a set of requirements that nobody defines."""
    sets, images = tree.find(["requirements"]), tree.find(["images"])
    known = list(sets.value) if sets and isinstance(sets.value, dict) else []
    names = list(images.value) if images and isinstance(images.value, dict) else []
    places: list[tuple[str, ...]] = [
        ("defaults", "requirements"),
        *(("images", n, "requirements") for n in names),
    ]
    for name in names:
        node = tree.find(("images", name, "per-platform"))
        if node and isinstance(node.value, dict):
            places += [("images", name, "per-platform", p, "requirements") for p in node.value]
    problems: list[Problem] = []
    for place in places:
        node = tree.find(place)
        if node is None or not isinstance(node.value, str):
            continue
        if node.value in known or node.value == NO_REQUIREMENTS:
            continue
        close = nearest(node.value, known, len(problems))
        hint = close or f"define requirements.{escaped(node.value)}"
        message = f"no set of requirements named {shown(node.value)}"
        problems.append(Code.UNDEFINED_NAME(message, hint, tree.locate(place)))
    return problems


def _ordered(problems: Iterable[Problem], file: str) -> list[Problem]:
    """By position, those of the file before those of overrides, each mistake in the text once."""
    seen: dict[object, Problem] = {}
    for problem in problems:
        at = problem.location
        place = (at.file, at.line, at.column, at.path.rsplit(".", 1)[-1]) if at else None
        seen.setdefault((place, problem.message), problem)

    def position(problem: Problem) -> tuple[bool, int, int]:
        at = problem.location
        # Overrides keep the order in which they were given: sorting is stable.
        return (at.file != file, at.line, at.column) if at and at.file == file else (True, 0, 0)

    return sorted(seen.values(), key=position)
