"""Completion of nox's command line, in the real shells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nox_buildkit
from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from tests.support.shell_terminal import Terminal, terminal

SPEC = """\
version: 1
defaults: {platforms: [linux/amd64, linux/s390x]}
images:
  api: {}
  worker: {}
groups:
  everything: [api, worker]
"""
NOXFILE = "import nox_buildkit\nnox_buildkit.register('images.yaml', prefix='image_')\n"


def _bash(home: Path) -> list[str]:
    (home / "rc").write_text("PS1='READY> '\nnox() { echo \"ARGS:$*:\"; }\n")
    return [shutil.which("bash") or "bash", "--noprofile", "--rcfile", str(home / "rc"), "-i"]


def _zsh(home: Path) -> list[str]:
    names = ("zsh", "zsh-common")
    prefix = provision("zsh", [[SuitePackage(name) for name in names]], _check_zsh)
    functions = [path for path in (prefix / "usr/share/zsh/functions").rglob("*") if path.is_dir()]
    modules = next(prefix.glob("usr/lib/*-linux-*/zsh/*"))
    lines = [
        f"module_path=({modules})",
        f"fpath=({' '.join(map(str, functions))})",
        "autoload -Uz compinit && compinit -u -D",
        "PS1='READY> '",
        "unsetopt zle_bracketed_paste prompt_cr prompt_sp",
        'nox() { print -r -- "ARGS:$*:"; }',
    ]
    (home / ".zshrc").write_text("\n".join([*lines, ""]))
    return [str(_program_of_zsh(prefix)), "-d", "-i"]


def _program_of_zsh(prefix: Path) -> Path:
    return next(path for path in (prefix / "bin/zsh", prefix / "usr/bin/zsh") if path.exists())


def _check_zsh(prefix: Path) -> None:
    check_runs(_program_of_zsh(prefix))


def _fish(home: Path) -> list[str]:
    names = ("fish", "fish-common", "libpcre2-32-0")
    prefix = provision("fish", [[SuitePackage(name) for name in names]], _check_fish)
    lines = [
        "function fish_prompt; echo -n 'READY> '; end",
        "function fish_greeting; end",
        "function nox; echo ARGS:(string join ' ' -- $argv):; end",
    ]
    (home / "fish").mkdir()
    (home / "fish/config.fish").write_text("\n".join([*lines, ""]))
    library = next(prefix.glob("usr/lib/*-linux-*"))
    return ["env", f"LD_LIBRARY_PATH={library}", str(prefix / "usr/bin/fish"), "-i"]


def _check_fish(prefix: Path) -> None:
    check_runs(prefix / "usr/bin/fish", libraries=next(prefix.glob("usr/lib/*-linux-*")))


SHELLS: dict[str, Callable[[Path], list[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, engine_home: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A shell that has loaded the code, in a project's folder; ``nox`` shows its arguments."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "noxfile.py").write_text(NOXFILE)
    (project / "images.yaml").write_text(SPEC)
    command = SHELLS[request.param](tmp_path)
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "TERM": "xterm",
        "COLUMNS": "200",
        "PYTHONPATH": str(Path(nox_buildkit.__file__).parents[1]),
    }
    code = subprocess.run(
        [sys.executable, "-m", "nox_buildkit", "completion", request.param],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    (tmp_path / "code").write_text(code.stdout)
    with terminal(command, env, project) as shown:
        shown.wait_for("READY> ")
        shown.type(f"source {tmp_path}/code\r")
        shown.wait_for("READY> ")
        yield shown


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        # nox's own, and options, images, groups and platforms of the session.
        ("nox -s image_ver\t", "-s image_verify"),
        ("nox -s image_build -- --no-c\t", "-s image_build -- --no-cache"),
        ("nox -s image_build -- wor\t", "-s image_build -- worker"),
        ("nox -rs image_build -- wor\t", "-rs image_build -- worker"),
        ("nox -s image_build -- api every\t", "-s image_build -- api everything"),
        (
            "nox -s image_build -- api --platform linux/s\t",
            "-s image_build -- api --platform linux/s390x",
        ),
        ("nox -s image_engine -- rem\t", "-s image_engine -- remove"),
        ("nox -s image_plan -- --set regis\t", "-s image_plan -- --set registry="),
    ],
)
def test_one_candidate_is_filled_in(shell: Terminal, typed: str, completed: str) -> None:
    shell.type(typed)
    # What the shell asked for is written before the line ends.
    shell.wait_for(re.escape(completed.rpartition(" ")[2]))
    shell.type("\r")
    shown = shell.wait_for(r"ARGS:[^$]*?:")
    assert f"ARGS:{completed}:" in re.sub(r" +:", ":", shown)


def test_several_candidates_are_listed(shell: Terminal) -> None:
    shell.type("nox -s image_build -- --platform linux/\t\t")
    shown = shell.wait_for(r"(?s)amd64.*s390x")
    assert "noxfile.py" not in shown


def test_a_broken_spec_leaves_the_options(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "project/images.yaml").write_text("images: [")
    shell.type("nox -s image_push -- --ver\t")
    shell.wait_for("--verbose")
