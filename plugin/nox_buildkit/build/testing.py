"""The tests of the spec, run on what was pushed, before a tag names it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.model.smoke_test import Test
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.containers import Containers
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.suitable import runs_here
from nox_buildkit.errors import Code, Problem, ReleaseError
from nox_buildkit.plan.packages import VENV
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.release.publish import Destination
from nox_buildkit.verify.smoke_test import Failure, SmokeTest, smoke_test

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass
class Tester:
    """Starts each image once, wherever it was pushed first: the digest is the same everywhere."""

    project: Project
    plan: Plan
    report: Progress
    _tests: dict[str, tuple[SmokeTest, ...]] = field(init=False)
    _done: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Read the tests before anything is built. Raises ReleaseError."""
        images = self.project.spec.images
        self._tests = {image.name: tests_of(images[image.name]) for image in self.plan.images}

    def __call__(self, destination: Destination) -> None:
        """Run the tests of an image on each of its platforms. Raises ReleaseError, EngineError."""
        candidate = destination.candidate
        tests = self._tests[candidate.image]
        if not tests or (candidate.image, candidate.digest) in self._done:
            return
        self._done.add((candidate.image, candidate.digest))
        image = next(each for each in self.plan.images if each.name == candidate.image)
        problems = []
        for platform in image.every_platform:
            one = image.on(platform)
            python = f"{VENV}/bin/python" if one.has_environment else one.bases.base.interpreter
            self.report.message(f"testing {candidate.image} on {platform}")
            containers = replace(
                self._containers(destination, platform),
                user=one.application.becomes,
                interpreter=python or "python3",
            )
            for failure in self._failures(containers, tests):
                problems.append(self._problem(candidate.image, platform, failure))
        if problems:
            raise ReleaseError(*problems)

    def _containers(self, destination: Destination, platform: str) -> Containers:
        native = platform in self.plan.native
        needs = Needs(
            frozenset({platform}), frozenset() if native else frozenset({platform}), load=True
        )
        engine = find_engine(needs, self.project.builder, self.report)
        remote = not engine.private and not runs_here(inspection.daemon(engine.docker))
        return Containers(engine, destination.reference, platform, remote=remote)

    def _failures(self, containers: Containers, tests: tuple[SmokeTest, ...]) -> list[Failure]:
        emulated = containers.platform not in self.plan.native
        containers.pull()
        try:
            return smoke_test(containers, tests, emulated=emulated)
        finally:
            containers.forget()

    def _problem(self, name: str, platform: str, failure: Failure) -> Problem:
        if failure.log:
            lines = "\n".join(f"  | {line}" for line in failure.log)
            self.report.message(f"{name} on {platform}, {failure.test}:\n{lines}")
        location = self.project.spec.location("images", name, "test")
        return Code.SMOKE_TEST(f"{name} on {platform}: {failure.test}: {failure.why}", "", location)


def tests_of(image: Image) -> tuple[SmokeTest, ...]:
    """Return the tests that the spec has for an image. Raises ReleaseError."""
    return tuple(_test(image, test) for test in image.test)


def _test(image: Image, test: Test) -> SmokeTest:
    port = test.port or next(iter(image.expose), "")
    if test.http and not port:
        message = f"the test of {test.http} has no port to ask"
        raise ReleaseError(Code.SMOKE_TEST(message, "add 'port' to it, or 'expose' to the image"))
    return SmokeTest(
        seconds=_seconds(test.timeout),
        path=test.http or "",
        port=port.partition("/")[0],
        status=test.status,
        run=test.run or (),
        exit=test.exit,
        imports=test.imports,
        contains=test.contains or "",
    )


def _seconds(duration: str) -> float:
    parts = re.findall(r"([0-9]+)(ms|[hms])", duration)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)
