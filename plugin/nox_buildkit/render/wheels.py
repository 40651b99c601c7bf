"""Make the wheels of source distributions, each in a stage of its own.

Runs inside the build:

    python3 wheels.py build REQUIREMENT OUTPUT [--made FOLDER] [--optional]

makes one wheel. A build backend is foreign code: it can write into nothing that another step or
another build reads, but for the folder OUTPUT of its stage. REQUIREMENT is a requirements file with
one pinned and hashed package. OUTPUT gets the wheel in a folder that says where it can be
installed: ``any``, or this machine. FOLDER is the output of the same on another machine: what was
made there for this machine is copied, and for any machine nothing is to be made. ``--optional``: it
is no error if the package cannot be compiled here.

    python3 wheels.py list KIND FOLDER NAME...

prints requirements for the wheels of the packages NAME, whose outputs are in folders of their names
below FOLDER: with KIND ``any`` those that every machine can install, with ``rest`` the others, with
``all`` one for each package.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ANY = "any"
#: The interpreter's version and platform, and its C library.
HERE = "-".join((str(sysconfig.get_config_var("SOABI")), *filter(None, platform.libc_ver())))


def name_of(requirement: str) -> str:
    """The package of a requirement: ``name==version`` or ``name @ URL``."""
    return requirement.partition("==")[0].partition(" @ ")[0]


def normal(name: str) -> str:
    """A package's name as it is compared (packaging.python.org, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def build(requirement: Path, name: str, work: Path) -> Path:
    """Build the wheel of the package ``name`` below ``work``. Raises CalledProcessError."""
    subprocess.run(
        [
            "uv", "pip", "install", "--python", sys.executable, "--target", work / "target",
            "--no-deps", "--require-hashes", "--no-binary", name, "--requirements", requirement,
        ],
        # uv keeps the wheels that it builds in its cache; one of our own holds no others.
        env={**os.environ, "UV_CACHE_DIR": str(work / "uv")},
        check=True,
    )  # fmt: skip
    # Not every build backend writes the name as the index does.
    made = (work / "uv").glob("sdists-*/**/*.whl")
    (wheel,) = (w for w in made if normal(w.name.partition("-")[0]) == normal(name))
    return wheel


def make(requirement: Path, output: Path, made: "Path | None", optional: bool) -> None:
    """Put the wheel of the file ``requirement`` into its place below ``output``."""
    output.mkdir(parents=True, exist_ok=True)
    if made and (made / ANY).is_dir():
        return
    if made and (made / HERE).is_dir():
        shutil.copytree(made / HERE, output / HERE)
        return
    text = requirement.read_text(encoding="utf-8")
    words = text.split(maxsplit=1)[0]
    print(f"compiling {words}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = build(requirement, name_of(text), Path(folder))
        except subprocess.CalledProcessError:
            if optional:
                # What matters is whether the platform that it is for can make it.
                return
            sys.exit(f"{words} cannot be compiled")
        place = output / (ANY if wheel.name.endswith("-any.whl") else HERE)
        place.mkdir()
        shutil.copy(wheel, place)


def list_made(kind: str, folder: Path, names: "list[str]") -> None:
    """Print a requirement for each wheel of ``kind``: a package gets no other package's wheel."""
    for name in names:
        found = [
            path
            for path in sorted((folder / name).glob("*/*.whl"))
            if kind == "all" or (path.parent.name == ANY) == (kind == ANY)
        ]
        if [normal(path.name.partition("-")[0]) for path in found] == [name]:
            print(f"{name} @ {found[0].as_uri()}")
        elif found or kind == "all":
            sys.exit(f"{name} cannot be compiled on the machine that builds")


def arguments() -> argparse.ArgumentParser:
    """What the module's docstring says."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("build")
    command.set_defaults(function=make)
    command.add_argument("requirement", type=Path)
    command.add_argument("output", type=Path)
    command.add_argument("--made", type=Path)
    command.add_argument("--optional", action="store_true")
    command = commands.add_parser("list")
    command.set_defaults(function=list_made)
    command.add_argument("kind", choices=(ANY, "rest", "all"))
    command.add_argument("folder", type=Path)
    command.add_argument("names", nargs="+")
    return parser


if __name__ == "__main__":
    chosen = vars(arguments().parse_args())
    chosen.pop("function")(**chosen)
