"""Bakes on a real BuildKit: what is reported of them, and what is left when they are stopped."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.engine.bake import BakeResult, Update, bake_command, run
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.events.diagnose import diagnose, last_lines
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.engine.silence_limit import Patience
from nox_buildkit.errors import BuildError
from nox_buildkit.interruption import interruptible

Bake = Callable[..., BakeResult]


def _shell_rootfs(root: Path) -> Path:
    """A root file system of the host's own shell and two programs: steps run without a base."""
    for program in ("/bin/sh", "/bin/sleep", "/bin/cat"):
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
        libraries = [word for word in listed.stdout.split() if word.startswith("/")]
        for source in (program, *libraries):
            target = root / source.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return root


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _shell_rootfs(tmp_path_factory.mktemp("rootfs"))


def _baked(
    engine: Engine,
    folder: Path,
    rootfs: Path,
    dockerfiles: Mapping[str, str],
    on_event: Callable[[Update], None],
) -> BakeResult:
    """Bake one target for each Dockerfile, for the processor of the machine."""
    targets: dict[str, Any] = {
        name: {
            "context": str(folder),
            "contexts": {"rootfs": str(rootfs)},
            "dockerfile-inline": text,
            "network": "none",
            "output": [f"type=oci,dest={folder / name}.oci.tar"],
            "attest": ["type=provenance,disabled=true"],
        }
        for name, text in dockerfiles.items()
    }
    definition = folder / "docker-bake.json"
    definition.write_text(json.dumps({"target": targets}))
    command = bake_command(
        engine,
        [definition],
        list(targets),
        metadata_file=folder / "metadata.json",
        allow=[Allow("fs", "/")],
    )
    images = dict.fromkeys(targets, engine.native[:1])
    env = {**engine.docker.environment, "BUILDX_METADATA_PROVENANCE": "disabled"}
    progress = BuildProgress(images)
    return run(command, cwd=folder, env=env, progress=progress, on_event=on_event)


@pytest.fixture
def bake(engine: Engine, tmp_path: Path, rootfs: Path) -> Bake:
    def bake(on_event: Callable[[Update], None] = lambda update: None, **files: str) -> BakeResult:
        return _baked(engine, tmp_path, rootfs, files, on_event)

    return bake


def _processes_naming(path: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(path).encode() in word for word in words):
            found.append(entry.parent.name)
    return found


def test_two_targets_in_one_bake(bake: Bake, tmp_path: Path) -> None:
    # The engine remembers what earlier runs of the tests did.
    unique = secrets.token_hex(8)
    shell = f"FROM scratch AS app\nCOPY --from=rootfs / /\nRUN echo {unique} > /made\n"
    changes: list[str] = []
    first = bake(
        lambda update: changes.extend(c.what for c in update.changes), one=shell, two=shell
    )
    assert (first.returncode, first.stdout) == (0, "")
    assert {"started", "finished"} <= set(changes)
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["one"]["containerimage.digest"] == metadata["two"]["containerimage.digest"]
    assert first.progress.count("one").executed >= 1
    again = bake(one=shell, two=shell)
    count = again.progress.count("two")
    assert (count.executed, count.cached) == (0, count.total)


def test_a_failed_step_is_named_with_its_last_lines(bake: Bake) -> None:
    result = bake(
        hello="FROM scratch AS app\nCOPY --from=rootfs / /\n"
        "RUN printf 'gar\\377bled\\n'; echo the reason; exit 9\n"
    )
    assert result.returncode != 0
    assert last_lines(result.progress) == ("gar\ufffdbled", "the reason")
    error = diagnose(result.progress, result.text)
    assert isinstance(error, BuildError)
    assert "the command failed (exit code: 9)" in str(error)
    assert str(error).startswith("hello, linux/")


def test_a_missing_source_is_named(bake: Bake) -> None:
    result = bake(hello="FROM scratch AS app\nCOPY main.py /\n")
    assert "there is no main.py in the build context" in str(diagnose(result.progress, result.text))


def test_a_full_disk_is_named(bake: Bake) -> None:
    result = bake(
        hello="FROM scratch AS app\nCOPY --from=rootfs / /\n"
        "RUN --mount=type=tmpfs,target=/full,size=16k cat /bin/cat > /full/x\n"
    )
    assert "no space left on device" in str(diagnose(result.progress, result.text))


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_leaves_no_process(
    bake: Bake, tmp_path: Path, number: signal.Signals
) -> None:
    sent: list[float] = []

    def interrupt(update: Update) -> None:
        if not sent and any(change.what == "log" for change in update.changes):
            sent.append(time.monotonic())
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt), interruptible():
        bake(
            interrupt,
            hello="FROM scratch AS app\nCOPY --from=rootfs / /\n"
            f"RUN echo {tmp_path.name}; sleep 120\n",
        )
    assert time.monotonic() - sent[0] < 10
    assert _processes_naming(tmp_path) == []


def test_a_registry_that_never_answers_is_not_waited_for(bake: Bake) -> None:
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        patience = Patience(600, 4, told.append)
        image = f"{address}/base@sha256:{secrets.token_hex(32)}"
        with pytest.raises(BuildError) as caught:
            bake(patience.look, hello=f"FROM {image}\n")
    assert told == [f"waiting for the registry {address}, for 4 s at most"]
    said = f"the registry {address} did not go on for 4 s of fetching an image; check that it runs"
    assert said in str(caught.value)


def test_an_engine_that_is_not_there_is_named(engine: Engine, tmp_path: Path, rootfs: Path) -> None:
    gone = Engine(
        replace(engine.docker, host=f"unix://{tmp_path}/nobody.sock"),
        "default",
        "docker",
        engine.native,
    )
    result = _baked(gone, tmp_path, rootfs, {"hello": "FROM scratch\n"}, lambda update: None)
    assert result.returncode != 0
    assert "the build engine went away" in str(diagnose(result.progress, result.text))
