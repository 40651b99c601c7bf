"""A compose file as values, with the line of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

#: As Compose looks for them.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_MOST = 1_000_000
_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A compose file; ``lines``: of services and their keys, by path."""

    name: str
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def at(self, *path: str) -> str:
        """Return the place of a key, or of what has it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path else self.name


def find_compose(folder: Path) -> Path | None:
    """Return the compose file of ``folder``."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read_compose(path: Path) -> ComposeFile | None:
    """Return the services of a compose file; None if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")[:_MOST]
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None or _size(root, {}) > _VALUES:
            return None
        stated = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    services = stated.get("services") if isinstance(stated, dict) else None
    if not isinstance(services, dict):
        return None
    known = {str(k): v for k, v in services.items() if isinstance(v, dict)}
    return ComposeFile(path.name, {k: _extended(known, k) for k in known}, dict(_lines(root)))


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of values of ``node``, those of an alias each time that it is used."""
    if id(node) not in known:
        # One that holds itself has no end.
        known[id(node)] = _VALUES + 1
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for each in inside for part in (each if isinstance(each, tuple) else (each,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _extended(services: dict[str, dict[str, Any]], name: str, depth: int = 0) -> dict[str, Any]:
    """Return a service with what it takes from another one of the same file."""
    own = services[name]
    extends = own.get("extends")
    other = extends.get("service") if isinstance(extends, dict) else extends
    elsewhere = isinstance(extends, dict) and "file" in extends
    if not isinstance(other, str) or elsewhere or other not in services or depth > len(services):
        return own
    base = _extended(services, other, depth + 1)
    merged = {
        key: {**base[key], **own[key]}
        for key in ("environment", "build")
        if isinstance(base.get(key), dict) and isinstance(own.get(key), dict)
    }
    return {**base, **own, **merged}


def _lines(root: yaml.Node) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the lines of services, of their keys, and of the keys of those."""
    for name, services in _entries(root):
        if name.value != "services":
            continue
        for service, keys in _entries(services):
            yield (service.value,), service.start_mark.line + 1
            for key, value in _entries(keys):
                yield (service.value, key.value), key.start_mark.line + 1
                for inner, _ in _entries(value):
                    yield (service.value, key.value, inner.value), inner.start_mark.line + 1


def _entries(node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(key, value) for key, value in pairs if isinstance(key, yaml.ScalarNode)]
