"""Targets of bake as builds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from nox_buildkit.init.baked.definition import Definition
from nox_buildkit.init.builds import DOCKERFILE, Build, Builds
from nox_buildkit.init.composed.values import taken
from nox_buildkit.oci.content import Compression

_READ = frozenset(
    {"args", "cache-from", "cache-to", "context", "contexts", "dockerfile", "dockerfile-inline",
     "labels", "matrix", "name", "output", "platforms", "tags", "target", "description"}
)  # fmt: skip
#: Keys of a layer cache that a buildspec has, by what buildx calls them.
_CACHE = {"type": "type", "ref": "ref", "mode": "mode", "dest": "path", "bucket": "bucket",
          "region": "region", "prefix": "prefix", "endpoint_url": "endpoint"}  # fmt: skip


def of_targets(definition: Definition) -> Builds:
    """Return the builds of a definition: targets of its groups, or all where it has none."""
    if definition.problem:
        return Builds(notes=(definition.problem,))
    grouped = {name: list(_members(definition, name, ())) for name in definition.groups}
    wanted = {target for members in grouped.values() for target in members}
    names = [t for t in definition.targets if t in wanted or not wanted]
    notes = [
        f"{definition.at(name)}: target '{name}' is in no group, so it is no image"
        for name in definition.targets
        if name not in names
    ]
    builds = [_build(definition, name, definition.targets[name], notes) for name in names]
    groups = {k: v for k, v in grouped.items() if k != "default" and v}
    return Builds(tuple(builds), groups, (*definition.notes, *notes))


def _members(definition: Definition, name: str, seen: Sequence[str]) -> Iterator[str]:
    if name in definition.targets:
        yield name
    elif name in definition.groups and name not in seen:
        found = [m for each in definition.groups[name]
                 for m in _members(definition, each, (*seen, name))]  # fmt: skip
        yield from dict.fromkeys(found)


def _build(definition: Definition, name: str, stated: Mapping[str, Any], notes: list[str]) -> Build:
    where = definition.at(name)
    notes += [
        f"{definition.at(name, key)}: target '{name}': {key}: not taken over"
        for key, value in stated.items()
        if key not in _READ and value
    ]
    args, left = taken({k: v for k, v in (stated.get("args") or {}).items() if v is not None})
    place = definition.at(name, "args")
    notes += [f"{place}: args.{k}: not taken over: {why}" for k, why in left.items()]
    keys: dict[str, Any] = {"platforms": list(stated.get("platforms") or ())}
    keys["labels"], left = taken(stated.get("labels") or {})
    place = definition.at(name, "labels")
    notes += [f"{place}: labels.{k}: not taken over: {why}" for k, why in left.items()]
    keys |= _names(name, list(stated.get("tags") or ()))
    keys |= _cache(stated)
    compressions = {pairs.get("compression", "") for pairs in _options(stated, "output")}
    keys["compression"] = "zstd" if "zstd" in compressions else ""
    notes += [
        f"{definition.at(name, 'output')}: target '{name}': compression={each}: not taken over"
        for each in sorted(compressions - {"", *get_args(Compression)})
    ]
    contexts = {k: str(v) for k, v in (stated.get("contexts") or {}).items()}
    file = where.rpartition(":")[0] or where
    return Build(
        name, where, f"Target '{name}' of {file}.",
        context=str(stated.get("context") or "."),
        dockerfile=str(stated.get("dockerfile") or DOCKERFILE),
        inline=str(stated.get("dockerfile-inline") or ""),
        target=str(stated.get("target") or ""),
        args=args, keys={k: v for k, v in keys.items() if v}, contexts=contexts,
    )  # fmt: skip


def _names(name: str, stated: Sequence[str]) -> dict[str, Any]:
    """Return repositories and tags; those of the default name are not repeated."""
    repositories: dict[str, None] = {}
    tags: dict[str, None] = {}
    for reference in stated:
        repository, colon, tag = reference.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = reference, "latest"
        if "/" in repository:
            folder, _, last = repository.rpartition("/")
            repositories[f"{folder}/{{image}}" if last == name else repository] = None
        tags[tag] = None
    return {"repositories": list(repositories), "tags": list(tags)}


def _cache(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first layer cache that can be written."""
    for pairs in _options(stated, "cache-to"):
        found = {_CACHE[k]: v for k, v in pairs.items() if k in _CACHE}
        if found.get("type") in ("registry", "local", "gha", "s3"):
            return {"cache": {k: v for k, v in found.items() if (k, v) != ("mode", "max")}}
    return {}


def _options(stated: Mapping[str, Any], key: str) -> Iterator[Mapping[str, str]]:
    """Yield each entry of ``key``, in whichever form it was written."""
    for each in stated.get(key) or ():
        yield each if isinstance(each, dict) else dict(re.findall(r"([\w-]+)=([^,]+)", each))
