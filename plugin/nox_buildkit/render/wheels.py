"""Make wheels of source distributions, each once.

Runs inside the build, first on the machine that builds, for what has no machine code and is the
same everywhere, then on the platform that the wheels are for:

    python3 wheels.py SDISTS CACHE OUTPUT --pure
    python3 wheels.py SDISTS CACHE OUTPUT --rest [FOLDER]

SDISTS is a requirements file, one pinned and hashed package a line; FOLDER has wheels that need not
be made again. A wheel in the cache is addressed by what decides it: the sdist, the interpreter with
its platform, and the C library.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

#: The interpreter's version and platform, and its C library.
TARGET = "-".join((str(sysconfig.get_config_var("SOABI")), *filter(None, platform.libc_ver())))


def name_of(requirement: str) -> str:
    """The package of a line of SDISTS: ``name==version`` or ``name @ URL``."""
    return requirement.partition("==")[0].partition(" @ ")[0]


def normal(name: str) -> str:
    """A package's name as it is compared (packaging.python.org, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def build(requirement: str, kept: Path) -> None:
    """Build the one package of ``requirement``, a line of SDISTS, into the folder ``kept``."""
    name = name_of(requirement)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        work = Path(folder)
        (work / "requirements.txt").write_text(requirement)
        subprocess.run(
            [
                "uv", "pip", "install", "--python", sys.executable, "--target", work / "target",
                "--no-deps", "--require-hashes", "--no-binary", name,
                "--requirements", work / "requirements.txt",
            ],
            # uv keeps the wheels that it builds in its cache; one of our own holds no others.
            env={**os.environ, "UV_CACHE_DIR": str(work / "uv")},
            check=True,
        )  # fmt: skip
        # Not every build backend writes the name as the index does.
        made = (work / "uv").glob("sdists-*/**/*.whl")
        (wheel,) = (w for w in made if normal(w.name.partition("-")[0]) == normal(name))
        (work / "done").mkdir()
        wheel.rename(work / "done" / wheel.name)
        # Another build may have been quicker.
        if not kept.exists():
            (work / "done").rename(kept)


def wheel_of(requirement: str, cache: str) -> Path:
    """The wheel of a line of SDISTS. Raises CalledProcessError if it cannot be made."""
    kept = Path(cache, f"{requirement.rpartition(':')[2]}-{TARGET}")
    if not kept.exists():
        print(f"compiling {requirement.split(maxsplit=1)[0]}", flush=True)
        build(requirement, kept)
    (wheel,) = kept.iterdir()
    return wheel


def main(sdists: str, cache: str, output: str, mode: str, folder: str = "") -> None:
    """Put the wheels of the file ``sdists`` into the folder ``output``: the pure, or the others."""
    for path in (cache, output):
        Path(path).mkdir(parents=True, exist_ok=True)
    there = Path(folder).iterdir() if folder else ()
    given = {normal(path.name.partition("-")[0]) for path in there}
    for requirement in Path(sdists).read_text().splitlines():
        if normal(name_of(requirement)) in given:
            continue
        try:
            wheel = wheel_of(requirement, cache)
        except subprocess.CalledProcessError:
            if mode == "--pure":
                # What matters is whether the platform that it is for can make it.
                continue
            sys.exit(f"{requirement.split()[0]} cannot be compiled")
        if mode != "--pure" or wheel.name.endswith("-any.whl"):
            shutil.copy(wheel, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
