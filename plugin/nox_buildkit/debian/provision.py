"""Programs out of Debian packages, unpacked below the cache folder and never installed.

A folder below ``tools`` is complete and checked: it got its name as the last step.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nox_buildkit.at_once import at_once
from nox_buildkit.cache_entries import drop, is_whole, seal
from nox_buildkit.debian.apt import apt_error
from nox_buildkit.debian.archive import host_archive, require_debian, without_archive
from nox_buildkit.debian.suite import Suite
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, locked, private_dir, scratch
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.run import held, of_threads, run

#: Packages, or suites: most of their time is one processor's.
_AT_ONCE = 4
# Name of the host's own suite, whatever its codename.
HOST = "host"
#: For one package.
_UNPACK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class SuitePackage:
    """A Debian package in a suite (``testing``, ``stable``, or HOST)."""

    name: str
    suite: str = HOST


Check = Callable[[Path], None]


def tools_dir() -> Path:
    """The folder of all unpacked programs."""
    return private_dir(cache_dir() / "tools")


def provision(
    name: str,
    candidates: Sequence[Sequence[SuitePackage]],
    check: Check,
    report: Progress = SILENT,
) -> Path:
    """Return the folder with the first of ``candidates`` that can be had and passes ``check``.

    Without network, and at once, if it is there. Raises EngineError with every candidate's reason.
    """
    if (found := provisioned(name, candidates)) is not None:
        return found
    own = f"install {name}, so that it is on PATH"
    hint = without_archive() if name in ("engine", "client") else own
    require_debian(f"unpacking {name}", hint)
    prefix = _prefix(name, candidates)
    with locked(tools_dir() / f".{name}.lock"):
        if is_whole(prefix, _seal(prefix)):
            return prefix
        if prefix.exists():
            drop(prefix)
        reasons: list[str] = []
        for candidate in candidates:
            try:
                return _unpacked(prefix, name, candidate, check, report)
            except EngineError as error:
                reasons += (problem.message for problem in error.problems)
        raise EngineError(
            Code.DEBIAN_ARCHIVE(
                f"cannot get {name}: {'; '.join(dict.fromkeys(reasons))}",
                "check that this host's `apt-get update` works",
            )
        )


def provisioned(name: str, candidates: Sequence[Sequence[SuitePackage]]) -> Path | None:
    """Return what ``provision`` would, if it is there already."""
    prefix = _prefix(name, candidates)
    return prefix if is_whole(prefix, _seal(prefix)) else None


def _seal(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.sealed")


def _prefix(name: str, candidates: Sequence[Sequence[SuitePackage]]) -> Path:
    return tools_dir() / f"{name}-{_key(candidates)}"


def tool(name: str, report: Progress = SILENT) -> tuple[str, ...]:
    """Return the command (argument list) of the program ``name``: the host's, else ours.

    Ours is Debian's package of the same name, from the host's suite. Raises EngineError.
    """
    if (installed := shutil.which(name)) is not None:
        return (installed,)
    prefix = provision(
        name, [[SuitePackage(name)]], lambda p: check_runs(p / "usr/bin" / name), report
    )
    return _command(prefix / "usr/bin" / name)


def check_runs(
    program: Path, argument: str = "--version", *, libraries: Path | None = None
) -> None:
    """Raise EngineError unless ``program --version`` runs on this host's libraries."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    if libraries is not None:
        environment["LD_LIBRARY_PATH"] = str(libraries)
    if not program.exists():
        raise EngineError(Code.DEBIAN_ARCHIVE(f"{program.name} is not in the package"))
    try:
        done = run([*_command(program), argument], env=environment, seconds=30)
    except EngineError as error:
        raise EngineError(
            Code.DEBIAN_ARCHIVE(f"{program.name} does not run here: {error}")
        ) from error
    if done.returncode:
        reason = done.cause.replace(f"{program}: ", "")
        raise EngineError(Code.DEBIAN_ARCHIVE(f"{program.name} does not run here: {reason}"))


def _command(program: Path) -> tuple[str, ...]:
    """Name a script's interpreter: the cache folder may be mounted noexec."""
    with program.open("rb") as handle:
        first = handle.readline(128)
    return ("perl", str(program)) if first.startswith(b"#!/usr/bin/perl") else (str(program),)


def _key(candidates: Sequence[Sequence[SuitePackage]]) -> str:
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    machine = os.uname().machine
    return hashlib.sha256(f"{text}{machine}{candidates!r}".encode()).hexdigest()[:12]


def _unpacked(
    prefix: Path, name: str, packages: Sequence[SuitePackage], check: Check, report: Progress
) -> Path:
    with scratch(prefix.parent, f".{prefix.name}.part-") as temporary:
        downloads, root = temporary / "debs", temporary / "root"
        downloads.mkdir()
        _download(packages, downloads, name, report)
        debs = sorted(downloads.glob("*.deb"))
        report.message(f"unpacking {', '.join(deb.name.partition('_')[0] for deb in debs)}")
        root.mkdir()
        at_once(partial(_unpack, root), debs, _AT_ONCE)
        check(root)
        root.chmod(0o700)
        seal(root, _seal(prefix))
        root.rename(prefix)
    return prefix


def _unpack(root: Path, deb: Path) -> None:
    done = run(["dpkg-deb", "--extract", deb, root], seconds=_UNPACK_SECONDS)
    if done.returncode:
        reason = done.errors.strip().replace("\n", "; ")
        raise EngineError(Code.DEBIAN_ARCHIVE(f"cannot unpack {deb.name}: {reason}"))


def _download(packages: Sequence[SuitePackage], folder: Path, what: str, report: Progress) -> None:
    archive = host_archive()
    wanted: dict[str, list[str]] = {}
    for package in packages:
        name = archive.suite if package.suite == HOST else package.suite
        wanted.setdefault(name, []).append(package.name)
    suites = [Suite.of(archive, name) for name in wanted]
    report.message(f"reading the index of Debian {' and '.join(wanted)}")
    at_once(Suite.update, suites, _AT_ONCE)
    remotes = [remote for suite in suites for remote in suite.remotes(wanted[suite.name])]
    total = sum({remote.name: remote.size for remote in remotes}.values())

    def show() -> None:
        report.transfer(f"downloading {what}", min(_bytes(folder), total), total)

    for suite in suites:
        _fetch(suite, wanted[suite.name], folder, show)


def _fetch(suite: Suite, wanted: list[str], folder: Path, show: Callable[[], None]) -> None:
    with suite.download(wanted, folder) as process, held(process, of_threads.get()):
        try:
            while process.poll() is None:
                show()
                time.sleep(0.1)
        except BaseException:
            process.terminate()
            raise
        stderr = process.stderr.read() if process.stderr else b""
    show()
    if process.returncode:
        raise apt_error(stderr)


def _bytes(folder: Path) -> int:
    done = 0
    for file in folder.iterdir():
        # apt may rename it at this very moment.
        with contextlib.suppress(FileNotFoundError):
            done += file.stat().st_size
    return done
