"""Run each program of prestart.json to its end, then become the one that was asked for.

    python3 prestart.py PROGRAM [ARGUMENT ...]

Signals go to the program that runs. It becomes the last one by exec, so that one keeps the process
number, and with it the signals of the container.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def given() -> dict[bytes, bytes]:
    """Return the environment as it was given: Python adds a locale where none is set (PEP 538)."""
    lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    return {name: value for name, sign, value in (x.partition(b"=") for x in lines) if sign}


def unstarted(command: list[str], error: OSError) -> int:
    """Say why ``command`` does not start; the status that engines have for that."""
    print(f"prestart: {command[0]}: {error.strerror}", file=sys.stderr)
    return 127 if isinstance(error, FileNotFoundError) else 126


def run(command: list[str]) -> None:
    """Run ``command`` to its end; if it fails, or a signal arrives meanwhile, end likewise."""
    received: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _frame: object) -> None:
        received.append(number)
        for child in children:
            child.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    try:
        children.append(subprocess.Popen(command, env=given()))
    except OSError as error:
        sys.exit(unstarted(command, error))
    for early in received:
        # It came before there was anybody to get it; twice does no harm.
        children[0].send_signal(early)
    status = None
    while status is None:
        # Waiting for good would begin anew where a signal came a moment before it began, and was
        # not passed on yet; with a time limit, handlers run in between.
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = children[0].wait(timeout=1)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_DFL)
    if received:
        sys.exit(128 + received[0])
    if status:
        print(f"prestart: {' '.join(command)}: failed ({status})", file=sys.stderr, flush=True)
        sys.exit(status if status > 0 else 128 - status)


def main(commands: list[list[str]], arguments: list[str]) -> None:
    """Run ``commands``, then become ``arguments``."""
    for command in commands:
        run(command)
    if not arguments:
        sys.exit("prestart: no command to start")
    # Python ignores them, and what is ignored stays so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], arguments, given())  # noqa: S606  a shell would keep the signals
    except OSError as error:
        sys.exit(unstarted(arguments, error))


if __name__ == "__main__":
    main(json.loads(Path(__file__).with_name("prestart.json").read_text()), sys.argv[1:])
