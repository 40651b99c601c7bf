"""Check that an image has what it starts: programs, modules and files.

Only what is certain is reported: a program may find what it runs in ways of its own, so a module
counts as present wherever it is.
"""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nox_buildkit.buildspec.model.interpolation import SHELLS
from nox_buildkit.oci.root_file_system import Tree
from nox_buildkit.verify.module_paths import out_of_reach, roots_of

_PYTHON = re.compile(r"python[0-9.]*")
#: Servers that are told MODULE:NAME of an application.
_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve")
_APPLICATION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*(?:\(\))?")
_VARIABLE = re.compile(r"(?<!\$)\$[A-Z_][A-Z0-9_]*")
_BYTE_CODE = re.compile(r"__pycache__/([^/]+)\.[^./]+\.pyc$")
#: The path that a container has where its image states none.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Finding(NamedTuple):
    """A fault of the ``word`` of a command, counted from 0."""

    word: int
    sentence: str


def unstartable(tree: Tree, config: Mapping[str, Any], command: Sequence[str]) -> Iterator[Finding]:
    """Yield what of ``command`` the image ``tree`` cannot run.

    ``config``: of the image (OCI image specification, config.md).
    """
    if not command:
        return
    program, *_ = command
    if "${" in program:
        # Whoever starts the container names it.
        return
    workdir = config.get("WorkingDir") or "/"
    problem = _program(tree, program, workdir, config.get("Env") or ())
    if problem:
        yield Finding(0, problem)
        return
    name = posixpath.basename(program)
    if name not in (*SHELLS, "env"):
        yield from _unexpanded(command)
    roots = roots_of(workdir, config.get("Env") or ())
    if _PYTHON.fullmatch(name):
        yield from _python(tree, command, roots)
    elif name in _SERVERS:
        yield from _served(tree, command, 1, roots)


def uncompiled(tree: Tree, workdir: str, files: Sequence[str]) -> list[str]:
    """Return those of the sources ``files``, below ``workdir``, that have no byte code."""
    made = {_BYTE_CODE.sub(r"\1.py", path) for path in tree.entries if path.endswith(".pyc")}
    failed = []
    for path in files:
        absolute = posixpath.join(workdir, path)
        entry = tree.entries.get(absolute)
        if path.endswith(".py") and entry and not entry.link and absolute not in made:
            failed.append(path)
    return failed


def syntax_problem(path: str, source: bytes, python: str) -> str:
    """Say why ``python`` (``3.13``) did not compile ``source``.

    The Python that runs this one parses it: where it accepts what the other one did not, the line
    is not known.
    """
    minor = int(python.split(".")[1])
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(source, path, feature_version=(3, minor))
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        return f"{path}{line}: {type(error).__name__}: {error.msg}; correct it"
    except (ValueError, RecursionError, MemoryError):
        pass
    return (
        f"{path}: Python {python} cannot compile it; find the mistake with "
        f"'python{python} -m py_compile {path}'"
    )


def _program(tree: Tree, program: str, workdir: str, variables: Sequence[str]) -> str:
    """Describe the fault of ``program``; empty if it has none."""
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


def _unexpanded(command: Sequence[str]) -> Iterator[Finding]:
    for word, argument in enumerate(command):
        # Text of a program may hold anything.
        spaced = " " in argument or "\n" in argument
        if word and not spaced and (found := _VARIABLE.search(argument)):
            yield Finding(
                word,
                f"'{found[0]}' in 'command' stays as it is, since no shell reads it; write "
                f"'${{{found[0][1:]}}}', which is replaced when a container starts",
            )


def _python(tree: Tree, command: Sequence[str], roots: Sequence[str]) -> Iterator[Finding]:
    """Follow the interpreter's options (python(1)) to what it runs."""
    position, workdir = 1, roots[0]
    while position < len(command):
        word = command[position]
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            position += 1
        elif word == "-m":
            if position + 1 < len(command):
                yield from _module(tree, command, position + 1, roots)
                if command[position + 1] in _SERVERS:
                    yield from _served(tree, command, position + 2, roots)
            return
        elif not word.startswith("-"):
            if tree.find(posixpath.join(workdir, word)) is None:
                sentence = f"'{word}', which Python is to run, is not in the image"
                yield Finding(position, f"{sentence}; correct 'command'")
            return
        elif word == "-" or re.fullmatch("-[A-Za-z]*[cm].*", word) or not word[1:].isalpha():
            return
        position += 1


def _module(
    tree: Tree, command: Sequence[str], word: int, roots: Sequence[str]
) -> Iterator[Finding]:
    name = command[word]
    if not re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", name):
        return
    path = "/" + name.replace(".", "/")
    if next(tree.ending((f"{path}.py", f"{path}.pyc", f"{path}/__main__.py")), None):
        yield from _elsewhere(tree, command, name, word, roots)
        return
    if _has_module(tree, name):
        if next(tree.ending((f"{path}/__init__.py",)), None):
            message = f"'{name}' cannot be run with -m: the package has no __main__.py"
            yield Finding(word, message)
        return
    message = f"no module '{name}' is in the image; add its package to the requirements, or"
    yield Finding(word, f"{message} 'copy' it")


def _elsewhere(
    tree: Tree, command: Sequence[str], name: str, word: int, roots: Sequence[str]
) -> Iterator[Finding]:
    if folder := out_of_reach(tree, name, roots, command):
        yield Finding(
            word,
            f"Python does not look for '{name}' in {folder}; write 'PYTHONPATH: {folder}' in "
            "'env', or install the project with 'package: true'",
        )


def _served(
    tree: Tree, command: Sequence[str], first: int, roots: Sequence[str]
) -> Iterator[Finding]:
    previous = ""
    for position, word in enumerate(command[first:], first):
        match = _APPLICATION.fullmatch(word)
        # What follows an option may be its value.
        if match and not previous.startswith("-"):
            if _has_module(tree, match[1]):
                yield from _elsewhere(tree, command, match[1], position, roots)
            else:
                message = f"no module '{match[1]}' is in the image, which '{word}' names"
                yield Finding(position, f"{message}; correct 'command'")
        previous = word


def _has_module(tree: Tree, name: str) -> bool:
    """Tell whether a module or package could be ``name``, wherever it lies."""
    path = "/" + name.replace(".", "/")
    if next(tree.ending((f"{path}.py", f"{path}.pyc")), None):
        return True
    if any(tree.entries[each].folder for each in tree.ending((path,))):
        return True
    # Machine code has more to its name.
    return any(f"{path}." in each and each.endswith(".so") for each in tree.entries)
