"""The one error tree: every failure that a user can meet is a list of problems, a line each."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    code: Code = field(kw_only=True)

    def __str__(self) -> str:
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        whole = f"{self.location}: {text}" if self.location else text
        return visible(redacted(shortened(whole, _LENGTH)))


class Code(enum.Enum):
    """A kind of problem; the value is its code, which is never given to another kind.

    The hundreds of a code are its family, which decides the exit status. ``explanations.toml`` has
    more words for each.
    """

    # The command line and the environment.
    COMMAND_LINE = "NBK101"
    UNKNOWN_SELECTION = "NBK102"
    UNKNOWN_REVISION = "NBK103"
    ENVIRONMENT = "NBK104"
    PROJECT_PATH = "NBK105"
    EXISTING_FILE = "NBK106"
    # buildspec.yaml.
    SPEC_FILE = "NBK201"
    YAML = "NBK202"
    UNKNOWN_KEY = "NBK203"
    MISSING_KEY = "NBK204"
    WRONG_VALUE = "NBK205"
    CONTRADICTION = "NBK206"
    UNDEFINED_NAME = "NBK207"
    CODEBUILD_FILE = "NBK208"
    # Requirements and locks.
    UNRESOLVABLE = "NBK301"
    STALE_LOCK = "NBK302"
    UNREADABLE_SOURCE = "NBK303"
    PYTHON_VERSION = "NBK304"
    CREDENTIALS = "NBK305"
    UNPINNED_ADDRESS = "NBK306"
    PATH_REQUIREMENT = "NBK307"
    LOCK_TARGET = "NBK308"
    INDEX = "NBK309"
    DOWNLOAD = "NBK310"
    REQUIREMENTS_KEY = "NBK311"
    LOCK_MISFIT = "NBK312"
    # What is to be built.
    NO_WHEEL = "NBK401"
    CONTEXT = "NBK402"
    BASE = "NBK403"
    STALE_BASE_LOCK = "NBK404"
    OWN_PACKAGE = "NBK405"
    PACKAGE_CONFLICT = "NBK406"
    TAG_TEMPLATE = "NBK407"
    IGNORE_PATTERN = "NBK408"
    GIT = "NBK409"
    NO_REGISTRY = "NBK410"
    # Engines, and what they need.
    NO_ENGINE = "NBK501"
    BUILDER = "NBK502"
    EMULATION = "NBK503"
    PRIVATE_ENGINE = "NBK504"
    FOLDER = "NBK505"
    DEBIAN_ARCHIVE = "NBK506"
    DEBIAN_PACKAGE = "NBK507"
    BASE_ASSEMBLY = "NBK508"
    TIME_LIMIT = "NBK509"
    DISK_FULL = "NBK510"
    CONTAINER = "NBK511"
    INTERRUPTED = "NBK512"
    PROGRAM = "NBK513"
    # Builds.
    STEP = "NBK601"
    COMPILATION = "NBK602"
    BASE_IMAGE = "NBK603"
    ACCOUNT = "NBK604"
    CHANGED_INPUTS = "NBK605"
    ENGINE_GONE = "NBK606"
    LAYER_CACHE = "NBK607"
    OUTPUT = "NBK608"
    MISSING_INPUT = "NBK609"
    OUT_OF_MEMORY = "NBK610"
    PACKAGE_INDEX = "NBK611"
    # Registries and releases.
    REGISTRY = "NBK701"
    REGISTRY_LOGIN = "NBK702"
    NOTHING_TO_RELEASE = "NBK703"
    TAG_MOVED = "NBK704"
    UNFINISHED_RELEASE = "NBK705"
    SIGNATURE = "NBK706"
    MATRIX_RESULT = "NBK707"
    MANIFEST_FILE = "NBK708"
    ATTESTATION = "NBK709"
    NO_IMAGE = "NBK710"
    # Checks of what was built.
    VERIFICATION = "NBK801"
    SMOKE_TEST = "NBK802"
    DIFFERENCE = "NBK803"

    @property
    def exit_status(self) -> int:
        """Exit status of the family: 2 for the command line (NBK1…), 3 for the spec, and so on."""
        return int(self.value[3]) + 1

    def __call__(
        self, message: str, hint: str = "", location: Location | None = None, about: str = ""
    ) -> Problem:
        """Return a problem of this kind."""
        return Problem(message, hint, location, about, code=self)


class NoxBuildkitError(Exception):
    """Base of all errors that are reported without a traceback."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(*problems)

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
