"""nox -s engine: the private BuildKit, by hand."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from nox_buildkit.documents.engines import EngineDocument, EnvironmentDocument
from nox_buildkit.engine.client import TLS
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import EngineStatus
from nox_buildkit.report.console import downloads
from nox_buildkit.report.figures import duration, size
from nox_buildkit.report.json_output import print_json


def run(_buildspec: Path, arguments: argparse.Namespace) -> None:
    """Do what ``arguments.action`` says. Raises EngineError."""
    said = _done(arguments)
    if arguments.json and arguments.action == "env":
        print_json(EnvironmentDocument(1, private.environment()))
    elif arguments.json:
        print_json(_document(private.status()))
    else:
        print("\n".join(said or _status()))


def _done(arguments: argparse.Namespace) -> list[str]:
    """Do it, and return what to say; nothing for what only looks."""
    match arguments.action:
        case "start":
            with downloads() as report:
                engine = private.start(report)
                emulation.ensure(arguments.platform, os.uname().machine, report)
            return [f"running: dockerd {engine.version} at {engine.host}"]
        case "stop":
            return ["stopped" if private.stop() else "was not running"]
        case "remove":
            private.remove()
            return ["removed"]
        case "env":
            variables = private.environment()
            set_here = [name for name in TLS if name in os.environ]
            return [
                *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
                *([f"unset {' '.join(set_here)}"] if set_here else []),
            ]
    return []


def _document(status: EngineStatus) -> EngineDocument:
    folder, socket = str(status.folder), str(status.socket)
    return EngineDocument(
        1,
        status.state,
        folder,
        socket,
        status.version,
        status.pid,
        status.uptime,
        status.data_bytes,
    )


def _status() -> list[str]:
    status = private.status()
    lines = [f"{status.state}: {status.folder}"]
    if status.state == "running":
        lines.append(f"dockerd {status.version}, pid {status.pid}, up {duration(status.uptime)}")
        lines.append(f"socket {status.socket}")
    if status.state == "broken":
        lines.append("a daemon of it has ended, or does not answer: the next build starts it again")
    if status.state != "absent":
        lines.append(f"images and caches: {size(status.data_bytes)}")
    return lines
