"""A bake definition: in HCL as buildx prints it, in JSON as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nox_buildkit.engine.at_hand import ask_buildx, buildx_at_hand

#: As bake looks for them, the later over the earlier.
NAMES = (
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
)  # fmt: skip
_REFERENCE = re.compile(r"\$\{(\w+)\}")
#: What a target adds to what it inherits, name by name.
_LISTS = ("targets", "inherits", "platforms", "tags", "cache-to")
_MERGED = ("args", "labels", "contexts")


@dataclass(frozen=True, slots=True)
class Definition:
    """Targets with all that they inherit; ``texts``: of the files; ``problem``: why there is none.

    ``groups``: names of targets, and of other groups; ``notes``: what buildx was not asked for.
    """

    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()

    def at(self, target: str, key: str = "") -> str:
        """Return the place of a target, or of a key of it."""
        for name, text in self.texts.items():
            quoted = re.escape(json.dumps(target))
            begin = re.search(rf"target\s+{quoted}\s*\{{|{quoted}\s*:\s*\{{", text)
            if begin:
                rest = text[begin.end() :]
                inside = rest[: _end(rest)]
                found = key and re.search(rf"^\s*\"?{re.escape(key)}\"?\s*[=:]", inside, re.M)
                end = begin.end() + found.end() if found else begin.start()
                return f"{name}:{text.count(chr(10), 0, end) + 1}"
        return next(iter(self.texts), "")


def read_definition(folder: Path) -> Definition | None:
    """Return the definition of the bake files of ``folder``; None if there are none.

    Raises EngineError if buildx does not answer.
    """
    names = [name for name in NAMES if (folder / name).is_file()]
    if not names:
        return None
    texts = {n: (folder / n).read_text(encoding="utf-8", errors="replace") for n in names}
    if not any(name.endswith(".hcl") for name in names):
        return _of_json(texts)
    buildx = buildx_at_hand()
    if buildx is None:
        hint = "no docker buildx is here to read it; `nox -s engine -- start` fetches one"
        return Definition(texts=texts, problem=f"{names[0]}: not taken over: {hint}")
    files = [word for name in names for word in ("-f", name)]
    done = ask_buildx(buildx, "bake", *files, "--list=type=targets,format=json", cwd=folder)
    if done.returncode:
        return Definition(texts=texts, problem=f"{names[0]}: not taken over: {done.cause}")
    listed = json.loads(done.output)
    groups = {e["name"]: e.get("description", "").split(", ") for e in listed if e.get("group")}
    single = [each["name"] for each in listed if not each.get("group")]
    # It looks for the files of secrets, which are on other machines.
    bare = ("--set", "*.secrets=")
    done = ask_buildx(buildx, "bake", *files, "--print", *bare, *single, cwd=folder)
    if done.returncode:
        return Definition(texts=texts, problem=f"{names[0]}: not taken over: {done.cause}")
    notes = tuple(_secrets(texts))
    return Definition(json.loads(done.output).get("target", {}), groups, texts, notes=notes)


def _secrets(texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*\"?secret\"?\s*[=:]", line):
                yield f"{name}:{number}: secret: not taken over"


def _of_json(texts: Mapping[str, str]) -> Definition:
    targets: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for name, text in texts.items():
        try:
            stated = json.loads(text)
            for variable, said in _tables(stated, "variable"):
                values[variable] = str(said.get("default") or "")
            for group, said in _tables(stated, "group"):
                groups[group] = _checked(group, said)["targets"]
            for target, said in _tables(stated, "target"):
                targets[target] = _over(targets.get(target, {}), _checked(target, said))
        except (ValueError, AttributeError, TypeError) as error:
            return Definition(texts=texts, problem=f"{name}: not taken over: {error}")
    for table in targets.values():
        table.pop("targets")
    filled = {k: _filled(_inherited(targets, k, ()), values) for k in targets}
    return Definition(filled, groups, texts)


def _tables(stated: Any, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in stated.get(kind, {}).items():
        # HCL's JSON has blocks as lists, too.
        table = value[0] if isinstance(value, list) and value else value
        if isinstance(table, dict):
            yield name, table


def _checked(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table whose values have the kinds that bake gives them. Raises ValueError."""
    found = {"targets": [], **table}
    for key, value in found.items():
        if key in _MERGED:
            if not isinstance(value, dict):
                raise ValueError(f"{name}: {key} is no object")
            found[key] = {k: v if v is None else str(v) for k, v in value.items()}
        elif key in _LISTS:
            if not isinstance(value, list):
                raise ValueError(f"{name}: {key} is no array")
            found[key] = [v if isinstance(v, dict) and key == "cache-to" else str(v) for v in value]
    return found


def _inherited(
    targets: Mapping[str, dict[str, Any]], name: str, seen: tuple[str, ...]
) -> dict[str, Any]:
    own = targets[name]
    found: dict[str, Any] = {}
    for parent in own.get("inherits", ()):
        if parent in targets and parent not in seen:
            found = _over(found, _inherited(targets, parent, (*seen, name)))
    return {k: v for k, v in _over(found, own).items() if k != "inherits"}


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {k: {**below[k], **above[k]} for k in _MERGED if k in below and k in above}
    return {**below, **above, **merged}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Return ``value`` with variables as they are where nobody sets them."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    return value


def _end(text: str) -> int:
    """Return the end of the block that ``text`` begins within."""
    depth = 1
    for found in re.finditer(r"[{}]", text):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.start()
    return len(text)
