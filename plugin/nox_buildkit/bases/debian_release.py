"""Releases of Debian that carry a Python, as bases."""

from __future__ import annotations

from dataclasses import dataclass

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.wheel_platforms import Libc


@dataclass(frozen=True, slots=True)
class Release:
    """A Debian release as a base: its Python and the C library that wheels are chosen against.

    ``lacks``: platforms that it has no packages for; ``testing``: it is the next release, whose
    packages change every day.
    """

    suite: str
    python: str
    libc: Libc
    lacks: frozenset[str] = frozenset()
    testing: bool = False

    @property
    def platforms(self) -> frozenset[str]:
        """Platforms that it has packages for."""
        return frozenset(PLATFORMS) - self.lacks


RELEASES = {
    release.python: release
    for release in (
        Release("bookworm", "3.11", Libc("glibc", (2, 36)), frozenset({"linux/riscv64"})),
        Release("trixie", "3.13", Libc("glibc", (2, 41))),
        # No suite has Python 3.10 or 3.12.
        Release("forky", "3.14", Libc("glibc", (2, 43)), testing=True),
    )
}


def release_for(python: str) -> Release:
    """The release that carries ``python`` (``3.13``). Raises PlanError where none does."""
    if found := RELEASES.get(python):
        return found
    *first, last = (f"{r.python} ({r.suite})" for r in RELEASES.values())
    offered = f"{', '.join(first)} and {last}"
    raise PlanError(
        Code.PYTHON_VERSION(
            f"base 'debian' has no Python {python}: Debian carries {offered}",
            "set 'python' to one of these, or use base 'slim'",
        )
    )
