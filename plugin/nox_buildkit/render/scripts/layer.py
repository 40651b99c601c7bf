"""Finish a layer: byte code for every Python source, and nothing in it that depends on the time.

Runs inside the build with the base's own Python and nothing else:

    PYTHONHASHSEED=0 python3 -B -s -S layer.py ROOT CACHE [--keep-modes]

ROOT mirrors the file system of the final image. With --keep-modes, everything in it keeps its mode.
The cache of byte code is addressed by content (paths in the image, sources, Python), so a package
that did not change is never compiled again, whatever platform or image it is for; entries are
written under a temporary name and renamed, so that builds may share it at the same moment, and each
begins with its own digest. The byte code is for a source of one time and one size (PEP 552). Python
looks at both in any case, so what a step, a mount or a further layer puts in the place of a source
is what runs.

Byte code depends on nothing but its sources and the Python: variables such as PYTHONOPTIMIZE and
PYTHONPYCACHEPREFIX, which a base may set, are taken away first. Before Python 3.11, the order of
constant sets follows the seed of hashes.

It runs whenever a line of the application has changed: it imports little.
"""

import gc
import hashlib
import importlib.util
import marshal
import os
import stat
import sys
import warnings
from collections.abc import Callable

# Constant, so that a layer's digest depends on its content alone, and not zero, which zip files
# cannot represent: 1980-01-01.
EPOCH = 315532800

#: The interpreter to its patch release and build, the level of optimisation, the time of sources.
PYTHON = (
    f"{sys.version} {sys.implementation.cache_tag} {importlib.util.MAGIC_NUMBER.hex()} 0 {EPOCH}"
)


def place_bytecode(root: str, sources: list[str], cache: str) -> None:
    """Put the byte code of ``sources``, paths in the image, in its place below ``root``."""
    digest = hashlib.sha256(PYTHON.encode())
    for source in sources:
        with open(root + source, "rb") as stream:
            content = stream.read()
        digest.update(f"\0{source}\0{len(content)}\0".encode() + content)
    cached = os.path.join(cache, f"{digest.hexdigest()}.marshal")
    content = entry(cached)
    if not content:
        # Byte code tells which strings the process knew before (marshal keeps references), so a
        # package is compiled in its order by a process that has compiled nothing else.
        in_child(compile_sources, root, sources, cached)
        content = entry(cached)
    compiled = marshal.loads(content)  # noqa: S302  byte code is trusted to run, too
    for position, source in enumerate(sources):
        code = compiled[position]
        if code:
            target = importlib.util.cache_from_source(root + source, optimization="")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as stream:
                stream.write(code)


def entry(path: str) -> bytes:
    """The content of an entry of the cache; empty, if it is not there or is not as written."""
    try:
        with open(path, "rb") as stream:
            digest, content = stream.read(32), stream.read()
    except FileNotFoundError:
        return b""
    if hashlib.sha256(content).digest() == digest:
        return content
    print(
        "nox-buildkit: byte code in the cache was damaged, and is compiled again", file=sys.stderr
    )
    return b""


def compile_sources(root: str, sources: list[str], cached: str) -> None:
    """Compile ``sources`` into the file ``cached``: their .pyc files, in order, as one list."""
    # Nothing of a compilation is garbage before its end, and warnings are for the author.
    gc.disable()
    warnings.simplefilter("ignore")
    compiled = [byte_code(root + source, source) for source in sources]
    os.makedirs(os.path.dirname(cached), exist_ok=True)
    # Processes of several containers may have the same number.
    temporary = f"{cached}.{os.urandom(8).hex()}"
    content = marshal.dumps(compiled)
    with open(temporary, "xb") as stream:
        stream.write(hashlib.sha256(content).digest() + content)
    os.rename(temporary, cached)


def byte_code(path: str, source: str) -> bytes:
    """The .pyc file of the source at ``path`` (PEP 552, by time); empty if it is no Python.

    Templates and code of other Python versions travel in packages; they stay sources.
    """
    with open(path, "rb") as stream:
        content = stream.read()
    try:
        code = compile(content, source, "exec", dont_inherit=True, optimize=0)
        head = b"".join(word.to_bytes(4, "little") for word in (0, EPOCH, len(content)))
        return importlib.util.MAGIC_NUMBER + head + marshal.dumps(code)
    except Exception:
        return b""


def compile_tree(root: str, cache: str) -> None:
    """Put the byte code of every source below ``root`` in its place, on every processor."""
    packages: dict[str, list[str]] = {}
    for folder, _, names in os.walk(root):
        below, packaged, rest = folder[len(root) :].partition("/site-packages/")
        package = below + packaged + rest.split("/")[0]
        for name in names:
            if name.endswith(".py") and os.path.isfile(os.path.join(folder, name)):
                source = os.path.join(folder[len(root) :], name)
                packages.setdefault(package, []).append(source)
    # The largest first, in turns, so that the processors end at about the same time.
    jobs = sorted(map(sorted, packages.values()), key=len, reverse=True)
    share = os.cpu_count() or 1
    children = [fork(place_all, root, jobs[start::share], cache) for start in range(share)]
    # Every child is waited for, also after one that failed.
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        sys.exit("byte code cannot be written")


def place_all(root: str, jobs: list[list[str]], cache: str) -> None:
    """One processor's share."""
    for sources in jobs:
        place_bytecode(root, sources, cache)


def in_child(function: Callable[..., None], *arguments: object) -> None:
    """Call ``function`` in a process of its own, and wait for it."""
    if os.waitpid(fork(function, *arguments), 0)[1]:
        raise OSError("a child process failed")


def fork(function: Callable[..., None], *arguments: object) -> int:
    """Start ``function`` in a process of its own; the process's number."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        function(*arguments)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def normalise(root: str, keep_modes: bool) -> None:
    """One time for all; readable by every user, writable by the owner, executable as before."""
    for folder, folders, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in (*folders, *names)):
            mode = os.lstat(path).st_mode
            wanted = 0o755 if mode & 0o100 else 0o644
            if not keep_modes and not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != wanted:
                os.chmod(path, wanted)
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def isolate() -> None:
    """Start again without the variables of Python, if there are any, but for the place of it."""
    kept = ("PYTHONHOME", "PYTHONHASHSEED")
    others = [name for name in os.environ if name.startswith("PYTHON") and name not in kept]
    if others:
        environment = {name: value for name, value in os.environ.items() if name not in others}
        command = [sys.executable, "-B", "-s", "-S", *sys.argv]
        os.execve(command[0], command, environment)  # noqa: S606  there is no shell to want


if __name__ == "__main__":
    isolate()
    compile_tree(sys.argv[1], sys.argv[2])
    normalise(sys.argv[1], "--keep-modes" in sys.argv)
