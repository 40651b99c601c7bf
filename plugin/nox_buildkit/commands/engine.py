"""nox -s engine: the private BuildKit, by hand."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from pathlib import Path

from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.report.console import downloads
from nox_buildkit.report.words import duration, size


def run(_buildspec: Path, arguments: argparse.Namespace) -> None:
    """Do what ``arguments.action`` says. Raises EngineError."""
    match arguments.action:
        case "start":
            with downloads() as report:
                engine = private.start(report)
                emulation.ensure(arguments.platform, os.uname().machine, report)
            print(f"running: dockerd {engine.version} at {engine.host}")
        case "stop":
            print("stopped" if private.stop() else "was not running")
        case "remove":
            private.remove()
            print("removed")
        case "env":
            for name, value in private.environment().items():
                print(f"export {name}={shlex.quote(value)}")
        case _:
            _status(arguments.json)


def _status(as_json: bool) -> None:
    status = private.status()
    if as_json:
        json.dump(dataclasses.asdict(status), sys.stdout, default=str)
        print()
        return
    print(f"{status.state}: {status.folder}")
    if status.state == "running":
        print(f"dockerd {status.version}, pid {status.pid}, up {duration(status.uptime)}")
        print(f"socket {status.socket}")
    if status.state == "broken":
        print("a daemon of it has ended, or does not answer: the next build starts it again")
    if status.state != "absent":
        print(f"images and caches: {size(status.data_bytes)}")
