"""Image references: parsed, in full, and replaced by mirrors.

Source: the grammar of distribution/reference, with Docker Hub's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_HUB, _OLD_HUB, _OFFICIAL = "docker.io", "index.docker.io", "library"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference in full: ``docker.io``, ``library/python``; ``tag`` and ``digest`` may be empty.

    ``str`` and ``parse`` are inverse.
    """

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read a reference as people write it.

        The first part is a host if it has a dot, a port or a capital letter, or is localhost.
        """
        name, _, digest = text.partition("@")
        host, slash, path = name.partition("/")
        if not slash or not _is_host(host):
            host, path = _HUB, name
        if host in (_HUB, _OLD_HUB):
            host, path = _HUB, path if "/" in path else f"{_OFFICIAL}/{path}"
        head, slash, last = path.rpartition("/")
        last, _, tag = last.partition(":")
        return cls(host, f"{head}{slash}{last}", tag, digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def repository(self) -> str:
        """The name in full, without tag and digest."""
        return f"{self.registry}/{self.path}"

    def mirrored(self, mirrors: Mapping[str, str]) -> ImageReference:
        """Return the place to get it from: the longest of ``mirrors`` that it begins with.

        ``mirrors``: registry, or the beginning of a repository's name or all of it → what stands in
        for it.
        """
        name = str(self)
        for prefix in sorted(mirrors, key=len, reverse=True):
            if f"{self.repository}/".startswith(f"{prefix}/"):
                return ImageReference.parse(f"{mirrors[prefix]}{name.removeprefix(prefix)}")
        return self


def _is_host(part: str) -> bool:
    # Names of repositories have no capital letters.
    return part == "localhost" or "." in part or ":" in part or part != part.lower()
