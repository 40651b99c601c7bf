"""Make the wheels of source distributions, each in a stage of its own.

Runs inside the build:

    python3 wheels.py build REQUIREMENT OUTPUT [--made FOLDER] [--optional] [--cross TARGET]

makes one wheel. A build backend is foreign code: it can write into nothing that another step or
another build reads, but for the folder OUTPUT of its stage. REQUIREMENT is a requirements file with
one pinned and hashed package, whose sdist is in the folder ``files`` beside it. OUTPUT gets the
wheel in a folder that says where it can be installed: ``any``, or this machine. FOLDER is the
output of the same on another machine: what was made there for this machine is copied, and for any
machine nothing is to be made. ``--optional``: it is no error if the package cannot be compiled
here. ``--cross``: compile for another platform; TARGET is its name, Debian's name of it and that of
its machine, with commas between them. OUTPUT has a file ``crossed`` if nothing is left to be done
there.

    python3 wheels.py list KIND FOLDER NAME...

prints requirements for the wheels of the packages NAME, whose outputs are in folders of their names
below FOLDER: with KIND ``any`` those that every machine can install, with ``rest`` the others, with
``all`` one for each package.
"""

import argparse
import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ANY = "any"
CROSSED = "crossed"
#: The interpreter's version and platform, and its C library.
HERE = "-".join((str(sysconfig.get_config_var("SOABI")), *filter(None, platform.libc_ver())))

#: Where sources lie: the same in every build, since compilers write it into what they make.
WORK = Path("/var/tmp/nox-buildkit")  # noqa: S108  nobody else is in the stage

#: The time that archives and compilers write (reproducible-builds.org), which zip files can have,
#: and the order of sets in generators of code.
SETTINGS = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0"}


def name_of(requirement: str) -> str:
    """The package of a requirement: ``name==version`` or ``name @ URL``."""
    return requirement.partition("==")[0].partition(" @ ")[0]


def normal(name: str) -> str:
    """A package's name as it is compared (packaging.python.org, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def sources(requirement: Path, name: str, work: Path) -> Path:
    """The sources of the package ``name``, as its sdist has them, in a folder below ``work``.

    Raises CalledProcessError. uv compares the sdist with its hash; it has no command that does no
    more than download, so that it cannot make the environment to build in is arranged for.
    """
    cache = work / "download"
    cache.mkdir()
    (cache / "builds-v0").touch()
    command: list[str | Path] = [
        "uv", "pip", "install", "--python", sys.executable, "--target", work / "target",
        "--no-deps", "--require-hashes", "--no-index", "--find-links", requirement.parent / "files",
        "--no-binary", name, "--requirements", requirement,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env={**os.environ, "UV_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    # The nearest: sources may have a folder of that name, too.
    found = sorted(cache.glob("sdists-*/**/src"), key=lambda path: len(path.parts))
    if not found or not done.returncode:
        print(done.stdout.decode(errors="replace"), file=sys.stderr, flush=True)
        raise subprocess.CalledProcessError(done.returncode, command)
    folder = work / name
    found[0].rename(folder)
    return folder


class NotCrossed(Exception):
    """A package that does not compile for another platform, and the reason."""


def cross(folder: Path, work: Path, triple: str, machine: str) -> None:
    """Build the wheel of the sources in ``folder`` for a target. Raises NotCrossed."""
    script = Path(__file__).with_name("cross.py")
    last = ""
    with subprocess.Popen(
        [sys.executable, script, folder, work / "done", work, triple, machine],
        env={**os.environ, **SETTINGS, "UV_CACHE_DIR": str(work / "uv")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        assert running.stdout  # noqa: S101  it is a pipe
        for line in running.stdout:
            text = line.decode(errors="replace")
            last = text.strip() or last
            print(text, end="", flush=True)
    if running.returncode:
        raise NotCrossed(last)


def build(requirement: Path, name: str, work: Path, target: "tuple[str, ...]") -> Path:
    """Build the wheel of the package ``name`` below ``work``.

    Raises CalledProcessError, and NotCrossed where it is for another ``target``.
    """
    folder = sources(requirement, name, work)
    environment = {**os.environ, **SETTINGS, "UV_CACHE_DIR": str(work / "uv")}
    if target:
        cross(folder, work, *target[1:])
    else:
        command: list[str | Path] = [
            "uv", "build", "--wheel", "--no-sources", "--python", sys.executable,
            "--no-create-gitignore", "--out-dir", work / "done", folder,
        ]  # fmt: skip
        subprocess.run(command, env=environment, check=True)
    made = list((work / "done").glob("*.whl"))
    # Not every build backend writes the name as the index does.
    (wheel,) = (w for w in made if normal(w.name.partition("-")[0]) == normal(name))
    pinned = requirement.read_text(encoding="utf-8").split()[0]
    if "==" in pinned:
        # uv knows which versions are equal; this machine need not be the one that the wheel is for.
        anywhere = "-".join((*wheel.name.split("-")[:2], "py3-none-any.whl"))
        (work / "named").mkdir()
        shutil.copy(wheel, work / "named" / anywhere)
        command = [
            "uv", "pip", "install", "--quiet", "--dry-run", "--python", sys.executable,
            "--target", work / "target", "--no-deps", "--no-index",
            "--find-links", work / "named", pinned,
        ]  # fmt: skip
        subprocess.run(command, env=environment, check=True)
    return wheel


def put(wheel: Path, output: Path, target: "tuple[str, ...]") -> None:
    """Put ``wheel`` into its place below ``output``."""
    own = HERE
    if target:
        # Its C library is of the same release of Debian.
        data = importlib.import_module(f"_sysconfigdata__{target[1]}")
        own = "-".join((data.build_time_vars["SOABI"], *filter(None, platform.libc_ver())))
    place = output / (ANY if wheel.name.endswith("-any.whl") else own)
    # What a backend may have put there itself is not of its own package.
    shutil.rmtree(output)
    place.mkdir(parents=True)
    shutil.copy(wheel, place)
    if target:
        (output / CROSSED).touch()


def make(
    requirement: Path, output: Path, made: "Path | None", optional: bool, target: "tuple[str, ...]"
) -> None:
    """Put the wheel of the file ``requirement`` into its place below ``output``."""
    output.mkdir(parents=True, exist_ok=True)
    if made and (made / ANY).is_dir():
        if target:
            (output / CROSSED).touch()
        return
    if made and (made / HERE).is_dir() and not target:
        shutil.copytree(made / HERE, output / HERE)
        return
    text = requirement.read_text(encoding="utf-8")
    words = text.split(maxsplit=1)[0]
    print(f"compiling {words}", flush=True)
    WORK.mkdir(parents=True)
    try:
        put(build(requirement, name_of(text), WORK, target), output, target)
    except NotCrossed as reason:
        print(
            f"nox-buildkit: {words} does not cross-compile for {target[0]}: {reason}; it is "
            "compiled under emulation",
            flush=True,
        )
        shutil.rmtree(output)
        output.mkdir()
    except subprocess.CalledProcessError:
        if not optional:
            sys.exit(f"{words} cannot be compiled")
        # What matters is whether the platform that it is for can make it.
        shutil.rmtree(output)
        output.mkdir()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


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


def parts(text: str) -> "tuple[str, ...]":
    """The parts of ``text``."""
    return tuple(text.split(","))


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("build")
    command.set_defaults(function=make)
    command.add_argument("requirement", type=Path)
    command.add_argument("output", type=Path)
    command.add_argument("--made", type=Path)
    command.add_argument("--optional", action="store_true")
    command.add_argument("--cross", dest="target", type=parts, default=())
    command = commands.add_parser("list")
    command.set_defaults(function=list_made)
    command.add_argument("kind", choices=(ANY, "rest", "all"))
    command.add_argument("folder", type=Path)
    command.add_argument("names", nargs="+")
    return parser


if __name__ == "__main__":
    chosen = vars(arguments().parse_args())
    chosen.pop("function")(**chosen)
