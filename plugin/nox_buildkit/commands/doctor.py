"""nox -s doctor: the machine and the project, looked over before a build has to fail."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nox_buildkit.build.options import Selection
from nox_buildkit.doctor.lines import print_report
from nox_buildkit.doctor.report import examine
from nox_buildkit.doctor.spec import open_spec
from nox_buildkit.documents.doctor import doctor_document
from nox_buildkit.errors import EngineError
from nox_buildkit.report.console import make_console
from nox_buildkit.report.json_output import print_json


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print the answers of all checks. Raises EngineError with the problems among them."""
    selection = Selection(overrides=tuple(arguments.set), builder=arguments.builder)
    findings = examine(open_spec(buildspec, selection), arguments.builder)
    if arguments.json:
        print_json(doctor_document(findings))
    else:
        print_report(make_console(sys.stdout), findings)
    if problems := [each.as_problem() for each in findings if each.verdict == "problem"]:
        raise EngineError(*problems)
