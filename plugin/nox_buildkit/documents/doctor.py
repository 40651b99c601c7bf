"""The report of ``nox -s doctor`` as a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nox_buildkit.doctor.finding import Finding, Verdict, worst
from nox_buildkit.doctor.registries import CHECK as REGISTRY
from nox_buildkit.release.sbom.attestations import Form


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """A place in a file: ``line`` and ``column`` count from 1, ``path`` is the dotted key."""

    file: str
    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """An answer; ``fix``: what mends it, empty for what is well; ``location``: what it is about.

    ``code``: that of the error that a problem is (docs/errors), None for others.
    ``facts``: what was found, with keys that depend on the check.
    """

    check: str
    verdict: Verdict
    message: str
    fix: str
    code: str | None
    location: PlaceEntry | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A registry, and what it takes; ``probed``: seconds since 1970; ``form``: of attestations."""

    registry: str
    probed: float
    by_digest: bool
    empty_config: bool
    dangling_subject: bool
    referrers: bool
    mounts: bool
    form: Form


@dataclass(frozen=True, slots=True)
class DoctorDocument:
    """The worst of all verdicts, every answer, registries that answered, versions by program."""

    version: Literal[1]
    verdict: Verdict
    checks: tuple[CheckEntry, ...]
    registries: tuple[RegistryEntry, ...]
    versions: dict[str, str]


def doctor_document(findings: Sequence[Finding]) -> DoctorDocument:
    """Return the findings as a document."""
    registries = [f.facts for f in findings if f.check == REGISTRY and "form" in f.facts]
    versions = [f.facts for f in findings if f.check == "versions"]
    return DoctorDocument(
        1,
        worst(findings),
        tuple(_entry(finding) for finding in findings),
        tuple(RegistryEntry(**facts) for facts in registries),  # type: ignore[arg-type]
        {name: str(each) for facts in versions for name, each in facts.items()},
    )


def _entry(finding: Finding) -> CheckEntry:
    at = finding.location
    where = PlaceEntry(at.file, at.line, at.column, at.path) if at else None
    code = finding.as_problem().code.value if finding.verdict == "problem" else None
    facts = dict(finding.facts)
    return CheckEntry(
        finding.check, finding.verdict, finding.message, finding.fix, code, where, facts
    )
