"""The scripts that run in a build and in a container, run as they are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nox_buildkit import render

SCRIPTS = Path(render.__file__).parent / "scripts"


@pytest.fixture
def prestart(tmp_path: Path) -> Path:
    script = tmp_path / "prestart.py"
    script.write_bytes((SCRIPTS / "prestart.py").read_bytes())
    return script


def command(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def start(script: Path, commands: list[list[str]], *arguments: str) -> subprocess.Popen[str]:
    script.with_name("prestart.json").write_text(json.dumps(commands))
    return subprocess.Popen(
        [sys.executable, "-I", str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_programs_run_in_order_and_the_last_takes_over(prestart: Path) -> None:
    commands = [command("print('one', flush=True)"), command("print('two', flush=True)")]
    with start(prestart, commands, *command("import os; print(os.getpid())")) as process:
        out, err = process.communicate()
    assert (out.split(), err, process.returncode) == (["one", "two", str(process.pid)], "", 0)


@pytest.mark.parametrize(
    ("commands", "arguments", "status", "said"),
    [
        ([command("import sys; sys.exit(3)")], ["true"], 3, "failed (3)"),
        ([["/nowhere/migrate"]], ["true"], 127, "/nowhere/migrate: No such file or directory"),
        ([], ["/nowhere/serve"], 127, "/nowhere/serve: No such file or directory"),
        ([], ["/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        ([], [], 1, "no command to start"),
    ],
)
def test_what_fails_is_named(
    prestart: Path, commands: list[list[str]], arguments: list[str], status: int, said: str
) -> None:
    with start(prestart, commands, *arguments) as process:
        _, err = process.communicate()
    assert process.returncode == status
    assert said in err
    assert "Traceback" not in err


def test_the_program_gets_signals_and_environment_as_they_were_given(prestart: Path) -> None:
    prestart.with_name("prestart.json").write_text(json.dumps([["env"]]))
    command = [sys.executable, "-I", str(prestart), "sh", "-c", "env; grep SigIgn /proc/$$/status"]
    done = subprocess.run(
        command, env={"A": "b", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert "LC_CTYPE" not in done.stdout
    # Neither SIGPIPE nor SIGXFSZ.
    assert int(done.stdout.rpartition("SigIgn:")[2], 16) & (1 << 12 | 1 << 24) == 0


def test_a_signal_reaches_the_program_and_nothing_is_started_after_it(prestart: Path) -> None:
    patient = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('tidied', flush=True)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with start(prestart, [command(patient)], *command("print('started')")) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert out == "tidied\n"
    assert process.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - began < 10


def test_the_last_program_gets_signals_as_usual(prestart: Path) -> None:
    text = "import time; print('ready', flush=True); time.sleep(60)"
    with start(prestart, [command("")], *command(text)) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
