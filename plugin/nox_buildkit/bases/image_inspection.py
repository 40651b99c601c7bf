"""The inspection of a base by its layers: Python, libc, shell, distribution."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nox_buildkit.debian import releases
from nox_buildkit.oci.file_contents import contents_of
from nox_buildkit.oci.root_file_system import Tree
from nox_buildkit.plan.wheel_platforms import Libc

#: What is looked into, besides being listed.
_READ = re.compile(
    r"^(?:usr/lib|etc)/os-release$|(?:^|/)(?:libc\.so\.6|libc-2\.\d+\.so|ld-musl-[^/]+\.so\.1)$"
)
_GLIBC = re.compile(rb"GNU C Library [^\n]*release version (\d+)\.(\d+)")
_MUSL = re.compile(rb"\x00(1)\.(\d+)\.\d+\x00")
_PYTHON = re.compile(r"python(3\.\d+)$")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: Links on the way to a file before they are a loop (as Linux counts them).
_MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class ImageInspection:
    """The properties of one image.

    ``python`` is the version and ``interpreter`` the path of its Python, empty if there is none;
    ``full_python`` is its patch release, where the image says it;
    ``distribution`` the ID and the version of os-release(5).
    """

    libc: Libc | None
    python: str
    interpreter: str
    shell: bool
    apt: bool
    distribution: tuple[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    full_python: str = ""

    @property
    def builds(self) -> bool:
        """Tell whether build steps can run in it."""
        return self.shell and bool(self.interpreter)


@dataclass(frozen=True, slots=True)
class Files:
    """The files of an image: path without leading slash → target if it is a link, else None."""

    links: dict[str, str | None] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    def real(self, path: str) -> str | None:
        """The file that ``path`` leads to, links on the way followed; None if there is none."""
        parts, real, followed = path.strip("/").split("/"), "", 0
        while parts:
            part = parts.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                real = posixpath.dirname(real)
                continue
            here = f"{real}/{part}".lstrip("/")
            if here not in self.links:
                return None
            target = self.links[here]
            if target is None:
                real = here
                continue
            followed += 1
            if followed > _MAX_LINKS:
                return None
            parts = [*target.split("/"), *parts]
            if target.startswith("/"):
                real = ""
        return real


def look(config: Mapping[str, Any], layers: Iterable[Path]) -> ImageInspection:
    """Look into the image of ``config`` (its process configuration) and compressed ``layers``."""
    files = _files(layers)
    env = dict(each.split("=", 1) for each in config.get("Env") or () if "=" in each)
    python, interpreter = _python(files, env.get("PATH", _PATH))
    return ImageInspection(
        libc=_libc(files),
        python=python,
        interpreter=interpreter,
        shell=files.real("/bin/sh") is not None,
        apt=files.real("/usr/bin/apt-get") is not None,
        distribution=_distribution(files),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        full_python=_stated_patch(env, python),
    )


def _stated_patch(env: Mapping[str, str], python: str) -> str:
    """Return the version in the variable of the official images, if it is of the Python found."""
    found = re.match(r"3\.\d+\.\d+", env.get("PYTHON_VERSION", ""))
    return found[0] if python and found and found[0].startswith(f"{python}.") else ""


def _files(layers: Iterable[Path]) -> Files:
    """Everything that a container sees of ``layers``, the lowest first."""
    stack = list(layers)
    tree = Tree(stack)
    links = {path[1:]: entry.link or None for path, entry in tree.entries.items() if path != "/"}
    contents = contents_of(tree, stack, lambda path: bool(_READ.search(path[1:])))
    return Files(links, {path[1:]: content for path, content in contents.items()})


def _python(files: Files, path: str) -> tuple[str, str]:
    """Version and path of the first Python on ``path``."""
    for folder in path.split(":"):
        for name in ("python3", "python"):
            real = files.real(f"{folder}/{name}")
            if real and (found := _PYTHON.search(real)):
                return found[1], f"/{real}"
    return "", ""


def _libc(files: Files) -> Libc | None:
    for path, content in files.contents.items():
        if path in files.links and "os-release" not in path:
            musl = "ld-musl-" in path
            if found := (_MUSL if musl else _GLIBC).search(content):
                return Libc("musl" if musl else "glibc", (int(found[1]), int(found[2])))
    return None


def _distribution(files: Files) -> tuple[str, str]:
    real = files.real("/etc/os-release") or files.real("/usr/lib/os-release") or ""
    return releases.distribution(files.contents.get(real, b""))
