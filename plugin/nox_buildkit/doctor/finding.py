"""The answer of a check: a verdict, a sentence, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nox_buildkit.errors import Code, Location, Problem
from nox_buildkit.printable import redacted, shortened, visible

#: ``warning``: builds work, and something is not as it could be; ``problem``: they fail.
Verdict = Literal["ok", "warning", "problem"]

_LENGTH = 1000
#: Kinds of problems that checks find.
_CODES = {
    "engine": Code.BUILDER,
    "private engine": Code.PRIVATE_ENGINE,
    "image store": Code.BUILDER,
    "node": Code.BUILDER,
    "disk": Code.DISK_FULL,
    "cache": Code.FOLDER,
    "registry": Code.REGISTRY,
    "package index": Code.INDEX,
    "uv": Code.PROGRAM,
    "git": Code.GIT,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the report about ``check``: text of others is made harmless when it is made.

    ``fix``: what mends it, with the command where there is one; ``facts``: the same for programs;
    ``location``: a place in a file that it is about; ``code``: of the kind of problem, where it is
    not that of the check.
    """

    check: str
    verdict: Verdict
    message: str
    fix: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    location: Location | None = None
    code: Code | None = None

    def __post_init__(self) -> None:
        for name in ("message", "fix", "facts"):
            object.__setattr__(self, name, _harmless(getattr(self, name)))

    @classmethod
    def of(cls, check: str, problem: Problem, verdict: Verdict = "problem") -> Finding:
        """Return what ``problem`` says as the answer of ``check``."""
        at, code = problem.location, problem.code
        return cls(check, verdict, problem.message, problem.hint, location=at, code=code)

    @property
    def sentence(self) -> str:
        """The message, with the place that it is about."""
        return f"{self.location}: {self.message}" if self.location else self.message

    def as_problem(self) -> Problem:
        """Return the same for a list of errors, in which a place says enough of the check."""
        message = self.message if self.location else f"{self.check}: {self.message}"
        code = self.code or _CODES.get(self.check, Code.ENVIRONMENT)
        return Problem(message, self.fix, self.location, code=code)


def _harmless(value: object) -> object:
    """Return ``value`` with nothing in its texts that a terminal obeys, and no credentials."""
    if isinstance(value, str):
        return visible(redacted(shortened(value, _LENGTH)))
    if isinstance(value, Mapping):
        return {key: _harmless(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_harmless(each) for each in value]
    return value


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the worst verdict of ``findings``."""
    found = {finding.verdict for finding in findings}
    return "problem" if "problem" in found else "warning" if "warning" in found else "ok"
