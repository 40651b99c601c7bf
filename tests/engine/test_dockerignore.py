"""Generated .dockerignore files: what is said to stay out is what BuildKit does not copy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from nox_buildkit.engine.bake import bake_command
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.errors import PlanError
from nox_buildkit.facts.dockerignore import DockerIgnore
from tests.support.ignore_rules import FILES, make_tree, rule_set

#: Contexts of one target, each a layer.
_TOGETHER = 40


def test_dockerignore_means_what_buildkit_copies(engine: Engine, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    wanted: dict[str, set[str]] = {}
    refused = []
    for number in range(300):
        try:
            rules = DockerIgnore(rule_set(number))
        except PlanError:
            refused.append(number)
            continue
        wanted[f"case{number}"] = {path for path in FILES if not rules.leaves_out(path)}
    folders = _contexts(tmp_path, [*wanted, *(f"case{number}" for number in refused)])

    _bake(engine, tmp_path, {name: folders[name] for name in wanted})

    found = {name: _files(tmp_path / "out" / name) for name in wanted}
    assert len(wanted) >= 200
    assert {n: rule_set(int(n.removeprefix("case"))) for n in wanted if found[n] != wanted[n]} == {}
    assert 0.2 < sum(map(len, wanted.values())) / (len(wanted) * len(FILES)) < 0.9
    assert refused


def _contexts(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """A context for each case: the same files by hard links, and its rules."""
    made = {}
    for name in names:
        made[name] = folder / "contexts" / name
        made[name].parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "--recursive", "--link", folder / "tree", made[name]], check=True)
        rules = rule_set(int(name.removeprefix("case")))
        (made[name] / ".dockerignore").write_bytes(rules)
    return made


def _bake(engine: Engine, folder: Path, contexts: Mapping[str, Path]) -> None:
    names = list(contexts)
    targets = {}
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        copies = [f"COPY --link --from={name} . /{name}/" for name in some]
        targets[f"target{start}"] = {
            "context": str(folder / "empty"),
            "contexts": {name: str(contexts[name]) for name in some},
            "dockerfile-inline": "\n".join(["FROM scratch", *copies]),
            "output": [f"type=local,dest={folder / 'out'}"],
            "attest": ["type=provenance,disabled=true"],
        }
    (folder / "empty").mkdir()
    (folder / "bake.json").write_text(json.dumps({"target": targets}))
    command = bake_command(engine, ["bake.json"], list(targets), metadata_file="metadata.json",
                           allow=[Allow("fs", str(folder))])  # fmt: skip
    env = engine.docker.environment
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".dockerignore"
    }
