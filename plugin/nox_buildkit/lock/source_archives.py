"""Sources of a project as a source distribution: equal for equal sources.

It has what the backend's own has, such as the version that git knew, and besides all files of the
folder: many projects build from their folder, and have never been built from a distribution.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.lock.git import ask_git
from nox_buildkit.lock.project_sources import Sources

#: As zip files can have it; reproducible-builds.org.
_TIME = 315532800
#: What compilers leave, where git does not say what is of no account.
_MADE = ("target", "build", "dist", "*.so", "*.pyd", "*.o", "*.a")


def known_to_git(sources: Sources) -> Sources:
    """Return the ``sources`` that git does not ignore, or that no compiler is known to make."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    listed = ask_git(sources.folder, "ls-files", *options).split("\0")
    kept = frozenset(path.rstrip("/") for path in listed if path)

    def counts(path: PurePosixPath) -> bool:
        if kept:
            # What is behind a link has the name of the link in git.
            return bool(kept & {str(path), *map(str, path.parents)})
        return not any(fnmatch(part, made) for part in path.parts for made in _MADE)

    paths = [each.path for each in sources.entries if not each.path.endswith("/")]
    files = {path for path in paths if counts(PurePosixPath(path))}
    # A compiler makes new folders in its own.
    folders = {f"{above}/" for path in files for above in PurePosixPath(path).parents}
    return sources.only(lambda path: path in files or path in folders)


def pack(named: tuple[str, str], sources: Sources, made: Path | None, output: Path) -> Path:
    """Write the source distribution of ``named`` into the new folder ``output``; return its path.

    ``named``: name and version; ``made``: the backend's own. Raises PlanError for what cannot be
    read, or is no version.
    """
    name, version = named
    try:
        stated = str(Version(version))
    except InvalidVersion:
        message = f"{sources.folder}: '{version}' is not a version of Python packages (PEP 440)"
        raise PlanError(Code.OWN_PACKAGE(message, "correct it")) from None
    stem = f"{canonicalize_name(name).replace('-', '_')}-{stated}"
    folder = sources.copy(output.with_name("packed"))
    if made:
        _unpack(made, folder)
    output.mkdir()
    target = output / f"{stem}.tar.gz"
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or path.is_file():
                _add(tar, path, f"{stem}/{path.relative_to(folder)}")
    return target


def stated_in(archive: Path) -> tuple[str, str]:
    """Return name and version of the backend's source distribution ``archive``."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if PurePosixPath(member.name).name == "PKG-INFO" and member.name.count("/") == 1:
                file = tar.extractfile(member)
                lines = file.read().decode("utf-8", "replace").splitlines() if file else []
                fields = dict(line.split(": ", 1) for line in lines if ": " in line)
                return fields.get("Name", ""), fields.get("Version", "")
    return "", ""


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.mtime = _TIME
    if path.is_symlink():
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(info)
        return
    state = path.stat()
    info.size, info.mode = state.st_size, 0o755 if state.st_mode & 0o100 else 0o644
    with path.open("rb") as content:
        tar.addfile(info, content)


def _unpack(archive: Path, folder: Path) -> None:
    """Put the files of a source distribution over those of ``folder``."""
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts[1:]
            content = tar.extractfile(member) if member.isreg() else None
            if not content or not parts or ".." in parts:
                continue
            target = folder.joinpath(*parts)
            if target.is_symlink():
                # It leads to the same as in the folder.
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)
