"""Folders of ours are removed by one function, and what lies in the cache is proved before use."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nox_buildkit
from nox_buildkit.cache_entries import is_whole, read_cached, seal, write_cached
from nox_buildkit.files import remove, scratch

PACKAGE = Path(nox_buildkit.__file__).parent
#: Runs inside a build, without the rest of the program.
ALONE = {"make_wheel.py", "layer.py"}


def test_nothing_but_one_function_removes_folders() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
        for node in calls:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            # A temporary folder in the cache is removed, too.
            inside = name == "TemporaryDirectory" and any(k.arg == "dir" for k in node.keywords)
            if (name == "rmtree" or inside) and path.name not in ALONE:
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert not found, "take 'remove' or 'scratch' of files.py"


def test_removing_follows_no_link(tmp_path: Path) -> None:
    canary, folder = tmp_path / "canary", tmp_path / "folder"
    (canary / "below").mkdir(parents=True)
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").touch()
    (folder / "sub" / "link").symlink_to(canary)
    (tmp_path / "link").symlink_to(canary)
    remove(folder)
    remove(tmp_path / "link")
    remove(tmp_path / "missing")
    remove(tmp_path / "missing" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["canary"]
    assert (canary / "below").is_dir()


def test_a_scratch_folder_outlives_neither_its_block_nor_its_process(tmp_path: Path) -> None:
    dead = (
        "import os, sys, pathlib; from nox_buildkit.files import scratch\n"
        "with scratch(pathlib.Path(sys.argv[1]), '.work-') as folder:\n"
        "    (folder / 'file').touch(); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", dead, tmp_path], check=False)
    assert len(list(tmp_path.glob(".work-*/file"))) == 1
    with scratch(tmp_path, ".work-") as alive, scratch(tmp_path, ".work-") as other:
        # That of the dead process is gone, and that of a live one is not.
        assert {alive, other} == set(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"{}", b"", b"null\n{}", b"\xff" * 20, b"sha256:0\n{}"])
def test_a_damaged_entry_is_dropped_with_a_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = tmp_path / "entry.json"
    assert read_cached(entry) is None
    write_cached(entry, {"a": [1]})
    assert read_cached(entry) == {"a": [1]}
    assert not capsys.readouterr().err
    entry.write_bytes(content)
    assert read_cached(entry) is None
    assert capsys.readouterr().err == f"{entry} was damaged: it is made anew\n"
    assert not entry.exists()


def test_an_entry_whose_end_is_cut_is_dropped(tmp_path: Path) -> None:
    entry = tmp_path / "entry.json"
    write_cached(entry, ["a", "b"])
    entry.write_bytes(entry.read_bytes()[:-1])
    assert read_cached(entry) is None


def test_a_sealed_folder_is_known_to_be_whole_until_a_file_changes(tmp_path: Path) -> None:
    folder, place = tmp_path / "tool", tmp_path / "tool.sealed"
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "program"
    program.write_bytes(b"x" * 1000)
    (folder / "link").symlink_to("bin")
    seal(folder, place)
    assert is_whole(folder, place)
    copied = shutil.copytree(folder, tmp_path / "copied", symlinks=True)
    assert is_whole(copied, place), "a copy has the same content"
    times = program.stat()
    program.write_bytes(b"x" * 999 + b"y")
    os.utime(program, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not is_whole(folder, place)
    program.unlink()
    assert not is_whole(folder, place)
    assert not is_whole(tmp_path / "missing", place)
