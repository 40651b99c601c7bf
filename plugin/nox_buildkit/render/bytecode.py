"""Byte-compile a tree, reusing byte code that was compiled before.

Runs inside the build with the base's own Python and nothing else:

    python3 bytecode.py TREE RUNTIME_PATH CACHE

The cache is addressed by content (path at run time, source, Python), so a package that did not
change is never compiled again, whatever platform or image it is for; entries are written under a
temporary name and renamed, so that builds may share it at the same moment. The byte code is never
checked against its source (PEP 552): sources in an image do not change.
"""

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor

PYTHON = f"{sys.implementation.cache_tag} {importlib.util.MAGIC_NUMBER.hex()}"


def compile_file(job):
    """Put the byte code of one source in its place; (source, path at run time, cache) in."""
    source, runtime, cache = job
    with open(source, "rb") as stream:
        content = stream.read()
    digest = hashlib.sha256(b"\0".join((PYTHON.encode(), runtime.encode(), content))).hexdigest()
    cached = os.path.join(cache, digest[:2], digest)
    target = importlib.util.cache_from_source(source)
    if not os.path.exists(cached):
        os.makedirs(os.path.dirname(cached), exist_ok=True)
        try:
            py_compile.compile(
                source,
                cfile=cached,
                dfile=runtime,
                doraise=True,
                quiet=2,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError):
            # Templates and code of other Python versions travel in packages; they stay sources.
            return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(cached, target)


def main(tree, runtime, cache):
    """Compile every source below ``tree``, which lies at ``runtime`` in the final image."""
    jobs = []
    for folder, _, names in os.walk(tree):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".py") and os.path.isfile(path):
                jobs.append((path, runtime + path[len(tree) :], cache))
    with ProcessPoolExecutor() as pool:
        list(pool.map(compile_file, jobs, chunksize=16))


if __name__ == "__main__":
    main(*sys.argv[1:])
