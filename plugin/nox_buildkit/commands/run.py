"""nox -s run: an image, built for the platform of the engine and started."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import native_platforms
from nox_buildkit.build.running import Planned, Request, built
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.containers import Containers
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.foreground import Replaceable, attach
from nox_buildkit.engine.private.paths import EnginePaths
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.report.console import downloads, say

_TERMINAL = ("--interactive", "--tty")


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Build one image, start it, and show what it writes until it ends. Raises NoxBuildkitError."""
    names = (arguments.image,) if arguments.image else ()
    selection = Selection(names, (), tuple(arguments.set), arguments.builder)
    request = Request(buildspec, selection, arguments.platform, arguments.progress)
    if arguments.watch:
        _watch(request, arguments)
        return
    planned = built(request)
    engine = _engine(planned)
    _announce(engine, planned, arguments, "Ctrl-C ends it")
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    options = (*(_TERMINAL if terminal else ()), *_options(engine, planned, arguments))
    containers = _containers(engine, planned)
    status = attach(containers, options, arguments.rest, terminal=terminal)
    if status is None:
        say("stopped")
    elif status:
        raise EngineError(Code.CONTAINER(f"{planned.image.name} ended with status {status}"))


def _watch(request: Request, arguments: argparse.Namespace) -> None:
    # Nobody else needs the library that watches.
    from nox_buildkit.build.watching import Watch  # noqa: PLC0415

    engine: Engine | None = None

    def start(container: Replaceable, planned: Planned) -> None:
        nonlocal engine
        if engine is None:
            engine = _engine(planned)
            if engine.private:
                # As `nox -s engine -- env` does: what is not used is asked, and told of, once.
                os.environ["DOCKER_HOST"] = EnginePaths.current().host
            how = "a change builds and starts it again; Ctrl-C ends it"
            _announce(engine, planned, arguments, how)
        containers = _containers(engine, planned)
        # Without its input: Ctrl-C is for the watch.
        terminal = ("--tty",) if sys.stdout.isatty() else ()
        container.start(
            containers, (*terminal, *_options(engine, planned, arguments)), arguments.rest
        )

    Watch(request, start).run()


def _announce(engine: Engine, planned: Planned, arguments: argparse.Namespace, how: str) -> None:
    say(f"starting {planned.image.references[-1]} for {planned.platform}; {how}")
    if engine.network == "host" and arguments.publish:
        stated = " ".join(f"--publish {each}" for each in arguments.publish)
        why = "this engine has no bridge, and what listens in the container listens on the host"
        say(f"warning: {stated} has no effect: {why}")


def _containers(engine: Engine, planned: Planned) -> Containers:
    return Containers(engine, planned.image.references[-1], planned.platform)


def _engine(planned: Planned) -> Engine:
    """Return the engine that has what was built. Raises EngineError."""
    platform = planned.platform
    with downloads() as report:
        emulated = frozenset({platform}) - set(native_platforms(planned.project))
        needs = Needs(frozenset({platform}), emulated)
        return find_engine(needs, planned.project.builder, report)


def _options(engine: Engine, planned: Planned, arguments: argparse.Namespace) -> list[str]:
    """Return the options of the docker client for a new container."""
    ports = [f"--publish={p.partition('/')[0]}:{p}" for p in planned.image.config.expose]
    stated = [f"--publish={each}" for each in arguments.publish]
    return [
        # The private engine has no program for it.
        *([] if engine.private else ["--init"]),
        # Without a bridge, what listens in the container listens on the host.
        *(["--network=host"] if engine.network == "host" else stated or ports),
        *(f"--env={each}" for each in arguments.env),
        *(f"--env-file={each}" for each in arguments.env_file),
        *(f"--volume={each}" for each in arguments.volume),
    ]
