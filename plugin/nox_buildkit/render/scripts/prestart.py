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
        children.append(subprocess.Popen(command))
    except OSError as error:
        sys.exit(f"prestart: {command[0]}: {error.strerror}")
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
    try:
        os.execvp(arguments[0], arguments)  # noqa: S606  a shell would keep the signals
    except OSError as error:
        sys.exit(f"prestart: {arguments[0]}: {error.strerror}")


if __name__ == "__main__":
    main(json.loads(Path(__file__).with_name("prestart.json").read_text()), sys.argv[1:])
