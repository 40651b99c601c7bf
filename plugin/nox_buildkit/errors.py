"""The one error tree: every failure that a user can meet is a list of problems, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from nox_buildkit.printable import redacted, shortened, visible

# More than a screen of problems helps nobody, and a hostile file can have thousands.
_PROBLEMS = 20
_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: ``line`` and ``column`` count from 1, ``path`` is the dotted key."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        position = f"{self.file}:{self.line}:{self.column}"
        return f"{position}: {self.path}" if self.path else position


@dataclass(frozen=True, slots=True)
class Problem:
    """One cause, and the next thing to try; as text, one line of bounded length.

    ``about``: the value of the spec that it is about, where whoever says so knows no position.
    """

    message: str
    hint: str = ""
    location: Location | None = None
    about: str = ""

    def __str__(self) -> str:
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        whole = f"{self.location}: {text}" if self.location else text
        return visible(redacted(shortened(whole, _LENGTH)))


class NoxBuildkitError(Exception):
    """Base of all errors that are reported without a traceback."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_PROBLEMS]]
        if more := len(self.problems) - len(lines):
            lines.append(f"and {more} more")
        return "\n".join(lines)

    def located(self, location: Location | None) -> Self:
        """The same error; what has no place in it is at ``location``."""
        return self._saying(replace(p, location=p.location or location) for p in self.problems)

    def placed(self, places: Mapping[str, Location]) -> Self:
        """The same error; what is about a value of ``places`` is there."""
        return self._saying(
            replace(p, location=p.location or places.get(p.about)) for p in self.problems
        )

    def hinted(self, hints: Mapping[str, str]) -> Self:
        """Return the same error; a problem about a key of ``hints`` has that hint first."""
        return self._saying(
            replace(p, hint=f"{hints[p.about]}; or {p.hint}") if p.about in hints else p
            for p in self.problems
        )

    def _saying(self, problems: Iterable[Problem]) -> Self:
        """The same error with other ``problems``."""
        other = type(self)(*problems)
        other.__dict__.update({**self.__dict__, "problems": other.problems})
        return other


class UsageError(NoxBuildkitError):
    """The command line is wrong."""


class SpecError(NoxBuildkitError):
    """buildspec.yaml, or a value set over it, is wrong."""


class LockError(NoxBuildkitError):
    """Requirements cannot be resolved, read, or are stale."""


class PlanError(NoxBuildkitError):
    """The request cannot be built: no wheel, no such platform, no such file."""


class EngineError(NoxBuildkitError):
    """There is no BuildKit to build on, or it does not do what the plan needs."""


class BuildError(NoxBuildkitError):
    """BuildKit was asked and said no."""


class ReleaseError(NoxBuildkitError):
    """A release did not come to its end."""
