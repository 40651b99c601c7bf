"""Files of others that are wrong, cut, huge or no files: one clear error each, with its place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, NoxBuildkitError
from nox_buildkit.facts.python_versions import with_pythons
from nox_buildkit.lock.export import export, unless_stale
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.pdmlock import pdm_groups
from nox_buildkit.lock.poetrylock import check_poetry_lock
from nox_buildkit.lock.readers import read_json
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source
from tests.support.codes import coded

CONFLICT = "<<<<<<< HEAD\n{0}=======\n{0}>>>>>>> other\n"
PYPROJECT = '[project]\nname = "a"\nversion = "1"\ndependencies = ["idna"]\n'
UV_LOCK = (
    'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "a"\nversion = "1"\n'
    'source = {{ virtual = "." }}\n{}'
)

MANIFESTS = {
    "project is a number": "project = 3\n",
    "project is a string": 'project = "a"\n',
    "project is an array": "project = [1]\n",
    "tables of project": "[[project]]\nname = 'a'\n",
    "name": "[project]\nname = 1\n",
    "name is a table": "[project.name]\na = 1\n",
    "version": "[project]\nname = 'a'\nversion = 1.0\n",
    "version is a date": "[project]\nname = 'a'\nversion = 2020-01-01\n",
    "dynamic": "[project]\nname = 'a'\ndynamic = 'dependencies'\n",
    "dynamic of numbers": "[project]\nname = 'a'\ndynamic = [1]\n",
    "dependencies": "[project]\nname = 'a'\ndependencies = 'idna'\n",
    "dependencies are a table": "[project]\nname = 'a'\n[project.dependencies]\nidna = '1'\n",
    "dependencies of numbers": "[project]\nname = 'a'\ndependencies = ['idna', 3]\n",
    "dependencies of arrays": "[project]\nname = 'a'\ndependencies = [['idna']]\n",
    "dependencies of tables": "[project]\nname = 'a'\ndependencies = [{a = 1}]\n",
    "dependencies are true": "[project]\nname = 'a'\ndependencies = true\n",
    "extras": PYPROJECT + "optional-dependencies = 1\n",
    "extras are an array": PYPROJECT + "optional-dependencies = ['idna']\n",
    "extra": PYPROJECT + "[project.optional-dependencies]\nweb = 'idna'\n",
    "extra of numbers": PYPROJECT + "[project.optional-dependencies]\nweb = [1]\n",
    "requires-python is a number": PYPROJECT + "requires-python = 3.11\n",
    "requires-python is an option": PYPROJECT + "requires-python = '--help'\n",
    "requires-python is a word": PYPROJECT + "requires-python = 'three'\n",
    "requires-python is a caret": PYPROJECT + "requires-python = '^3.11'\n",
    "requires-python is an array": PYPROJECT + "requires-python = ['>=3.11']\n",
    "groups": PYPROJECT + "[[dependency-groups]]\na = 1\n",
    "groups are a number": "dependency-groups = 1\n" + PYPROJECT,
    "group": PYPROJECT + "[dependency-groups]\ndev = 'idna'\n",
    "group of numbers": PYPROJECT + "[dependency-groups]\ndev = [1]\n",
    "tool": "tool = 1\n" + PYPROJECT,
    "tool is an array": "tool = []\n" + PYPROJECT,
    "tool.uv": "tool.uv = 1\n" + PYPROJECT,
    "tool.uv is an array": PYPROJECT + "[[tool.uv]]\na = 1\n",
    "index is a string": PYPROJECT + "[tool.uv]\nindex = 'https://a/simple'\n",
    "index is a table": PYPROJECT + "[tool.uv.index]\nurl = 'https://a/simple'\n",
    "index without url": PYPROJECT + "[[tool.uv.index]]\nname = 'a'\n",
    "index with a number": PYPROJECT + "[[tool.uv.index]]\nurl = 1\n",
    "index default": PYPROJECT + "[[tool.uv.index]]\nurl = 'https://a/simple'\ndefault = 'yes'\n",
    "index name": PYPROJECT + "[[tool.uv.index]]\nurl = 'https://a/simple'\nname = 1\n",
    "find-links": PYPROJECT + "[tool.uv]\nfind-links = 'wheels'\n",
    "find-links of numbers": PYPROJECT + "[tool.uv]\nfind-links = [1]\n",
    "sources": PYPROJECT + "[tool.uv]\nsources = 1\n",
    "source": PYPROJECT + "[tool.uv.sources]\nidna = 'path'\n",
    "source of numbers": PYPROJECT + "[tool.uv.sources]\nidna = [1]\n",
    "tool.poetry": "tool.poetry = 'a'\n" + PYPROJECT,
    "tool.pdm": "tool.pdm = 1\n" + PYPROJECT,
    "build-system": "build-system = 1\n" + PYPROJECT,
    "cut header": "[project",
    "cut string": '[project]\nname = "a',
    "cut array": PYPROJECT[:-3],
    "cut key": "[project]\nname",
    "cut value": "[project]\nname =",
    "key twice": "[project]\nname = 'a'\nname = 'b'\n",
    "table twice": PYPROJECT + "[project]\nname = 'b'\n",
    "conflict": CONFLICT.format(PYPROJECT),
    "deep arrays": PYPROJECT + "[tool.uv]\na = " + "[" * 100_000 + "\n",
    "deep closed arrays": PYPROJECT + "[tool.a]\na = " + "[" * 5000 + "]" * 5000 + "\n",
    "deep tables": PYPROJECT + "[tool.a]\na = " + "{a=" * 5000 + "1" + "}" * 5000 + "\n",
    "a long number": PYPROJECT + "[tool.a]\na = " + "9" * 100_000 + "\n",
    "huge": PYPROJECT + "# " + "x" * 2_000_000 + "\n",
    "many lines": PYPROJECT + "\n" * 3_000_000,
    "nul": "[project]\nname = 'a\0b'\n",
    "no toml": "from setuptools import setup\n",
    "a BOM": "\ufeff" + PYPROJECT,
}

LOCKS = {
    "requires-python is a number": "version = 1\nrequires-python = 3\n",
    "requires-python is an option": 'version = 1\nrequires-python = "--help"\n',
    "requires-python is an array": "version = 1\nrequires-python = ['>=3.11']\n",
    "requires-python is a table": "version = 1\n[requires-python]\na = 1\n",
    "manifest": "manifest = 1\n",
    "members": "[manifest]\nmembers = 'a'\n",
    "cut": 'version = 1\nrequires-python = ">=3',
    "conflict": CONFLICT.format(UV_LOCK.format("")),
    "conflict in it": UV_LOCK.format(CONFLICT.format('sdist = "a"\n')),
    "package without name": UV_LOCK.format("").replace('name = "a"\n', ""),
    "package name": UV_LOCK.format("").replace('"a"', "1"),
    "metadata": UV_LOCK.format("metadata = 1\n"),
    "requires-dist": UV_LOCK.format("\n[package.metadata]\nrequires-dist = 1\n"),
    "requires-dist of strings": UV_LOCK.format("\n[package.metadata]\nrequires-dist = ['a']\n"),
    "requires-dist without name": UV_LOCK.format(
        "\n[package.metadata]\nrequires-dist = [{ specifier = '>=1' }]\n"
    ),
    "specifier": UV_LOCK.format(
        "\n[package.metadata]\nrequires-dist = [{ name = 'a', specifier = 1 }]\n"
    ),
    "requires-dev": UV_LOCK.format("\n[package.metadata]\nrequires-dev = []\n"),
    "cut member": UV_LOCK.format("\n[package.metadata]\nrequires-dist = [\n"),
    "deep": UV_LOCK.format("a = " + "[" * 100_000 + "\n"),
    "deep head": "a = " + "[" * 100_000 + "\n",
    "huge": "version = 1\n# " + "x" * 20_000_000,
    "huge head": "version = 1\n# " + "x" * 3_000_000,
    "huge member": UV_LOCK.format("# " + "x" * 3_000_000),
}

REQUIREMENTS = {
    "itself": "-r requirements.in\n",
    "itself as constraint": "idna\n-c requirements.in\n",
    "missing": "idna\n-r missing.in\n",
    "a folder": "-r folder\n",
    "endless": "-r /dev/zero\n",
    "a terminal": "-r /dev/null\n",
    "conflict": CONFLICT.format("idna==3.1\n"),
    "a page": "-f https://a.example/links.html\n",
    "no index": "--index-url nowhere\n",
    "a password": "--index-url https://me:secret@a.example/simple\n",
    "no folder": "--find-links nowhere\n",
    "huge": "idna\n" + "#" * 20_000_000,
    "a pipe": "-r pipe\n",
    "a loop of links": "-r loop\n",
    "a long name": f"-r {'x' * 5000}\n",
}


def _locked(root: Path) -> None:
    """As a run does, short of what asks uv for an answer."""
    spec = parse("version: 1\nimages:\n  web: {}\n", "buildspec.yaml")
    spec, _ = with_pythons(spec, root)
    for source in sources_of(spec, root).values():
        assert source
        if source.kind == "uv":
            unless_stale(source)
        inputs_digest(source)


def _refused(act: Callable[[], object]) -> str:
    begun = time.monotonic()
    with pytest.raises(NoxBuildkitError) as caught:
        act()
    # Twice what is promised: other programs run on the machine of a test.
    assert time.monotonic() - begun < 4
    said = str(caught.value)
    assert len(said) < 4000
    assert "secret" not in said
    return said


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_pyproject_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "requirements.lock").write_text("")

    assert f"{tmp_path}/pyproject.toml:" in _refused(lambda: _locked(tmp_path))


@pytest.mark.parametrize("text", LOCKS.values(), ids=LOCKS.keys())
def test_a_uv_lock_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "uv.lock").write_text(text)

    with pytest.raises(NoxBuildkitError), coded(Code.UNREADABLE_SOURCE):
        _locked(tmp_path)
    assert f"{tmp_path}/uv.lock:" in _refused(lambda: _locked(tmp_path))


@pytest.mark.parametrize("text", REQUIREMENTS.values(), ids=REQUIREMENTS.keys())
def test_requirements_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.in").write_text(text)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")

    assert f"{tmp_path}/requirements.in:" in _refused(lambda: _locked(tmp_path))


def test_an_address_that_is_no_index_has_its_code(tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_text(REQUIREMENTS["no index"])
    with pytest.raises(NoxBuildkitError), coded(Code.INDEX):
        _locked(tmp_path)


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock", "requirements.in"])
def test_bytes_that_are_no_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / name).write_bytes(b"# caf\n\xe9\n")

    if name == "requirements.in":
        (tmp_path / "pyproject.toml").unlink()
    assert f"{tmp_path}/{name}:2:1: not UTF-8" in _refused(lambda: _locked(tmp_path))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{", '{"default": ', "nul", '{"a": 1}x', "[" * 100_000, "9" * 100_000,
     CONFLICT.format('{"default": {}}\n')],
)  # fmt: skip
def test_a_pipfile_lock_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pipfile.lock").write_text(text)
    assert f"{tmp_path}/Pipfile.lock:" in _refused(lambda: read_json(tmp_path / "Pipfile.lock"))


@pytest.mark.parametrize(
    "text",
    ["[metadata]\ngroups = 1\n", "[metadata]\ngroups = [1]\n", "[metadata]\ngroups = [\n",
     CONFLICT.format("[metadata]\n"), "[metadata]\na = " + "[" * 100_000],
)  # fmt: skip
def test_a_pdm_lock_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pdm.lock").write_text(text)
    assert f"{tmp_path}/pdm.lock:" in _refused(lambda: pdm_groups(tmp_path / "pdm.lock"))


POETRY_LOCK = (
    '[[package]]\nname = "idna"\nversion = "3.1"\nfiles = [{{file = "a"}}]\n{}'
    '[metadata]\nlock-version = "2.1"\ncontent-hash = "0"\n'
)
POETRY_LOCKS = {
    "empty": "",
    "package": "package = 1\n" + POETRY_LOCK.partition("[metadata]")[2],
    "packages of strings": "package = ['idna']\n[metadata]\nlock-version = '2'\n",
    "name": POETRY_LOCK.format("").replace('"idna"', "3"),
    "no name": POETRY_LOCK.format("").replace('name = "idna"\n', ""),
    "version": POETRY_LOCK.format("").replace('"3.1"', "3.1"),
    "files": POETRY_LOCK.format("").replace('[{file = "a"}]', "'a'"),
    "files of numbers": POETRY_LOCK.format("").replace('[{file = "a"}]', "[1]"),
    "dependencies": POETRY_LOCK.format("dependencies = ['a']\n"),
    "extras": POETRY_LOCK.format("extras = 1\n"),
    "metadata": "metadata = 1\n",
    "lock-version": POETRY_LOCK.format("").replace('"2.1"', "2.1"),
    "content-hash": POETRY_LOCK.format("").replace('"0"', "[]"),
    "cut header": POETRY_LOCK.format("")[:8],
    "cut string": POETRY_LOCK.format("")[:20],
    "cut before metadata": POETRY_LOCK.format("").partition("[metadata]")[0],
    "conflict": CONFLICT.format(POETRY_LOCK.format("")),
    "conflict in it": POETRY_LOCK.format(CONFLICT.format("optional = true\n")),
    "deep": POETRY_LOCK.format("a = " + "[" * 100_000 + "\n"),
    "deep tables": POETRY_LOCK.format("a = " + "{a=" * 5000 + "1" + "}" * 5000 + "\n"),
    "a long number": POETRY_LOCK.format("a = " + "9" * 100_000 + "\n"),
    "huge": POETRY_LOCK.format("# " + "x" * 20_000_000 + "\n"),
    "nul": "\0",
    "no toml": "from poetry import lock\n",
}


@pytest.mark.parametrize("text", POETRY_LOCKS.values(), ids=POETRY_LOCKS.keys())
def test_a_poetry_lock_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "poetry.lock").write_text(text)
    assert f"{tmp_path}/poetry.lock:" in _refused(
        lambda: check_poetry_lock(tmp_path / "poetry.lock")
    )


def test_a_poetry_lock_that_is_no_file(tmp_path: Path) -> None:
    lock = tmp_path / "poetry.lock"
    lock.symlink_to("/dev/zero")
    assert f"{lock}: is no regular file" in _refused(lambda: check_poetry_lock(lock))


def test_a_poetry_lock_that_poetry_refuses(tmp_path: Path) -> None:
    lock = tmp_path / "poetry.lock"
    lock.write_text(POETRY_LOCK.format(""))
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    with pytest.raises(NoxBuildkitError) as caught, coded(Code.UNRESOLVABLE):
        export(Source(lock, tmp_path / "requirements.lock", "poetry", "3.13"))
    assert str(caught.value).endswith("; run 'poetry lock' and commit it")


def test_a_poetry_lock_as_poetry_writes_it(tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").write_text(POETRY_LOCK.format(""))
    (tmp_path / "empty.lock").write_text(
        'package = []\n\n[metadata]\nlock-version = "2.1"\ncontent-hash = "0"\n'
    )
    check_poetry_lock(tmp_path / "poetry.lock")
    check_poetry_lock(tmp_path / "empty.lock")


def test_many_files_that_include_one_another_many_times(tmp_path: Path) -> None:
    for number in range(900):
        text = f"-r {number + 1}.in\n" * 2 if number < 899 else "idna\n"
        (tmp_path / ("requirements.in" if not number else f"{number}.in")).write_text(text)

    _locked(tmp_path)
