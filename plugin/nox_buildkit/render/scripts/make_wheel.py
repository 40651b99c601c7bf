"""Make the wheel of a source distribution, in a stage of its own.

Runs inside the build:

    python3 make_wheel.py REQUIREMENT OUTPUT [--made FOLDER] [--optional] [--cross TARGET]

A build backend is foreign code: it can write into nothing that another step or another build reads,
but for the folder OUTPUT of its stage. REQUIREMENT is a requirements file with one pinned and
hashed package, whose sdist is in the folder ``files`` beside it. OUTPUT gets the wheel in a folder
that says where it can be installed: ``any``, or this machine. FOLDER is the output of the same on
another machine: what was made there for this machine is copied, and for any machine nothing is to
be made. ``--optional``: it is no error if the package cannot be compiled here. ``--cross``: compile
for another platform; TARGET is its name, Debian's name of it and that of its machine, with commas
between them. OUTPUT has a file ``crossed`` if nothing is left to be done there, or ``emulated``,
which says why it is compiled there.
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
EMULATED = "emulated"
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
    # A package can be named like any folder of a build.
    folder = work / "sources" / name
    folder.parent.mkdir()
    found[0].rename(folder)
    return folder


class NotCrossed(Exception):
    """A package that does not compile for another platform, and the reason."""


#: The words of uv for what an index could not give, or not at this moment; no package is to blame.
UNPREPARED = re.compile(r"Failed to (?:resolve|install) requirements from")

#: What is missing where a compiler or a linker says so.
MISSING = (
    (re.compile(r"fatal error: (\S+): No such file"), "there is no {} for that platform"),
    (re.compile(r"cannot find -l([^\s:]+)"), "there is no library {} for that platform"),
)


def shown(command: "list[str | Path]", environment: "dict[str, str]") -> "tuple[int, str]":
    """Run ``command``, show what it says, and return its status and that."""
    lines = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        assert running.stdout  # noqa: S101  it is a pipe
        for line in running.stdout:
            lines.append(line.decode(errors="replace"))
            print(lines[-1], end="", flush=True)
    return running.returncode, "".join(lines)


def cross(folder: Path, work: Path, triple: str, machine: str) -> None:
    """Build the wheel of the sources in ``folder`` for a target.

    Raises NotCrossed, and CalledProcessError where its build could not even begin.
    """
    script = Path(__file__).with_name("cross.py")
    command: list[str | Path] = [sys.executable, script, folder, work / "done", work, triple]
    status, said = shown([*command, machine], own_environment(work))
    if status == 1:
        # What is looked for first, it may do without.
        found = (text.format(x[-1]) for words, text in MISSING if (x := words.findall(said)))
        raise NotCrossed(next(found, said.rstrip().rpartition("\n")[2]))
    if status:
        raise subprocess.CalledProcessError(status, command)


def own_environment(work: Path) -> "dict[str, str]":
    """The variables of a build below ``work``."""
    return {**os.environ, **SETTINGS, "UV_CACHE_DIR": str(work / "uv")}


class Unprepared(subprocess.CalledProcessError):
    """A package whose build requirements could not be installed."""


def build(requirement: Path, name: str, work: Path, target: "tuple[str, ...]") -> Path:
    """Build the wheel of the package ``name`` below ``work``.

    Raises CalledProcessError, and NotCrossed where it is for another ``target``.
    """
    folder = sources(requirement, name, work)
    if target:
        cross(folder, work, *target[1:])
    else:
        command: list[str | Path] = [
            "uv", "build", "--wheel", "--no-sources", "--python", sys.executable,
            "--no-create-gitignore", "--out-dir", work / "done", folder,
        ]  # fmt: skip
        status, said = shown(command, own_environment(work))
        if status:
            kind = Unprepared if UNPREPARED.search(said) else subprocess.CalledProcessError
            raise kind(status, command)
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
        subprocess.run(command, env=own_environment(work), check=True)
    return wheel


def put(wheel: Path, output: Path, target: "tuple[str, ...]") -> None:
    """Put ``wheel`` into its place below ``output``."""
    place = output / (ANY if wheel.name.endswith("-any.whl") else HERE)
    if target:
        # Its C library is of the same release of Debian. It has machine code, whatever its name is.
        data = importlib.import_module(f"_sysconfigdata__{target[1]}")
        words = (data.build_time_vars["SOABI"], *filter(None, platform.libc_ver()))
        place = output / "-".join(words)
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
    words, name = text.split(maxsplit=1)[0], name_of(text)
    print(f"compiling {words}", flush=True)
    WORK.mkdir(parents=True)
    try:
        put(build(requirement, name, WORK, target), output, target)
    except NotCrossed as reason:
        notice = (
            f"nox-buildkit: {words} does not cross-compile for {target[0]}: {reason}; it is "
            f"compiled under emulation ('emulate: [{name}]' leaves out the attempt)"
        )
        print(notice, flush=True)
        empty(output)
        (output / EMULATED).write_text(notice, encoding="utf-8")
    except subprocess.CalledProcessError as error:
        if not optional or isinstance(error, Unprepared):
            sys.exit(f"{words} cannot be compiled")
        # What matters is whether the platform that it is for can make it.
        empty(output)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    if made and (made / EMULATED).is_file():
        # The step that found it out may be cached, and a log can be longer than what is read of it.
        print((made / EMULATED).read_text(encoding="utf-8"), flush=True)


def empty(folder: Path) -> None:
    """Leave nothing in ``folder``."""
    shutil.rmtree(folder)
    folder.mkdir()


def parts(text: str) -> "tuple[str, ...]":
    """The parts of ``text``."""
    return tuple(text.split(","))


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("requirement", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--optional", action="store_true")
    parser.add_argument("--cross", dest="target", type=parts, default=())
    return parser


if __name__ == "__main__":
    make(**vars(arguments().parse_args()))
