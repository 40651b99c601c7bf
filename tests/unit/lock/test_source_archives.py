"""Own packages with machine code: told from others, and archives of their sources."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.errors import PlanError
from nox_buildkit.lock.build_systems import is_of_compiler, kind_of, name_and_version
from nox_buildkit.lock.project_sources import read_sources
from nox_buildkit.lock.source_archives import known_to_git, pack, stated_in
from tests.support.project import git


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _system(backend: str, *requires: str) -> str:
    listed = ", ".join(f'"{each}"' for each in requires)
    return f'[build-system]\nrequires = [{listed}]\nbuild-backend = "{backend}"\n'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (_system("hatchling.build", "hatchling"), "wheel"),
        (_system("setuptools.build_meta", "setuptools>=64"), "wheel"),
        (_system("setuptools.build_meta", "setuptools", "Cython>=3 ; os_name=='posix'"), "sdist"),
        (_system("scikit_build_core.build", "scikit-build-core"), "sdist"),
        (_system("maturin", "maturin>=1"), "folder"),
        (_system("mesonpy", "meson-python"), "folder"),
        ("[project]\nname = 'a'\n", "wheel"),
        ("[build-system]\nrequires = 3\n", "wheel"),
        ("not toml", "wheel"),
    ],
)
def test_a_build_system_says_whether_it_compiles(tmp_path: Path, text: str, kind: str) -> None:
    assert kind_of(_write(tmp_path, pyproject_dot_toml=text)) == kind


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("error: command 'gcc' failed: No such file or directory", True),
        ("error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1", True),
        ("demo.c:1:10: fatal error: foo.h: No such file or directory", True),
        ("error: can't find Rust compiler", True),
        ("ValueError: Unable to determine which files to ship inside the wheel", False),
        ("This takes libfoo: apt install libfoo-dev", False),
    ],
)
def test_only_what_is_about_compiling_is_tried_elsewhere(message: str, found: bool) -> None:
    assert is_of_compiler(message) == found


def test_a_version_is_that_of_the_project_or_of_its_crate(tmp_path: Path) -> None:
    stated = '[project]\nname = "demo"\nversion = "1.2"\n'
    dynamic = '[project]\nname = "demo"\ndynamic = ["version"]\n'
    crate = '[package]\nname = "demo"\nversion = "0.3.0"\n'
    _write(tmp_path, pyproject_dot_toml=stated, Cargo_dot_toml=crate)
    assert name_and_version(tmp_path) == ("demo", "1.2")
    _write(tmp_path, pyproject_dot_toml=dynamic)
    assert name_and_version(tmp_path) == ("demo", "0.3.0")
    _write(tmp_path, Cargo_dot_toml="[package]\nversion.workspace = true\n")
    with pytest.raises(PlanError, match="its version is not known before it is compiled; state"):
        name_and_version(tmp_path)


def test_an_archive_has_what_the_backend_adds_and_what_it_forgets(tmp_path: Path) -> None:
    project = tmp_path / "project"
    _write(project, src__a_dot_c="int a;\n", src__a_dot_h="", run="")
    (project / "run").chmod(0o755)
    (project / "link").symlink_to("src/a.h")
    made = tmp_path / "made.tar.gz"
    with tarfile.open(made, "w:gz") as tar:
        for name, text in (
            ("demo-1.0/PKG-INFO", "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n"),
            ("demo-1.0/src/a.c", "int a;\n"),
            ("demo-1.0/../../escaped", "x"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    sources = read_sources(project)
    digests = set()
    for number in (1, 2):
        output = tmp_path / str(number) / "wheel"
        output.parent.mkdir()
        path = pack(stated_in(made), sources, made, output)
        digests.add(path.read_bytes())
    assert path.name == "demo-1.0.tar.gz"
    assert len(digests) == 1
    with tarfile.open(path) as tar:
        found = {member.name: member for member in tar}
    assert set(found) == {
        f"demo-1.0/{name}" for name in ("PKG-INFO", "src/a.c", "src/a.h", "run", "link")
    }
    assert found["demo-1.0/run"].mode == 0o755
    assert found["demo-1.0/link"].linkname == "src/a.h"
    assert not (tmp_path / "escaped").exists()


def test_what_was_compiled_before_is_no_source(tmp_path: Path) -> None:
    _write(tmp_path, Cargo_dot_toml="", src__lib_dot_rs="", target__debug__big="", a_dot_so="")

    def known() -> tuple[str, set[str]]:
        sources = known_to_git(read_sources(tmp_path))
        return sources.digest(), {entry.path for entry in sources.entries}

    plain = known()
    assert plain[1] == {"Cargo.toml", "src/", "src/lib.rs"}
    _write(tmp_path, target__release__big="", a_dot_so="changed")
    assert known() == plain

    git(tmp_path, "init", "--quiet")
    _write(tmp_path, _dot_gitignore="/target\n*.so\n", note="of use")
    ignoring = known()
    assert ignoring[1] == plain[1] | {".gitignore", "note"}
    _write(tmp_path, target__other__big="", a_dot_so="")
    assert known() == ignoring
    _write(tmp_path, src__lib_dot_rs="fn f() {}\n")
    assert known()[0] != ignoring[0]
