"""The files of a layer are the files of the folder that it was made of, or they are named."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.facts.build_context import Contexts
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.plan.application import File
from nox_buildkit.verify.source_files import application


def _sources(folder: Path) -> tuple[File, ...]:
    return Contexts(FileDigests(folder, "sources")).read(folder, copy=["."]).sources.files


@pytest.mark.parametrize("workdir", ["/", "/app", "/srv/my app"])
def test_a_layer_has_the_digests_of_its_folder(tmp_path: Path, workdir: str) -> None:
    folder = tmp_path / "context"
    (folder / "package").mkdir(parents=True)
    (folder / "package/main.py").write_text("1\n")
    os.link(folder / "package/main.py", folder / "package/second name.py")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    # An image keeps the owner's bit alone.
    (folder / "odd").write_text("")
    (folder / "odd").chmod(0o654)
    (folder / "link").symlink_to("package/ä.py")
    layer = tmp_path / "layer"
    with tarfile.open(layer, "w:gz") as tar:
        tar.add(folder, workdir.strip("/") or ".")
        made = tarfile.TarInfo(f"{workdir.strip('/')}/__pycache__/main.cpython-313.pyc".strip("/"))
        tar.addfile(made)
    planned = _sources(folder)

    found = application(layer, workdir)

    assert found == {file.path: file.digest for file in planned}
    (folder / "run.sh").chmod(0o644)
    changed = _sources(folder)
    assert {file.path for file in changed if found[file.path] != file.digest} == {"run.sh"}
