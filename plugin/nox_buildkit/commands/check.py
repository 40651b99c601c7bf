"""Buildspecs read for their mistakes alone: no noxfile, no network, no engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nox_buildkit.buildspec.reading.load import load
from nox_buildkit.errors import Problem, SpecError


def check(files: Sequence[Path]) -> None:
    """Read every file. Raises SpecError with the problems of all of them."""
    problems: list[Problem] = []
    for file in files:
        try:
            load(file)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(*problems)
