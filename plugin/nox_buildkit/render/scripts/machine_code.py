"""Check that the machine code in a wheel is what its target runs.

Runs inside the build, where the wheel was compiled for another processor:

    python3 machine_code.py WHEEL TRIPLE MACHINE

ends with a reason, and status 1, if the wheel must not be used. TRIPLE is Debian's multiarch name
of the target, and MACHINE its name in tags of wheels. Every program and library in the wheel has to
be of the processor that the target's C library is of, to need no newer C library than that, and no
library that is neither in the wheel nor here for the target.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"\x7fELF"
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
GLIBC = re.compile(r"\bGLIBC_(\d+(?:\.\d+)+)\b")
SUFFIX = re.compile(r"\.cpython-\d+\w*-(.+)\.so$")


def kind(header: bytes) -> "tuple[bytes, bytes]":
    """The class, byte order and machine in the header of a file (elf(5))."""
    return header[4:6], header[18:20]


def library(triple: str, name: str) -> "Path | None":
    """The path of a library of the target, as its linker finds it."""
    command = [f"{triple}-gcc", f"-print-file-name={name}"]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    return Path(said) if Path(said).is_absolute() else None


def version(text: str) -> "tuple[int, ...]":
    """A version of numbers, to be compared."""
    return tuple(map(int, text.split(".")))


def faults(path: Path, triple: str, own: "set[str]") -> Iterator[str]:
    """Yield what the file at ``path`` needs that the target does not have; ``own``: the wheel's."""
    command = [f"{triple}-readelf", "--wide", "--dynamic", "--version-info", str(path)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    for name in NEEDED.findall(said):
        if name not in own and library(triple, name) is None:
            yield f"needs {name}, which is not here for the target"
    # Both are of one release of Debian.
    here = str(os.confstr("CS_GNU_LIBC_VERSION")).split()[-1]
    for needed in set(GLIBC.findall(said)):
        if version(needed) > version(here):
            yield f"needs glibc {needed}, and the target has {here}"


def reasons(wheel: Path, triple: str, machine: str) -> Iterator[str]:
    """Yield why ``wheel`` must not be used on the target."""
    tag = wheel.stem.rpartition("-")[2]
    if tag != "any" and not tag.endswith(f"_{machine}"):
        yield f"its wheel is for {tag}"
    libc = library(triple, "libc.so.6")
    expected = kind(libc.read_bytes()[:20]) if libc else None
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        own = {name.rpartition("/")[2] for name in files}
        elves = 0
        for name in files:
            content = archive.read(name)
            if not content.startswith(MAGIC):
                continue
            elves += 1
            named = SUFFIX.search(name)
            if kind(content[:20]) != expected or (named and named[1] != triple):
                yield f"{name} in its wheel is for another processor"
                continue
            path = Path(folder, "file")
            path.write_bytes(content)
            yield from (f"{name} in its wheel {fault}" for fault in faults(path, triple, own))
    if not elves:
        yield "there is no machine code in its wheel"


if __name__ == "__main__":
    for found in reasons(Path(sys.argv[1]), *sys.argv[2:4]):
        sys.exit(found)
