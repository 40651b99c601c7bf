"""Places of modules in an image: those where Python looks, and others."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from nox_buildkit.oci.root_file_system import Tree

#: Where Python looks by itself, of whichever version and environment.
_LIBRARY = re.compile(r"/(?:site|dist)-packages$|/lib(?:64)?/python3[0-9.]*(?:/lib-dynload)?$")
#: Options of servers that name further places, or files that do.
_OPTIONS = ("--app-dir", "--pythonpath", "--chdir", "--working-dir", "-c", "--config", "-C")
#: Files of the environment itself that add nothing to the path.
_OWN = ("_virtualenv.pth", "distutils-precedence.pth")


def roots_of(workdir: str, variables: Sequence[str]) -> tuple[str, ...]:
    """Return the folders where a program of the image looks besides its library."""
    environment = dict(variable.partition("=")[::2] for variable in variables)
    stated = filter(None, environment.get("PYTHONPATH", "").split(":"))
    return (workdir, *(posixpath.normpath(posixpath.join(workdir, each)) for each in stated))


def out_of_reach(tree: Tree, name: str, roots: Sequence[str], command: Sequence[str]) -> str:
    """Return the folder that has the module ``name``, if Python does not look there.

    Empty if it does, or if the ``command`` or a file of the environment may name more folders.
    """
    if any(word.startswith(_OPTIONS) for word in command[1:]):
        return ""
    path = "/" + name.replace(".", "/")
    found = tree.ending((f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py"))
    folders = [each.rpartition(path)[0] or "/" for each in found]
    if any(folder in roots or _LIBRARY.search(folder) for folder in folders):
        return ""
    added = (each for each in tree.entries if each.endswith(".pth") and "-packages/" in each)
    if any(not each.endswith(_OWN) for each in added):
        return ""
    return folders[0] if folders else ""
