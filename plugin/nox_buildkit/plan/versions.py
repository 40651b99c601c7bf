"""Versions of a project as tags: their spelling, their order, and the lines that they belong to.

By PEP 440, or by Semantic Versioning 2.0.0 where the spec asks for it. A tag may hold neither ``!``
nor ``+``: an epoch ``1!2.0`` is written ``1e2.0``, and a local part or build metadata ``1.0+abc``
is written ``1.0_abc``. No version of either scheme has that form itself, so a tag can be read back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TYPE_CHECKING, Literal

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    import semver

Scheme = Literal["pep440", "semver"]

_EPOCH = re.compile(r"([0-9]+)e([0-9].*)")


@total_ordering
@dataclass(frozen=True, slots=True)
class ReleaseVersion:
    """A version of a scheme; ``text``: as it is written.

    ``final``: whether tags that move may name it: no pre-release, no development version, no local
    part. Comparing versions of two schemes is a TypeError.
    """

    text: str = field(compare=False)
    value: Version | semver.Version

    @classmethod
    def parse(cls, text: str, scheme: Scheme) -> ReleaseVersion | None:
        """Read a version; None if ``text`` is none of the ``scheme``."""
        if scheme == "semver":
            import semver  # noqa: PLC0415 - where a project follows it

            try:
                return cls(text, semver.Version.parse(text))
            except ValueError:
                return None
        try:
            return cls(text, Version(text))
        except InvalidVersion:
            return None

    @classmethod
    def of_tag(cls, tag: str, scheme: Scheme) -> ReleaseVersion | None:
        """Read the version that ``tag`` is the tag of, in any spelling; None if there is none."""
        head, _, local = tag.partition("_")
        if scheme == "pep440" and (match := _EPOCH.fullmatch(head)):
            head = f"{match[1]}!{match[2]}"
        return cls.parse(f"{head}+{local}" if local else head, scheme)

    def __str__(self) -> str:
        return self.text

    def __lt__(self, other: ReleaseVersion) -> bool:
        mine, others = self.value, other.value
        if isinstance(mine, Version) and isinstance(others, Version):
            return mine < others
        if isinstance(mine, Version) or isinstance(others, Version):
            return NotImplemented
        return mine < others

    @property
    def tag(self) -> str:
        """The version as a tag."""
        return as_tag(self.text)

    @property
    def final(self) -> bool:
        if isinstance(self.value, Version):
            return not (self.value.is_prerelease or self.value.local)
        return not (self.value.prerelease or self.value.build)

    @property
    def parts(self) -> tuple[int, int, int]:
        """Major, minor and patch; those that are not stated are 0."""
        value = self.value
        if isinstance(value, Version):
            return value.major, value.minor, value.micro
        return value.major, value.minor, value.patch

    @property
    def epoch(self) -> int:
        return self.value.epoch if isinstance(self.value, Version) else 0

    def is_of_line(self, other: ReleaseVersion, length: int) -> bool:
        """Tell whether the first ``length`` parts (and the epoch) are those of ``other``."""
        if not length:
            return True
        return self.epoch == other.epoch and self.parts[:length] == other.parts[:length]


def as_tag(text: str) -> str:
    """Write a version, whatever its scheme, with the characters that a tag may have."""
    public, plus, local = text.partition("+")
    if "_" in public and ReleaseVersion.parse(text, "pep440"):
        # One of several spellings of a separator (PEP 440, normalization).
        public = public.replace("_", ".")
    return f"{public.replace('!', 'e')}{'_' if plus else ''}{local}"
