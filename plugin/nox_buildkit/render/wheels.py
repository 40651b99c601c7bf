"""Make wheels of source distributions, each once.

Runs inside the build, on the platform that the wheels are for:

    python3 wheels.py SDISTS CACHE OUTPUT

SDISTS is a requirements file, one pinned and hashed package a line. A wheel in the cache is
addressed by what decides it: the sdist, the interpreter with its platform, and the C library.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

#: The interpreter's version and platform, and its C library.
TARGET = "-".join((str(sysconfig.get_config_var("SOABI")), *filter(None, platform.libc_ver())))


def build(requirement: str, kept: Path) -> None:
    """Build the one package of ``requirement``, a line of SDISTS, into the folder ``kept``."""
    name = requirement.partition("==")[0]
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
        (wheel,) = (work / "uv").glob(f"sdists-*/**/{name.replace('-', '_')}-*.whl")
        (work / "done").mkdir()
        wheel.rename(work / "done" / wheel.name)
        # Another build may have been quicker.
        if not kept.exists():
            (work / "done").rename(kept)


def main(sdists: str, cache: str, output: str) -> None:
    """Put a wheel of each package of the file ``sdists`` into the folder ``output``."""
    Path(output).mkdir(parents=True, exist_ok=True)
    for requirement in Path(sdists).read_text().splitlines():
        kept = Path(cache, f"{requirement.rpartition(':')[2]}-{TARGET}")
        if not kept.exists():
            package = requirement.split()[0]
            print(f"compiling {package}", flush=True)
            try:
                build(requirement, kept)
            except subprocess.CalledProcessError:
                sys.exit(f"{package} cannot be compiled")
        for wheel in kept.iterdir():
            shutil.copy(wheel, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
