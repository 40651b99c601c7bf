"""Byte code of the standard library, which Debian's packages leave to a maintainer script."""

from __future__ import annotations

import os
from pathlib import Path

from nox_buildkit.bases.unpack import Tree
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.run import Programs

#: Path of a .pyc → its source, and the byte code.
Bytecode = dict[str, tuple[bytes, bytes]]


def compile_library(tree: Tree, python: str, root: Path, programs: Programs) -> Bytecode:
    """Compile the standard library: .pyc path → (source, byte code).

    Byte code does not depend on the processor, so the host's interpreter does it for all. The
    interpreter is run in place through its own loader: no chroot, no root.
    """
    _write_out(tree, root)
    library = f"usr/lib/python{python}"
    loader = next(iter(sorted(root.glob("usr/lib*/**/ld-linux*.so.*"))))
    libraries = (
        loader.parent if loader.parent.name != "lib64" else next(root.glob("usr/lib/*-linux-gnu"))
    )
    command = [
        str(loader), "--library-path", f"{libraries}:{root}/usr/lib",
        str(root / f"usr/bin/python{python}"), "-s", "-S", "-m", "compileall", "-q",
        "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/", str(root / library),
    ]  # fmt: skip
    # What compileall imports must not be cached on the way: with a time in it, and then skipped.
    environment = {
        "PYTHONHOME": str(root / "usr"), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    what = f"compiling the standard library of Python {python}"
    done = programs.run(command, what=what, env=environment)
    if done.returncode:
        said = (done.output + done.errors).strip()[-300:]
        message = f"the standard library of Python {python} cannot be compiled: {said}"
        raise EngineError(Code.BASE_ASSEMBLY(message))
    compiled = {}
    for path in (root / library).rglob("__pycache__/*.pyc"):
        source = path.parent.parent / f"{path.name.split('.')[0]}.py"
        compiled[str(path.relative_to(root))] = (source.read_bytes(), path.read_bytes())
    return compiled


def _write_out(tree: Tree, root: Path) -> None:
    """Unpack what the interpreter needs: files and links below /usr/lib and /usr/bin."""
    for name, entry in sorted(tree.entries.items()):
        path = root / name
        if not name.startswith(("usr/lib", "usr/bin")) or entry.info.isdir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.info.issym():
            target = entry.info.linkname
            path.symlink_to(root / target.lstrip("/") if target.startswith("/") else target)
        elif entry.info.islnk():
            path.hardlink_to(root / entry.info.linkname)
        else:
            path.write_bytes(entry.content)
            path.chmod(0o755)
