"""Errors of the kind that is expected."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nox_buildkit.errors import Code, NoxBuildkitError


@contextlib.contextmanager
def coded(code: Code) -> Iterator[None]:
    """Fail if the block raises an error of another kind; let the error go on to pytest.raises."""
    try:
        yield
    except NoxBuildkitError as error:
        assert code in {problem.code for problem in error.problems}
        raise
