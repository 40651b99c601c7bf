"""Checks at the same time, each with a limit: one that hangs keeps no other from answering."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from nox_buildkit.doctor.finding import Finding
from nox_buildkit.errors import Code, NoxBuildkitError

#: For a few questions to programs, each of which has its own, lower limit.
SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Check:
    """A question with the name ``name``; ``look`` may raise NoxBuildkitError or OSError.

    ``mends``: what to do where it gives no answer within ``seconds``, or an error that says none.
    """

    name: str
    look: Callable[[], Iterable[Finding]]
    seconds: float = SECONDS
    mends: str = "check the network and the load of this machine, and try again"


class _Answer:
    """The answer of a check that is given in a thread of its own."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._findings: list[Finding] | None = None
        self._bug: BaseException | None = None
        # Nobody who interrupts waits for it.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        name = self._check.name
        try:
            self._findings = list(self._check.look())
        except NoxBuildkitError as error:
            self._findings = [
                Finding.of(name, replace(problem, hint=problem.hint or self._check.mends))
                for problem in error.problems
            ]
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fix = "mend that, and run `nox -s doctor` again"
            message = f"{where}{error.strerror or error}"
            self._findings = [Finding(name, "problem", message, fix, code=Code.FOLDER)]
        except BaseException as error:
            self._bug = error

    def wait(self, began: float) -> list[Finding]:
        """Return what was found, or that it took too long."""
        check = self._check
        self._thread.join(max(0.0, began + check.seconds - time.monotonic()))
        if self._bug:
            raise self._bug
        if self._findings is not None:
            return self._findings
        message = f"no answer within {check.seconds:.0f} s"
        return [Finding(check.name, "problem", message, check.mends, code=Code.TIME_LIMIT)]


def answers(checks: Sequence[Check]) -> tuple[Finding, ...]:
    """Return what ``checks`` find, in their order."""
    began = time.monotonic()
    running = [_Answer(check) for check in checks]
    return tuple(finding for each in running for finding in each.wait(began))
