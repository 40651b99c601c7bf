"""Image references: parsed, in full, and replaced by mirrors.

Source: the grammar of distribution/reference, with Docker Hub's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_HUB, _OFFICIAL = "docker.io", "library"


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

        The first part is a host if it has a dot or a port, or is localhost.
        """
        name, _, digest = text.partition("@")
        host, slash, path = name.partition("/")
        if not slash or not (host == "localhost" or "." in host or ":" in host):
            host, path = _HUB, name if slash else f"{_OFFICIAL}/{name}"
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

        ``mirrors``: registry, or the beginning of a repository's name → what stands in for it.
        """
        name = str(self)
        for prefix in sorted(mirrors, key=len, reverse=True):
            if name.startswith(f"{prefix}/"):
                return ImageReference.parse(f"{mirrors[prefix]}{name.removeprefix(prefix)}")
        return self
