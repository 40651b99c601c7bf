"""Wheels of the project's own packages, made by the build backends that projects use."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import LockError, PlanError
from nox_buildkit.facts.local_wheels import local_wheel
from nox_buildkit.lock.compile import compile_lock
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source
from nox_buildkit.plan.facts import LocalWheel
from tests.support.package_index import BACKEND, serve
from tests.support.project import git

SETUPTOOLS = """\
[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
version = "1.0"
"""
SCM = """\
[build-system]
requires = ["setuptools>=64", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
dynamic = ["version"]
[tool.setuptools_scm]
root = "../.."
"""
HATCH_VCS = """\
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[project]
name = "demo"
dynamic = ["version"]
[tool.hatch.version]
source = "vcs"
raw-options = { root = "../.." }
[tool.hatch.build.hooks.vcs]
version-file = "src/demo/_version.py"
"""
HATCHLING = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "demo"
version = "1.0"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def wheel(folder: Path) -> LocalWheel:
    return local_wheel(folder, "", None)


def names(made: LocalWheel) -> set[str]:
    with zipfile.ZipFile(made.path) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below ``folder``, with what changes when it is written."""
    paths = [folder, *folder.rglob("*")]
    return {str(p): (p.lstat().st_mtime_ns, p.lstat().st_size) for p in paths}


def test_a_deleted_module_is_gone_and_the_sources_stay_untouched(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "demo",
        {
            "pyproject.toml": SETUPTOOLS,
            "src/demo/__init__.py": "",
            "src/demo/secret.py": "",
            # Of a build, and of an editable installation, that somebody made here.
            "build/lib/demo/old.py": "",
            "src/demo.egg-info/SOURCES.txt": "src/demo/secret.py\n",
        },
    )
    before = state(folder)
    first = wheel(folder)
    assert state(folder) == before
    assert names(first) == {"demo/__init__.py", "demo/secret.py"}

    (folder / "src/demo/secret.py").unlink()
    (folder / "build/lib/demo/older.py").write_text("")
    second = wheel(folder)
    assert names(second) == {"demo/__init__.py"}
    made = Path(second.path).stat().st_mtime_ns
    again = wheel(folder)
    assert (again, Path(again.path).stat().st_mtime_ns) == (second, made)


def test_a_tag_of_git_is_another_version(tmp_path: Path) -> None:
    root = write(
        tmp_path / "repository",
        {
            "noxfile.py": "",
            ".gitignore": "_version.py\n*.log\n",
            "services/demo/pyproject.toml": HATCH_VCS,
            "services/demo/src/demo/__init__.py": "",
            "services/demo/src/demo/a.log": "",
        },
    )
    folder = root / "services" / "demo"
    (folder / "linked.txt").symlink_to("../../noxfile.py")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "first")
    git(root, "tag", "v1.0")
    before = state(root)
    assert wheel(folder).version == "1.0"
    assert state(root) == before

    git(root, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert wheel(folder).version.startswith("1.1.dev1+g")
    git(root, "tag", "v1.1")
    assert wheel(folder).version == "1.1"
    # A file of the repository that is no part of the package.
    (root / "noxfile.py").write_text("changed")
    assert wheel(folder).version.startswith("1.2.dev0+g")
    git(root, "checkout", "--quiet", ".")
    worktree = tmp_path / "worktree"
    git(root, "worktree", "add", "--quiet", "--detach", str(worktree), "v1.0")
    of_worktree = wheel(worktree / "services" / "demo")
    assert of_worktree.version == "1.0"
    assert "demo/a.log" not in names(of_worktree)
    # setuptools-scm asks git for the files, too.
    write(folder, {"pyproject.toml": SCM, "src/demo/data.json": "{}"})
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "third")
    git(root, "tag", "v2.0")
    made = wheel(folder)
    assert made.version == "2.0"
    assert "demo/data.json" in names(made)


def test_hatchling_obeys_an_ignore_file_above_the_project(tmp_path: Path) -> None:
    root = write(
        tmp_path / "repository",
        {
            ".gitignore": "*.log\n",
            "demo/pyproject.toml": HATCHLING,
            "demo/src/demo/__init__.py": "",
            "demo/src/demo/a.log": "",
        },
    )
    git(root, "init", "--quiet")
    assert names(wheel(root / "demo")) == {"demo/__init__.py"}
    write(root, {".gitignore": ""})
    assert names(wheel(root / "demo")) == {"demo/__init__.py", "demo/a.log"}


def test_what_a_link_leads_to_is_a_part_of_the_package(tmp_path: Path) -> None:
    write(tmp_path, {"shared/common.py": "ONE = 1\n", "single.py": "ONE = 1\n"})
    folder = write(
        tmp_path / "demo", {"pyproject.toml": SETUPTOOLS, "src/demo/__init__.py": "", "src/x": ""}
    )
    (tmp_path / "shared/__init__.py").write_text("")
    (folder / "src/demo/shared").symlink_to("../../../shared")
    (folder / "src/demo/single.py").symlink_to(tmp_path / "single.py")
    (folder / "src/demo/inner.py").symlink_to("single.py")
    (folder / "loop").symlink_to("..")
    (folder / "src/demo/nowhere").symlink_to("missing")
    first = wheel(folder)
    assert names(first) >= {
        "demo/shared/common.py", "demo/shared/__init__.py", "demo/single.py", "demo/inner.py"
    }  # fmt: skip
    digests = {first.sha256}
    for name in ("shared/common.py", "single.py"):
        (tmp_path / name).write_text("ONE = 2\n")
        digests.add(wheel(folder).sha256)
    assert len(digests) == 3


def test_what_a_package_says_before_it_gives_up_is_passed_on(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "demo",
        {"setup.py": "import sys\nsys.exit('This takes libfoo: apt install libfoo-dev')\n"},
    )
    with pytest.raises(PlanError) as caught:
        wheel(folder)
    assert "This takes libfoo: apt install libfoo-dev" in str(caught.value)
    assert str(folder) in str(caught.value)
    assert ".build-" not in str(caught.value)


SETUP = """\
import os
from setuptools import setup
assert "API_TOKEN" not in os.environ, "the token is seen"
assert os.environ.get("BUILD_NUMBER", "7") == "7"
setup(name="demo", version="1." + os.environ.get("BUILD_NUMBER", "0"), install_requires=["idna"],
      py_modules=["demo"], extras_require={"more": ["six"]})
"""


def source_of(folder: Path, requirements: str = "") -> Source:
    spec = parse(f"version: 1\n{requirements}", str(folder / "buildspec.yaml"))
    (found,) = sources_of(spec, folder).values()
    assert found
    return found


def test_a_project_with_a_setup_py_is_locked_in_a_copy_and_sees_no_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cr3t")
    folder = write(tmp_path / "demo", {"setup.py": SETUP, "demo.py": "", "setup.cfg": "[flake8]\n"})
    before = state(folder)
    source = source_of(folder, "images: {a: {package: true}}")
    made = compile_lock(source)
    assert made.ran == ("setup.py",)
    assert "\nidna==" in source.output.read_text()
    source.output.unlink()
    assert {**state(folder), str(folder): (0, 0)} == {**before, str(folder): (0, 0)}
    assert compile_lock(source).written
    assert not compile_lock(source).written
    write(folder, {"setup.py": SETUP.replace("idna", "idna<99")})
    assert compile_lock(source).written
    more = "requirements: {r: {source: setup.py, extras: [more]}}\nimages: {a: {requirements: r}}"
    compile_lock(source_of(folder, more))
    assert "\nsix==" in (folder / "requirements.r.lock").read_text()

    assert wheel(folder).version == "1.0"
    monkeypatch.setenv("BUILD_NUMBER", "7")
    monkeypatch.setenv("NOX_BUILDKIT_PASS_ENV", "BUILD_NUMBER, OTHER")
    assert wheel(folder).version == "1.7"


def test_code_of_packages_is_not_run_where_that_is_asked(tmp_path: Path) -> None:
    folder = write(tmp_path / "demo", {"setup.py": SETUP, "requirements.in": "six\n./\n"})
    for name in ("setup.py", "requirements.in"):
        named = f"requirements: {{r: {{source: {name}, build: never}}}}"
        with pytest.raises(LockError, match=r"[Bb]uil"):
            compile_lock(source_of(folder, f"{named}\nimages: {{a: {{requirements: r}}}}"))
        assert not (folder / "requirements.r.lock").exists()
    write(folder, {"requirements.in": "six\n"})
    named = "requirements: {r: {source: requirements.in, build: never}}"
    done = compile_lock(source_of(folder, f"{named}\nimages: {{a: {{requirements: r}}}}"))
    assert (done.written, done.ran) == (True, ())


@pytest.mark.parametrize("named", [True, False])
def test_code_of_packages_sees_no_password_of_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    check = "import os\nassert 's3cr3t' not in str(os.environ), 'the password is seen'\n"
    own = {
        "own/backend.py": check + BACKEND.format(name="own", version="1.0"),
        "own/pyproject.toml": (
            '[project]\nname = "own"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        ),
        "requirements.in": "plain\n./own\n",
        # What stands in variables wins.
        "netrc": "machine 127.0.0.1 login me password wrong\n",
    }
    folder = write(tmp_path / "demo", own)
    monkeypatch.setenv("NETRC", str(folder / "netrc"))
    with serve() as index:
        index.add("plain", "1.0")
        index.login = ("me", 's3cr3t"of#company')
        if named:
            monkeypatch.setenv("UV_DEFAULT_INDEX", f"my-company={index.url}")
            monkeypatch.setenv("UV_INDEX_MY_COMPANY_USERNAME", "me")
            monkeypatch.setenv("UV_INDEX_MY_COMPANY_PASSWORD", index.login[1])
        else:
            login = f"me:{quote(index.login[1])}"
            monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace("://", f"://{login}@"))
        done = compile_lock(source_of(folder, "images: {a: {}}"))
    assert done.ran == ("own",)
    assert "plain==1.0" in done.output.read_text()
