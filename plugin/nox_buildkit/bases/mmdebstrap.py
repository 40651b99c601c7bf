"""One run of mmdebstrap(1), which downloads, verifies and unpacks Debian packages."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.debian.package_names import EXACT, wrong_names
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.printable import redacted
from nox_buildkit.run import Done, Programs, disk_full

# A package that apt-get would install: `Inst NAME[:ARCHITECTURE] (VERSION ORIGINS [ARCHITECTURE])`.
_INSTALLED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.M)

# What apt says of packages that exclude each other, by its solvers of bookworm and of trixie.
_CONFLICT = re.compile(r"^E: (Unable to (?:correct problems|satisfy dependencies).*)$", re.M)
_UNMET = re.compile(r"^ (\S+ : \S.*)$", re.M)


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The origin of packages: apt source lines of the host with the suite exchanged."""

    lines: tuple[str, ...]
    mmdebstrap: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Debian ``packages``, and what they depend on, of ``suite`` for ``architecture``.

    ``foreign``: a second architecture, whose packages are named ``NAME:ARCHITECTURE``.
    """

    suite: str
    architecture: str
    packages: tuple[str, ...]
    foreign: str = ""

    @property
    def architectures(self) -> str:
        """All of them, with commas."""
        return ",".join(filter(None, (self.architecture, self.foreign)))

    def __str__(self) -> str:
        return f"Debian {self.suite} for {self.architectures.replace(',', ' and ')}"


def download(selection: Selection, source: PackageSource, programs: Programs) -> tuple[Path, Path]:
    """Return a tar of the unpacked packages, and a folder that has their files in another.

    ``programs``: what runs mmdebstrap, with a folder to use. Raises EngineError.
    """
    work = programs.folder
    tar, debs = work / f"{selection.architectures}.tar", work / selection.architectures
    debs.mkdir()
    # mmdebstrap reads a hook as a shell does.
    copy = f"--extract-hook=copy-out /var/cache/apt/archives {shlex.quote(str(debs))}"
    _run(selection, source, programs, (copy,), tar)
    return tar, debs


def versions(selection: Selection, source: PackageSource, programs: Programs) -> dict[str, str]:
    """Return name and version of the packages that would be downloaded now. Raises EngineError."""
    done = _run(selection, source, programs, ("--simulate", "--verbose"), Path(os.devnull))
    return dict(_INSTALLED.findall(f"{done.output}\n{done.errors}"))


def _run(
    selection: Selection,
    source: PackageSource,
    programs: Programs,
    options: tuple[str, ...],
    target: Path,
) -> Done:
    done = programs.run(
        [*_command(selection, source.mmdebstrap), *options, selection.suite, str(target), "-"],
        what=f"assembling {selection}",
        # On standard input, since an address may hold credentials.
        given="".join(f"{line}\n" for line in source.lines).encode(),
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": "0",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(programs.folder),
        },
    )
    if done.returncode:
        raise _failure(done.errors, str(selection), programs.folder)
    return done


def _command(selection: Selection, mmdebstrap: tuple[str, ...]) -> list[str]:
    hook = Path(shutil.which(mmdebstrap[-1]) or mmdebstrap[-1]).resolve()
    usrmerge = hook.parent.parent / "share/mmdebstrap/hooks/merged-usr"
    return [
        *mmdebstrap,
        "--variant=extract",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        # Nothing runs in the tree, so the host's /dev, /proc and /sys have no business in it.
        "--skip=chroot/mount",
        f"--architectures={selection.architectures}",
        f"--include={','.join(selection.packages)}",
        '--aptopt={} "{}"'.format(*EXACT),
        *([f"--hook-dir={usrmerge}"] if selection.suite == "bookworm" else []),
    ]


def _failure(said: str, where: str, work: Path) -> EngineError:
    # mmdebstrap says again what apt said.
    if wrong := tuple(dict.fromkeys(wrong_names(said, where))):
        return EngineError(*wrong)
    if conflict := _CONFLICT.search(said):
        cause = "; ".join(_UNMET.findall(said)[:3]) or conflict[1]
        message = f"packages of {where} cannot be installed together: {redacted(cause)}"
        return EngineError(Code.DEBIAN_PACKAGE(message, "leave some of them out"))
    if os.strerror(errno.ENOSPC) in said:
        return EngineError(disk_full(f"assembling {where}", work.parent))
    causes = [line[3:] for line in said.splitlines() if line.startswith("E: ")]
    cause = redacted(causes[0] if causes else said.strip()[-300:])
    hint = "check that the Debian mirror of this machine answers ('apt-get update')"
    return EngineError(Code.BASE_ASSEMBLY(f"{where} cannot be assembled: {cause}", hint))
