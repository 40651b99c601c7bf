"""YAML text to a tree whose every node knows its place; all that is wrong with the text at once.

YAML is read as PyYAML reads it (version 1.1), but strictly: one document, string keys, no key
twice, no tags beyond the core ones, and bounds that no alias or nesting can escape.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from nox_buildkit.buildspec.text import SMALLEST, escaped, shown
from nox_buildkit.buildspec.tree import KeyPath, Node, Scalar, dotted, misread
from nox_buildkit.errors import Code, Location, Problem

MAX_SIZE = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000

_CORE = "tag:yaml.org,2002:"
_MERGE = _CORE + "merge"
# '=' and '<<' have tags of their own in YAML 1.1, and are but text where a value is expected.
_TEXT = {_CORE + "str", _CORE + "value", _MERGE}


@dataclass(slots=True)
class Document:
    """The value that was read (None if it could not be), and all problems."""

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)


def read(text: str, file: str, path: KeyPath = ()) -> Document:
    """Read one YAML document; ``path`` is where its root stands in the spec."""
    document = Document()
    top = Location(file, 1, 1, dotted(path))
    if len(text) > MAX_SIZE:
        hint = f"at most {MAX_SIZE // 1024} KiB"
        document.problems.append(Code.SPEC_FILE("the file is too large", hint, top))
        return document
    with _reporting(document, text, file):
        loader = _Loader(text)
        try:
            node = loader.single_node()
            if node is None:
                hint = f"the smallest one is: {SMALLEST}"
                document.problems.append(Code.SPEC_FILE("the file is empty", hint, top))
                return document
            document.root = _Tree(loader, file, document.problems).node(node, path, top)
        finally:
            loader.dispose()
    return document


class _Refused(yaml.MarkedYAMLError):
    """Text that is YAML, but not YAML that is read here."""


class _Loader(yaml.SafeLoader):
    """PyYAML's composer, with bounds that hold while it composes."""

    def __init__(self, text: str) -> None:
        self.depth = 0
        self.nodes = 0
        super().__init__(text)

    def single_node(self) -> yaml.Node | None:
        # types-PyYAML leaves the parser's methods untyped.
        self.get_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.StreamEndEvent):
            return None
        document = self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused(None, None, "a second document; one file holds one", mark)
        return document

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.nodes += 1
        self.depth += 1
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _too_much(self.depth, mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _too_much(depth: int, mark: yaml.Mark) -> _Refused:
    if depth > MAX_DEPTH:
        return _Refused(None, None, f"nested too deeply; at most {MAX_DEPTH} levels", mark)
    return _Refused(None, None, f"too many values; at most {MAX_NODES}, aliases included", mark)


class _Tree:
    """Composed nodes to `Node`, collecting problems."""

    def __init__(self, loader: _Loader, file: str, problems: list[Problem]) -> None:
        self.loader = loader
        self.file = file
        self.problems = problems
        self.count = 0
        self.open: list[yaml.Node] = []

    def location(self, node: yaml.Node, path: KeyPath) -> Location:
        mark = node.start_mark
        return Location(self.file, mark.line + 1, mark.column + 1, dotted(path))

    def report(self, node: yaml.Node, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(Code.YAML(message, hint, self.location(node, path)))

    def node(self, node: yaml.Node, path: KeyPath, key: Location | None) -> Node:
        at = self.location(node, path)
        with self.entered(node):
            if isinstance(node, yaml.MappingNode) and node.tag == _CORE + "map":
                return Node(self.mapping(node, path), at, key)
            if isinstance(node, yaml.SequenceNode) and node.tag == _CORE + "seq":
                items = (self.node(n, (*path, i), None) for i, n in enumerate(node.value))
                return Node(tuple(items), at, key)
            if isinstance(node, yaml.ScalarNode):
                value, raw = self.scalar(node, path)
                return Node(value, at, key, raw)
            self.unknown_tag(node, path)
            return Node({}, at, key)

    @contextmanager
    def entered(self, node: yaml.Node) -> Iterator[None]:
        """Count ``node`` every time that it is reached, by whatever alias."""
        self.count += 1
        if self.count > MAX_NODES or len(self.open) >= MAX_DEPTH:
            raise _too_much(len(self.open) + 1, node.start_mark)
        if any(node is other for other in self.open):
            raise _Refused(None, None, "an alias inside its own anchor", node.start_mark)
        self.open.append(node)
        yield
        self.open.pop()

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged.append(value_node)
                continue
            key = self.key(key_node, path)
            if key is None:
                continue
            at = self.location(key_node, (*path, key))
            if key in found:
                first = found[key].key
                where = f"line {first.line}" if first else "above"
                self.problems.append(Code.YAML("duplicate key", f"it is set at {where} too", at))
                continue
            found[key] = self.node(value_node, (*path, key), at)
        for value_node in merged:
            self.merge(value_node, path, found)
        return found

    def merge(self, node: yaml.Node, path: KeyPath, into: dict[str, Node]) -> None:
        """``<<``: keys that are there win, and of several mappings the first (yaml.org/type/merge).

        What is merged keeps the place where it is written.
        """
        if isinstance(node, yaml.SequenceNode):
            with self.entered(node):
                for item in node.value:
                    self.merge(item, path, into)
        elif isinstance(node, yaml.MappingNode):
            with self.entered(node):
                for key, value in self.mapping(node, path).items():
                    into.setdefault(key, value)
        else:
            self.report(node, path, "only mappings can be merged with '<<'")

    def key(self, node: yaml.Node, path: KeyPath) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, path, "a key must be a string")
            return None
        value, raw = self.scalar(node, path)
        if raw is None:
            return str(value)
        message, hint = misread(value, raw)
        if not raw:
            message, hint = "an empty key", "name it"
        self.report(node, (*path, raw) if raw else path, message, hint)
        return raw or None

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> tuple[Scalar, str | None]:
        """The value, and its text if YAML does not read it as a string."""
        if node.tag in _TEXT:
            return node.value, None
        constructors: dict[str, Any] = {
            "null": self.loader.construct_yaml_null,
            "bool": self.loader.construct_yaml_bool,
            "int": self.loader.construct_yaml_int,
            "float": self.loader.construct_yaml_float,
            "timestamp": self.loader.construct_yaml_timestamp,
        }
        construct = constructors.get(node.tag.removeprefix(_CORE))
        if construct is None:
            self.unknown_tag(node, path)
            return node.value, None
        try:
            return construct(node), node.value
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            kind = node.tag.removeprefix(_CORE)
            self.report(node, path, f"{shown(node.value)} is not a valid {kind}", "use quotes")
            return node.value, None

    def unknown_tag(self, node: yaml.Node, path: KeyPath) -> None:
        tag = "!!" + node.tag.removeprefix(_CORE) if node.tag.startswith(_CORE) else node.tag
        self.report(node, path, f"the tag {shown(tag)} is not read here", "remove it")


@contextmanager
def _reporting(document: Document, text: str, file: str) -> Iterator[None]:
    """PyYAML's errors as problems of ``document``."""
    try:
        yield
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        at = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = error.character if isinstance(error.character, int) else ord(error.character)
        document.problems.append(Code.YAML(f"the character U+{code:04X} is not allowed", "", at))
    except _Refused as error:
        document.problems.append(Code.YAML(str(error.problem), "", _position(error, file)))
    except yaml.MarkedYAMLError as error:
        problem = escaped(str(error.problem), 200)
        message = f"{problem} ({escaped(error.context, 200)})" if error.context else problem
        at = _position(error, file)
        line = [*text.splitlines(), "", ""][at.line - 1]
        indent = line[: len(line) - len(line.lstrip())]
        tab = "\t" in indent or "'\\t'" in problem
        hint = "indent with spaces, not with tabs" if tab else ""
        document.problems.append(Code.YAML(f"not valid YAML: {message}", hint, at))
    except (ValueError, OverflowError):
        # PyYAML lets escapes such as "\UFFFFFFFF" and overlong version numbers fail in Python.
        message = "not valid YAML: a number or an escape that is out of range"
        document.problems.append(Code.YAML(message, "", Location(file, 1, 1)))


def _position(error: yaml.MarkedYAMLError, file: str) -> Location:
    mark = error.problem_mark or error.context_mark
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)
