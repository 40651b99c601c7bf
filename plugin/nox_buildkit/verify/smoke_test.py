"""Tests of started containers: an HTTP answer, a program, or modules to import."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from nox_buildkit.engine.containers import Containers
from nox_buildkit.errors import EngineError, NoxBuildkitError
from nox_buildkit.run import Done

_PAUSE = 0.5
#: Python takes so much longer for the same under emulation, or more.
_EMULATED = 10
_IMPORT = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """One test, as the spec has it; ``seconds``: for all of it, on the machine's own platform.

    One of ``path`` (HTTP), ``run`` (exec form) and ``imports`` (modules) is stated; ``port``:
    without a protocol.
    """

    seconds: float
    path: str = ""
    port: str = ""
    status: int = 200
    run: tuple[str, ...] = ()
    exit: int = 0
    imports: tuple[str, ...] = ()
    contains: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"GET {self.path} at port {self.port}"
        return f"import {', '.join(self.imports)}" if self.imports else " ".join(self.run)


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed: why, in a clause, and the last lines that the container wrote."""

    test: SmokeTest
    why: str
    log: tuple[str, ...] = ()


def smoke_test(
    containers: Containers, tests: Sequence[SmokeTest], *, emulated: bool
) -> list[Failure]:
    """Run ``tests`` on one platform.

    Raises EngineError if there is no engine to do it.
    """
    scale = _EMULATED if emulated else 1
    failures = []
    for test in tests:
        limit = test.seconds * scale
        try:
            if test.path:
                failure = _http(containers, test, limit)
            else:
                command = test.run or (containers.interpreter, "-c", _IMPORT, *test.imports)
                failure = _program(test, containers.run(command, limit))
        except NoxBuildkitError as error:
            failure = Failure(test, str(error))
        failures += [failure] if failure else []
    return failures


def _program(test: SmokeTest, done: Done) -> Failure | None:
    written = (done.output + done.errors).splitlines()[-20:]
    if done.returncode != test.exit:
        return Failure(test, f"ended with {done.returncode}, not {test.exit}", tuple(written))
    if test.contains not in done.output + done.errors:
        return Failure(test, f"did not write '{test.contains}'", tuple(written))
    return None


def _http(containers: Containers, test: SmokeTest, limit: float) -> Failure | None:
    """Start the image as it is, and ask until it answers."""
    name = containers.start(test.port)
    try:
        deadline = time.monotonic() + limit
        while (left := deadline - time.monotonic()) > 0:
            state = containers.state(name)["State"]
            if not state["Running"]:
                why = f"the container ended with {state['ExitCode']}"
                return Failure(test, why, tuple(containers.log(name)))
            answer = containers.get(name, test.port, test.path, left)
            if answer:
                return _judged(test, *answer, containers.log(name))
            time.sleep(_PAUSE)
        return Failure(test, f"no answer within {limit:.0f} s", tuple(containers.log(name)))
    except EngineError as error:
        return Failure(test, str(error), tuple(containers.log(name)))
    finally:
        containers.remove(name)


def _judged(test: SmokeTest, status: int, body: str, log: Sequence[str]) -> Failure | None:
    if status != test.status:
        return Failure(test, f"answered {status}, not {test.status}", tuple(log))
    if test.contains not in body:
        return Failure(test, f"the answer does not contain '{test.contains}'", tuple(log))
    return None
