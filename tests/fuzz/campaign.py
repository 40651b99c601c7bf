"""Many cases, and what has to hold for each: a value, or an error of ours with its position.

``nox -s fuzz -- --seed N --cases N --seconds N`` runs without an end unless it is given one, and
``--case N`` one case again.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from nox_buildkit.errors import NoxBuildkitError
from tests.fuzz.subjects import Case, case_of

SECONDS = 2.0
MESSAGES = 64 * 1024
MEMORY = 300 * 1024 * 1024


class TooSlow(BaseException):
    """Raised in the middle of a case that does not end; nothing catches it by mistake."""


def fault_of(case: Case, folder: Path) -> str:
    """Why ``case`` does not hold; empty where it does. ``folder``: an empty one."""
    began = time.process_time()
    try:
        case.run(folder)
    except NoxBuildkitError as error:
        if fault := _fault_of_words(error, folder):
            return fault
    except TooSlow:
        return f"more than {SECONDS:.0f} s"
    except Exception:
        return traceback.format_exc()
    spent = time.process_time() - began
    return f"{spent:.1f} s" if spent > SECONDS else ""


def _fault_of_words(error: NoxBuildkitError, folder: Path) -> str:
    text = str(error)
    if len(text.encode(errors="surrogatepass")) > MESSAGES:
        return f"{len(text)} characters of messages"
    for line, problem in zip(text.split("\n"), error.problems, strict=False):
        if not line.isprintable():
            return f"a control character in a message: {line!r}"
        # What a file names elsewhere is told by its whole path.
        known = ("/", *(path.name for path in folder.iterdir()))
        if problem.location is None and not line.startswith(known):
            return f"no position: {line}"
    return ""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Limits of the process while cases run: an endless file must not take the machine down."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

    def stop(_number: int, _frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * MEMORY, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def run(seed: int, numbers: Iterator[int] | range, stop_at: float = float("inf")) -> list[str]:
    """Run the cases ``numbers`` of ``seed``, and say of each that fails how to see it again.

    Ends after ten faults, or at ``stop_at`` (of time.monotonic).
    """
    faults: list[str] = []
    top = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("error")
            for number in numbers:
                if time.monotonic() > stop_at or len(faults) == 10:
                    break
                case, folder = case_of(seed, number), top / "case"
                folder.mkdir()
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
                fault = fault_of(case, folder)
                signal.setitimer(signal.ITIMER_PROF, 0)
                grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
                if not fault and grown > MEMORY:
                    fault = f"{grown // 1024**2} MiB of memory"
                if fault:
                    faults.append(_report(seed, number, case, fault))
                shutil.rmtree(folder)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return faults


def _report(seed: int, number: int, case: Case, fault: str) -> str:
    shown = [f"  {name}: {_short(content)}" for name, content in case.files.items()]
    shown += [f"  --set {_short(key)}={_short(value)}" for key, value in case.overrides]
    again = f"nox -s fuzz -- --seed {seed} --case {number}"
    return "\n".join((f"{case.subject}: {fault.strip()}", *shown, f"  again: {again}"))


def _short(value: str | bytes) -> str:
    text = ascii(value)
    return text if len(text) <= 4000 else f"{text[:4000]}... ({len(value)})"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="nox -s fuzz --")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--cases", type=int, default=sys.maxsize)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--case", type=int, help="only this one")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    numbers = range(chosen.cases) if chosen.case is None else range(chosen.case, chosen.case + 1)
    faults = run(chosen.seed, numbers, time.monotonic() + chosen.seconds)
    print("\n\n".join(faults) or "every case held")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
