"""Finish a layer: byte code for every Python source, and nothing in it that depends on the time.

Runs inside the build with the base's own Python and nothing else:

    python3 layer.py ROOT CACHE

ROOT mirrors the file system of the final image. The cache of byte code is addressed by content
(path in the image, source, Python), so a package that did not change is never compiled again,
whatever platform or image it is for; entries are written under a temporary name and renamed, so
that builds may share it at the same moment. The byte code is never checked against its source
(PEP 552): sources in an image do not change.
"""

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor

PYTHON = f"{sys.implementation.cache_tag} {importlib.util.MAGIC_NUMBER.hex()}"

# Constant, so that a layer's digest depends on its content alone, and not zero, which zip files
# cannot represent: 1980-01-01.
EPOCH = 315532800


def place_bytecode(job: tuple[str, str, str]) -> None:
    """Put the byte code of a source in its place, compiling it unless that was done before.

    ``job``: the source, its path in the image, the cache.
    """
    source, name, cache = job
    with open(source, "rb") as stream:
        content = stream.read()
    digest = hashlib.sha256(b"\0".join((PYTHON.encode(), name.encode(), content))).hexdigest()
    cached = os.path.join(cache, digest[:2], digest)
    if not os.path.exists(cached) and not compile_source(source, name, cached):
        return
    target = importlib.util.cache_from_source(source)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(cached, target)


def compile_source(source: str, name: str, cached: str) -> bool:
    """Compile ``source`` to the file ``cached``; False for what is not Python of this version."""
    os.makedirs(os.path.dirname(cached), exist_ok=True)
    try:
        py_compile.compile(
            source,
            cfile=cached,
            dfile=name,
            doraise=True,
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, ValueError):
        # Templates and code of other Python versions travel in packages; they stay sources.
        return False
    return True


def compile_sources(root: str, cache: str) -> None:
    """Put the byte code of every source below ``root`` in its place."""
    jobs = []
    for folder, _, names in os.walk(root):
        paths = (os.path.join(folder, name) for name in names if name.endswith(".py"))
        jobs += [(path, path[len(root) :], cache) for path in paths if os.path.isfile(path)]
    if len(jobs) < 64:
        list(map(place_bytecode, jobs))
        return
    with ProcessPoolExecutor() as pool:
        list(pool.map(place_bytecode, jobs, chunksize=16))


def normalise(root: str) -> None:
    """Readable by every user, writable by the owner, executable as before, one time for all."""
    for folder, folders, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in (*folders, *names)):
            mode = os.lstat(path).st_mode
            if not os.path.islink(path):
                os.chmod(path, 0o755 if mode & 0o100 else 0o644)
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


if __name__ == "__main__":
    compile_sources(sys.argv[1], sys.argv[2])
    normalise(sys.argv[1])
