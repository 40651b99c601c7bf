"""Play a recorded build to the live view, as a program: STREAM, images, seconds a line, lines."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from nox_buildkit.engine.bake import read_line
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.report.console import choose

_FOR_EVER = 3600
BOTH = ("linux/amd64", "linux/arm64")


def play(stream: Path, images: list[str], seconds: float, lines: int) -> None:
    """Show ``stream``, each line ``seconds`` after the one before; stand still after ``lines``."""
    progress = BuildProgress(dict.fromkeys(images, BOTH), emulated={"linux/arm64"})
    reporter = choose("auto", sys.stderr)
    reporter.message("above")
    try:
        for number, line in enumerate(stream.read_text(errors="replace").splitlines()):
            reporter.event(read_line(progress, line, number / 5))
            time.sleep(seconds if number + 1 != lines else _FOR_EVER)
    finally:
        reporter.close()
    reporter.message("below")


if __name__ == "__main__":
    name, *names, pause, end = sys.argv[1:]
    play(Path(name), names, float(pause), int(end))
