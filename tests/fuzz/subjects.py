"""What is read from others: seeds, how they are changed, and the readers that get them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from nox_buildkit.buildspec.reading.load import load, parse
from nox_buildkit.facts.dockerignore import DockerIgnore
from nox_buildkit.lock.direct_references import git_packages, local_packages
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.requirement_sets import sources_of
from tests.fuzz.mutate import WORDS, mutated, of_bytes, of_lines, of_tokens, toml
from tests.fuzz.projects import changed_project, read_project

ROOT = Path(__file__).parents[2]
SPECS = [path.read_bytes() for path in sorted(ROOT.glob("examples/*/buildspec.yaml"))]
PYPROJECTS = [
    *(path.read_bytes() for path in sorted(ROOT.glob("examples/**/pyproject.toml"))),
    b"""\
[project]
name = "demo"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["idna>=3", "lib", "git @ git+https://example.com/git"]
dynamic = ["readme"]
optional-dependencies = {x = ["rich"]}

[dependency-groups]
dev = ["pytest", {include-group = "other"}]
other = ["ruff"]

[tool.uv]
index = [{name = "a", url = "https://index.example/simple", default = true}]
find-links = ["wheels"]
sources = {lib = {path = "lib"}}
workspace = {members = ["lib"]}

[tool.poetry.dependencies]
python = "^3.11"
""",
]
REQUIREMENTS = [
    *(path.read_bytes()[:3000] for path in sorted(ROOT.glob("examples/*/requirements*lock"))),
    b"""\
# nox-buildkit lock
-i https://index.example/simple
--extra-index-url https://other.example/simple
-f wheels
-r other.in
./lib ; python_version >= "3.11"
git @ git+https://example.com/git@0123456789012345678901234567890123456789
idna==3.10 \\
    --hash=sha256:12f65c9b470abda6dc35cf8e63cc574b1c52b11df2c86030af0ac09b01b13ea9
""",
]
UV_LOCK = b"""\
version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["demo", "lib"]

[[package]]
name = "demo"
version = "1.0"
source = { editable = "." }
dependencies = [{ name = "idna" }, { name = "lib" }]

[package.metadata]
requires-dist = [{ name = "idna", specifier = ">=3" }, { name = "lib", editable = "lib" }]

[[package]]
name = "lib"
version = "1.0"
source = { directory = "lib" }

[[package]]
name = "idna"
version = "3.10"
source = { registry = "https://packages.example.com/simple" }
sdist = { url = "https://files.example/idna.tar.gz", hash = "sha256:12", size = 1 }
wheels = [{ url = "https://files.example/idna-3.10-py3-none-any.whl", hash = "sha256:9", size = 1 }]
"""
PDM_LOCK = b"""\
[metadata]
groups = ["default", "dev"]
lock_version = "4.5.0"
content_hash = "sha256:12"

[[package]]
name = "idna"
version = "3.10"
groups = ["default"]
"""
POETRY_LOCK = (ROOT / "examples/poetry/poetry.lock").read_bytes()[:2000].rpartition(b"\n\n")[0]
PIPFILE = b'[packages]\nidna = "*"\n[requires]\npython_version = "3.13"\n'
PIPFILE_LOCK = b'{"_meta": {"hash": {"sha256": "0"}}, "default": {"idna": {"version": "==3.10"}}}\n'
IGNORE = b"*\n!src/**\n# a comment\n**/*.pyc\n/docs/[a-m]?.md\nbuild/\n!build/keep\n"
SPEC = "{version: 1, images: {a: {}}}\n"
KEYS = ("images.a.apt", "images.a.env.A", "images.a.command", "defaults.platforms", "registry",
        "images.a.healthcheck.retries", "images.a.tags", "groups.g", "images.b.base", "images",
        "requirements.x.source", "images.a.per-platform.linux/arm64.apt",
        "images.a.package")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One input: files by their names, and ``--set``; ``subject`` says who reads it."""

    subject: str
    files: dict[str, bytes]
    overrides: tuple[tuple[str, str], ...] = ()

    def run(self, folder: Path) -> None:
        """Read it in ``folder``, which is empty."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        READERS[self.subject](folder, self)


def case_of(seed: int, number: int) -> Case:
    """The case ``number`` of the campaign ``seed``: the same wherever and whenever it is made."""
    random = Random(f"{seed}:{number}")
    subject = random.choice(_SHARES)
    return _MAKERS[subject](random)


def _yaml(random: Random) -> bytes:
    return mutated(random.choice(SPECS), yaml.safe_load, _dump, random)


def _dump(tree: Any) -> str:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


def _toml(content: bytes, random: Random) -> bytes:
    return mutated(content, tomllib.loads, toml, random)


def _spec(random: Random) -> Case:
    return Case("spec", {"buildspec.yaml": _yaml(random)})


def _set(random: Random) -> Case:
    pairs = []
    for _ in range(random.choice((1, 1, 2, 20))):
        key = random.choice(KEYS)
        if random.randrange(3) == 0:
            key = of_tokens(key, random)
        value = random.choice((*WORDS, "[a, b]", "{a: b}", "slim", "[slim]"))
        if random.randrange(3) == 0:
            value = of_bytes(value.encode(errors="replace"), random).decode(
                errors="surrogateescape"
            )
        pairs.append((key, value))
    return Case("set", {}, tuple(pairs))


def _pyproject(random: Random) -> Case:
    files = {
        "pyproject.toml": _toml(random.choice(PYPROJECTS), random),
        "lib/pyproject.toml": PYPROJECTS[-1],
    }
    if random.randrange(2):
        files["uv.lock"] = UV_LOCK
    return Case("lock", files)


def _lock(random: Random) -> Case:
    kind = random.randrange(8)
    beside = {"pyproject.toml": PYPROJECTS[-1], "lib/pyproject.toml": PYPROJECTS[0]}
    if kind < 2:
        return Case("lock", {**beside, "uv.lock": _toml(UV_LOCK, random)})
    if kind == 2:
        return Case("lock", {**beside, "pdm.lock": _toml(PDM_LOCK, random)})
    if kind == 3:
        return Case("lock", {**beside, "poetry.lock": _toml(POETRY_LOCK, random)})
    if kind == 4:
        pair = {"Pipfile": PIPFILE, "Pipfile.lock": PIPFILE_LOCK}
        chosen = random.choice(("Pipfile", "Pipfile.lock"))
        pair[chosen] = (
            _toml(PIPFILE, random)
            if chosen == "Pipfile"
            else mutated(PIPFILE_LOCK, json.loads, json.dumps, random)
        )
        return Case("lock", pair)
    name = random.choice(("requirements.lock", "requirements.txt", "requirements.in"))
    content = random.choice(REQUIREMENTS)
    change = of_bytes if random.randrange(4) == 0 else _text
    return Case("lock", {name: change(content, random), "other.in": b"idna\n"})


def _text(content: bytes, random: Random) -> bytes:
    change = random.choice((of_tokens, of_lines))
    return change(content.decode(), random).encode(errors="surrogatepass")


def _ignore(random: Random) -> Case:
    content = IGNORE
    for _ in range(random.choice((1, 2, 3))):
        content = of_bytes(content, random) if random.randrange(3) == 0 else content
        content = _text(content.decode(errors="replace").encode(), random)
    return Case("ignore", {".dockerignore": content})


def _read_spec(folder: Path, _case: Case) -> None:
    load(folder / "buildspec.yaml")


def _read_set(_folder: Path, case: Case) -> None:
    parse(SPEC, "buildspec.yaml", case.overrides)


def _read_lock(folder: Path, _case: Case) -> None:
    spec = parse(SPEC, str(folder / "buildspec.yaml"))
    for source in sources_of(spec, folder).values():
        if source is None:
            continue
        if source.kind == "locked":
            list(local_packages(source.path))
            list(git_packages(source.path))
        else:
            inputs_digest(source)


def _read_ignore(folder: Path, _case: Case) -> None:
    rules = DockerIgnore.read(folder / ".dockerignore")
    for path in ("src/a.py", "build/keep/x", "docs/b1.md", "a/b/c/d/e/f.pyc"):
        rules.leaves_out(path)


def _project(random: Random) -> Case:
    return Case("project", changed_project(random))


def _read_project(folder: Path, case: Case) -> None:
    read_project(folder, case.files)


READERS: dict[str, Callable[[Path, Case], None]] = {
    "spec": _read_spec,
    "set": _read_set,
    "lock": _read_lock,
    "ignore": _read_ignore,
    "project": _read_project,
}
_MAKERS: dict[str, Callable[[Random], Case]] = {
    "spec": _spec,
    "set": _set,
    "pyproject": _pyproject,
    "lock": _lock,
    "ignore": _ignore,
    "project": _project,
}
_SHARES = ("spec",) * 8 + ("set",) * 4 + ("pyproject",) * 3 + ("lock",) * 4 + ("ignore", "project")
