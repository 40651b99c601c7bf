"""Wheels of the project's own packages: they may be larger than what memory there is for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from nox_buildkit.facts.local_wheels import local_wheel

SIZE = 300_000_000
#: A build backend of the project's own, whose wheel is large.
BACKEND = f"""\
from pathlib import Path
from zipfile import ZipFile

NAME = "large-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\\nName: large\\nVersion: 1.0\\n"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with ZipFile(Path(folder, NAME), "w") as wheel:
        info = "large-1.0.dist-info"
        wheel.writestr(f"{{info}}/METADATA", METADATA)
        wheel.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr(f"{{info}}/RECORD", "")
        with wheel.open("large/model.bin", "w") as file:
            for _ in range({SIZE // 10**6}):
                file.write(bytes(10**6))
    return NAME
"""
#: What a build does with such a wheel on this machine.
READ = """\
import json, re, sys
from pathlib import Path
from nox_buildkit.facts.local_wheels import local_wheel
from nox_buildkit.files import copy_atomic

wheel = local_wheel(Path(sys.argv[1]), "", None)
copy_atomic(Path(wheel.path), Path(sys.argv[2]))
# Not getrusage(2): that counts the memory of the process that this one was forked from, too.
peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps([wheel.size, peak]))
"""


def test_a_large_wheel_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "large"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    copied = tmp_path / "inputs/large.whl"
    environment = {**os.environ, "NOX_BUILDKIT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(project), str(copied)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    size, peak = json.loads(done.stdout)
    assert size == copied.stat().st_size > SIZE
    assert peak < SIZE


#: A build backend whose module says what it was told.
TOLD = """\
import os
from pathlib import Path
from zipfile import ZipFile

NAME = "told-1.0-py3-none-any.whl"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with ZipFile(Path(folder, NAME), "w") as wheel:
        info = "told-1.0.dist-info"
        wheel.writestr("told.py", os.environ.get("FLAVOUR", "nothing"))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: told\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return NAME
"""


def test_an_own_package_is_built_once_for_each_set_of_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "backend.py").write_text(TOLD)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "told"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )

    def built(arguments: dict[str, str]) -> tuple[str, str]:
        wheel = local_wheel(project, "", None, (), arguments)
        with ZipFile(wheel.path) as content:
            return content.read("told.py").decode(), wheel.path

    plain, sweet, salty = built({}), built({"FLAVOUR": "sweet"}), built({"FLAVOUR": "salty"})
    assert [each[0] for each in (plain, sweet, salty)] == ["nothing", "sweet", "salty"]
    # What was built before is what is taken.
    assert built({"FLAVOUR": "sweet"}) == sweet
