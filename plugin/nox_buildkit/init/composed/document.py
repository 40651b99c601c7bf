"""A compose file as values, with the line of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nox_buildkit.init.composed.loading import load
from nox_buildkit.init.composed.values import items, pairs

#: As Compose looks for them.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_MOST = 1_000_000
_REPLACED = frozenset({"command", "entrypoint", "test"})
_JOINED = frozenset({"env_file", "expose", "platforms", "ports", "tags", "volumes"})


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A compose file; ``lines``: of services and their keys, by path; ``notes``: what is unread."""

    name: str
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

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
        loaded = load(path.read_text(encoding="utf-8-sig")[:_MOST])
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    if loaded is None:
        return None
    root, stated = loaded
    services = stated.get("services") if isinstance(stated, dict) else None
    if not isinstance(services, dict):
        return None
    known = {str(k): _normal(v) for k, v in services.items() if isinstance(v, dict)}
    lines, notes = dict(_lines(root)), []
    if "include" in stated:
        notes.append(f"{path.name}: include: not read: run init where those files are")
    for name, service in known.items():
        extends = service.get("extends")
        if isinstance(extends, dict) and "file" in extends:
            line = lines.get((name, "extends"), lines.get((name,), 1))
            notes.append(f"{path.name}:{line}: extends: {extends['file']}: that file is not read")
    extended = {name: _extended(known, name) for name in known}
    return ComposeFile(path.name, extended, lines, tuple(notes))


def _normal(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service with mappings in the place of lists and of the short form of ``build``."""
    found = dict(service)
    if isinstance(build := found.get("build"), str):
        found["build"] = {"context": build}
    elif isinstance(build, dict):
        found["build"] = _mapped(build, ("args", "labels", "additional_contexts"))
    return _mapped(found, ("environment", "labels"))


def _mapped(table: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        key: dict(pairs(value)) if key in keys and isinstance(value, list) else value
        for key, value in table.items()
    }


def _extended(services: dict[str, dict[str, Any]], name: str, depth: int = 0) -> dict[str, Any]:
    """Return a service with what it takes from another one of the same file."""
    own = services[name]
    extends = own.get("extends")
    other = extends.get("service") if isinstance(extends, dict) else extends
    elsewhere = isinstance(extends, dict) and "file" in extends
    if not isinstance(other, str) or elsewhere or other not in services or depth > len(services):
        return own
    return _merged(_extended(services, other, depth + 1), own)


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``own`` over ``base``: Compose joins mappings and lists, but for commands."""
    found = {**base, **own}
    for key in base.keys() & own.keys() - _REPLACED:
        below, above = base[key], own[key]
        if isinstance(below, dict) and isinstance(above, dict):
            found[key] = _merged(below, above)
        elif key in _JOINED:
            found[key] = [
                *items(below),
                *(each for each in items(above) if each not in items(below)),
            ]
    return found


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
