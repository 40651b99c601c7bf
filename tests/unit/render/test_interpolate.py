"""The program that puts values of the environment into words, run as it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nox_buildkit import render

SCRIPTS = Path(render.__file__).parent / "scripts"
PIECES = {
    ":${PORT:-8000}": [":", ["PORT", "8000"]],
    "${NAME}": [["NAME", None]],
    "${OTHER}-${NAME}": [["OTHER", None], "-", ["NAME", None]],
    "$$5": ["$5"],
}
SHOW = "import os, sys; print(os.getpid(), *sys.argv[1:])"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    script = tmp_path / "interpolate.py"
    script.write_bytes((SCRIPTS / "interpolate.py").read_bytes())
    script.with_name("interpolate.json").write_text(json.dumps(PIECES))
    return script


def start(script: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-IS", str(script), *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_no_signal_is_ignored(script: Path) -> None:
    with start(script, "/bin/grep", "SigIgn", "/proc/self/status") as process:
        said, _ = process.communicate()
    # Neither SIGPIPE nor SIGXFSZ, which Python ignores.
    assert int(said.partition("SigIgn:")[2], 16) & (1 << 12 | 1 << 24) == 0


@pytest.mark.parametrize(
    ("words", "environment", "shown"),
    [
        ([":${PORT:-8000}", "$$5"], {}, [":8000", "$5"]),
        ([":${PORT:-8000}"], {"PORT": ""}, [":8000"]),
        ([":${PORT:-8000}"], {"PORT": "a $b ${PORT} `c`"}, [":a $b ${PORT} `c`"]),
        (["${NAME}"], {"NAME": ""}, [""]),
        (["${NAME}"], {"NAME": "caf\u00e9"}, ["caf\u00e9"]),
        # Nobody has written this into the spec: it came with `docker run`.
        (["${HOME}", "${PORT:-1}", "$$"], {}, ["${HOME}", "${PORT:-1}", "$$"]),
    ],
)
def test_values_take_their_places_and_the_program_takes_over(
    script: Path, words: list[str], environment: dict[str, str], shown: list[str]
) -> None:
    with start(script, sys.executable, "-c", SHOW, *words, **environment) as process:
        out, err = process.communicate()
    assert (out, err, process.returncode) == (" ".join([str(process.pid), *shown]) + "\n", "", 0)


def test_every_variable_without_a_value_is_named(script: Path) -> None:
    with start(script, "true", "${NAME}", "${OTHER}-${NAME}") as process:
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.splitlines() == [
        "interpolate: NAME is not set, and '${OTHER}-${NAME}' needs it; start the container with "
        "--env NAME=…",
        "interpolate: OTHER is not set, and '${OTHER}-${NAME}' needs it; start the container with "
        "--env OTHER=…",
    ]


def test_a_program_that_cannot_be_started_is_named(script: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("")
    for words, status, said in (
        (["/nowhere/serve"], 127, "/nowhere/serve: No such file or directory"),
        ([str(tmp_path / "text")], 126, "text: Permission denied"),
        ([], 1, "no command to start"),
    ):
        with start(script, *words) as process:
            _, err = process.communicate()
        assert process.returncode == status
        assert said in err
        assert "Traceback" not in err


def test_the_environment_is_what_the_container_got(script: Path) -> None:
    for given in ({}, {"LC_CTYPE": "C"}, {"NAME": "x"}):
        with start(script, "/usr/bin/env", "-0", **given) as process:
            out, _ = process.communicate()
        assert out.split("\0")[:-1] == [f"{name}={value}" for name, value in given.items()]


def test_signals_and_the_status_are_those_of_the_program(script: Path) -> None:
    text = "import time; print('ready', flush=True); time.sleep(60)"
    with start(script, sys.executable, "-c", text) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - began < 10
    with start(script, sys.executable, "-c", "raise SystemExit(7)") as process:
        process.communicate()
    assert process.returncode == 7
