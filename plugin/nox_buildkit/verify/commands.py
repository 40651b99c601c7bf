"""Whether what an image starts is in it: its programs, modules and files.

Only what is certain is said: a program may have ways of its own to find what it is told to run, so
a module counts as there wherever it lies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nox_buildkit.oci.root_file_system import Tree

_PYTHON = re.compile(r"python[0-9.]*")
_SHELLS = ("sh", "ash", "bash", "dash", "ksh", "zsh", "busybox", "env")
#: Servers that are told MODULE:NAME of an application.
_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve")
_APPLICATION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*(?:\(\))?")
_VARIABLE = re.compile(r"\$(?:[A-Z_][A-Z0-9_]*|\{[A-Z_][A-Z0-9_]*\})")
_BYTE_CODE = re.compile(r"__pycache__/([^/]+)\.[^./]+\.pyc$")
#: The path that a container has where its image states none.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def unstartable(tree: Tree, config: Mapping[str, Any], command: Sequence[str]) -> Iterator[str]:
    """Sentences about ``command`` in the image ``tree`` that it cannot run.

    ``config``: of the image (OCI image specification, config.md).
    """
    if not command:
        return
    program, *arguments = command
    workdir = config.get("WorkingDir") or "/"
    problem = _program(tree, program, workdir, config.get("Env") or ())
    if problem:
        yield problem
        return
    name = posixpath.basename(program)
    if name not in _SHELLS:
        yield from _unexpanded(arguments)
    if _PYTHON.fullmatch(name):
        yield from _python(tree, arguments, workdir)
    elif name in _SERVERS:
        yield from _served(tree, arguments)


def uncompiled(tree: Tree, workdir: str, files: Sequence[str], python: str) -> Iterator[str]:
    """A sentence about the sources ``files``, below ``workdir``, that have no byte code."""
    made = {_BYTE_CODE.sub(r"\1.py", path) for path in tree.entries if path.endswith(".pyc")}
    failed = []
    for path in files:
        absolute = posixpath.join(workdir, path)
        entry = tree.entries.get(absolute)
        if path.endswith(".py") and entry and not entry.link and absolute not in made:
            failed.append(path)
    if failed:
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        yield (
            f"{', '.join(failed[:5])}{more}: Python {python} cannot compile it; find the mistake "
            f"with 'python{python} -m py_compile {failed[0]}'"
        )


def _program(tree: Tree, program: str, workdir: str, variables: Sequence[str]) -> str:
    """What is wrong with ``program``; empty if nothing is."""
    if "/" in program:
        entry = tree.find(posixpath.join(workdir, program))
        if entry is None or entry.folder:
            return f"'{program}', which it starts, is not in the image; correct 'command' or 'copy'"
        if not entry.mode & 0o111:
            return (
                f"'{program}', which it starts, is not executable; run 'chmod +x' on the file, or "
                "start it with its interpreter"
            )
        return ""
    environment = dict(variable.partition("=")[::2] for variable in variables)
    for folder in (environment.get("PATH") or _PATH).split(":"):
        entry = tree.find(posixpath.join(workdir, folder, program))
        if entry and not entry.folder and entry.mode & 0o111:
            return ""
    return (
        f"'{program}', which it starts, is not in the image: nothing on its PATH provides it; add "
        "the package that does to the requirements, or correct 'command'"
    )


def _unexpanded(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        # Text of a program may hold anything.
        if " " not in argument and "\n" not in argument and (found := _VARIABLE.search(argument)):
            yield (
                f"'{found[0]}' in 'command' stays as it is, since no shell reads it; read the "
                'variable in the program, or start [sh, -c, "exec …"]'
            )


def _python(tree: Tree, arguments: Sequence[str], workdir: str) -> Iterator[str]:
    """The interpreter's options (python(1)) as far as to what it runs."""
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            waiting = waiting[1:]
        elif word == "-m":
            if waiting:
                yield from _module(tree, waiting[0])
                if waiting[0] in _SERVERS:
                    yield from _served(tree, waiting[1:])
            return
        elif not word.startswith("-"):
            if tree.find(posixpath.join(workdir, word)) is None:
                yield f"'{word}', which Python is to run, is not in the image; correct 'command'"
            return
        elif word == "-" or re.fullmatch("-[A-Za-z]*[cm].*", word) or not word[1:].isalpha():
            return


def _module(tree: Tree, name: str) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", name):
        return
    path = "/" + name.replace(".", "/")
    if next(tree.ending((f"{path}.py", f"{path}.pyc", f"{path}/__main__.py")), None):
        return
    if _has_module(tree, name):
        if next(tree.ending((f"{path}/__init__.py",)), None):
            yield f"'{name}' cannot be run with -m: the package has no __main__.py"
        return
    yield f"no module '{name}' is in the image; add its package to the requirements, or 'copy' it"


def _served(tree: Tree, arguments: Sequence[str]) -> Iterator[str]:
    previous = ""
    for word in arguments:
        match = _APPLICATION.fullmatch(word)
        # What follows an option may be its value.
        if match and not previous.startswith("-") and not _has_module(tree, match[1]):
            yield f"no module '{match[1]}' is in the image, which '{word}' names; correct 'command'"
        previous = word


def _has_module(tree: Tree, name: str) -> bool:
    """Whether a module or package could be ``name``, wherever it lies."""
    path = "/" + name.replace(".", "/")
    if next(tree.ending((f"{path}.py", f"{path}.pyc")), None):
        return True
    if any(tree.entries[each].folder for each in tree.ending((path,))):
        return True
    # Machine code has more to its name.
    return any(f"{path}." in each and each.endswith(".so") for each in tree.entries)
