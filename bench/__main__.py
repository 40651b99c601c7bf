"""``python -m bench``: set the stage, measure the cases, keep the results."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench import chart, machine, markdown, table
from bench.cases import CASES
from bench.model import Case, Results
from bench.pieces import Pieces
from bench.process import BenchError
from bench.stage import PLATFORMS, Stage, stage
from bench.targets import targets
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.files import cache_dir, private_dir, write_atomic

RESULTS = Path(__file__).parent / "results"
LEAST_REPEAT = 3

SETTING = {
    "Application": "examples/fastapi (fastapi[standard]) for linux/amd64 and linux/arm64; every "
    "contender writes an OCI archive, on one engine, in turns",
    "nox-buildkit": "`nox -s build` as typed: nox's start, planning and writing dist/ included",
    "pip and uv": "bench/dockerfiles, through `docker buildx bake`; steps that run on the other "
    "architecture run under QEMU, and such builds are measured once",
    "Base of pip and uv": "a stand-in for python:3.13-slim out of Debian trixie's packages: Python "
    "3.13, pip, adduser and a shell; without byte code of the standard library (nor has the "
    "official image any), apt and most shell tools; nox-buildkit's is its own `debian` base of the "
    "same release",
    "The floor": "uv installs and byte-compiles the same wheels on the host, all layers at once, "
    "then tar and gzip pack them; no BuildKit, no image",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 if all was measured, whatever the figures say."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(stderr=True)
    try:
        return _run(options, console)
    except (BenchError, NoxBuildkitError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; everything started for it was ended and removed")
        return 130


def _run(options: argparse.Namespace, console: Console) -> int:
    partial = _partial(options)
    output: Path | None = options.output or (None if partial else RESULTS)
    if partial and output and output.resolve() == RESULTS.resolve():
        console.print(f"{RESULTS} keeps complete runs alone; this one is not: {partial}")
        return 2
    platforms = ("linux/amd64",) if options.quick else PLATFORMS
    began = time.monotonic()

    def say(message: str) -> None:
        console.print(
            f"[{time.monotonic() - began:6.1f} s] {message}", markup=False, highlight=False
        )

    root = Path(tempfile.mkdtemp(prefix="run-", dir=private_dir(cache_dir() / "bench")))
    try:
        with stage(root, platforms=platforms, repeat=options.repeat, say=say) as ready:
            results = _measure(ready, options, partial)
    finally:
        _finish(root)
    table.show(results, Console())
    if output:
        _keep(results, output)
        say(f"written to {output}")
    return 0


def _measure(ready: Stage, options: argparse.Namespace, partial: str) -> Results:
    described = machine.describe(ready.engine, ready.runner, ready.root)
    pieces = Pieces.of(described, (options.quick, options.repeat))
    if not options.resume:
        pieces.forget()
    ready.warm()
    cases: list[Case] = []
    for key, measure in CASES.items():
        if not options.case or key in options.case:
            cases += _piece(key, measure, ready, pieces)
    if not options.case:
        pieces.forget()
    both = not options.quick
    promised = targets({case.key: case for case in cases}, both_platforms=both)
    return Results(described, SETTING, tuple(cases), promised, partial)


def _piece(
    key: str, measure: Callable[[Stage], list[Case]], ready: Stage, pieces: Pieces
) -> list[Case]:
    """Return what the case ``key`` measures, or has measured in the run that is resumed."""
    kept = pieces.read(key)
    if kept is not None:
        ready.say(f"case {key}: measured already")
        return kept
    ready.say(f"case {key}")
    found = measure(ready)
    pieces.keep(key, found)
    return found


def _partial(options: argparse.Namespace) -> str:
    """Why this run cannot stand for the project's figures; empty if it can."""
    reasons = []
    if options.quick:
        reasons.append("a quick run, pip and uv for linux/amd64 only and ours for both platforms")
    if options.case:
        reasons.append(f"some cases only ({', '.join(options.case)})")
    if options.repeat < LEAST_REPEAT:
        reasons.append(f"{options.repeat} measurement(s) of each instead of {LEAST_REPEAT}")
    return "; ".join(reasons)


def _keep(results: Results, folder: Path) -> None:
    write_atomic(folder / "results.json", json.dumps(results.to_json(), indent=2) + "\n")
    write_atomic(folder / "results.md", markdown.page(results))
    write_atomic(folder / "chart.svg", chart.chart(results))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nox -s bench --",
        description="Measure nox-buildkit beside a pip and a uv Dockerfile, on one engine.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a smoke test: one measurement each, pip and uv for linux/amd64 alone; not a result",
    )
    parser.add_argument(
        "--case", action="append", choices=tuple(CASES), help="measure this one; may be repeated"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="take over the cases that a run measured which was cut off, with the same code, "
        "machine and options",
    )
    parser.add_argument(
        "--repeat",
        type=_positive,
        help=f"measurements of each; default: {LEAST_REPEAT}, and 1 with --quick; what runs under "
        "emulation is measured once",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write; default: bench/results for a complete run, else nowhere",
    )
    options = parser.parse_args(arguments)
    if options.repeat is None:
        options.repeat = 1 if options.quick else LEAST_REPEAT
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _finish(root: Path) -> None:
    """Remove the working folder; a second Ctrl-C does not leave half of it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    shutil.rmtree(root, ignore_errors=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
