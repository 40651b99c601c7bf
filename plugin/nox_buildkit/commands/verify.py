"""nox -s verify: an image in a registry, looked into without starting it."""

from __future__ import annotations

import argparse
from pathlib import Path

from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import open_project, plan_project
from nox_buildkit.build.published import Published, Verdict, with_problems
from nox_buildkit.documents.published import VerifyDocument
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.files import scratch
from nox_buildkit.project_folder import exclusively, kept_for
from nox_buildkit.release.http_repository import repositories
from nox_buildkit.report.console import downloads, say
from nox_buildkit.report.json_output import print_json


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Check images by their references. Raises NoxBuildkitError, also for what is wrong."""
    with exclusively(buildspec):
        verdicts = _verdicts(buildspec, arguments)
    if arguments.json:
        print_json(VerifyDocument(1, tuple(verdicts)))
    else:
        for verdict in verdicts:
            print(_sentence(verdict))
    for verdict in verdicts:
        for warning in verdict.warnings:
            say(f"warning: {verdict.reference}: {warning}")
    problems = [f"{each.reference}: {p}" for each in verdicts for p in each.problems]
    if problems:
        raise ReleaseError(*map(Code.VERIFICATION, problems))


def _verdicts(buildspec: Path, arguments: argparse.Namespace) -> list[Verdict]:
    selection = Selection(overrides=tuple(arguments.set), builder=arguments.builder)
    project = open_project(buildspec, selection)
    verdicts = []
    with downloads() as report:
        plan = plan_project(project, fresh_sources(project, report), report)
        published = Published(project, plan, repositories(report), report, arguments.key)
        for reference in arguments.references:
            with scratch(kept_for(project.root), "verify-") as folder:
                verdict, layout = published.examine(reference, folder / "image")
                if arguments.reproduce:
                    output = folder / "dist"
                    found = published.reproduce(reference, verdict, layout, output)
                    verdict = with_problems(verdict, found)
            verdicts.append(verdict)
    return verdicts


def _sentence(verdict: Verdict) -> str:
    platforms = ", ".join(verdict.platforms)
    told = [
        f"{verdict.attestations} attestations",
        f"signature {verdict.signature}",
        "as its commit and lock say" if verdict.compared else "of another commit: no lock to ask",
    ]
    state = f"{len(verdict.problems)} problems" if verdict.problems else "nothing wrong"
    return f"{verdict.reference}@{verdict.digest} ({platforms}): {state}; {'; '.join(told)}"
