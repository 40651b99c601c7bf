"""Emulation, on the kernel's own list of handlers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.engine.buildkit import Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.private import emulation
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.errors import EngineError
from nox_buildkit.oci.platform import native_platforms
from tests.support.executable import exits_with_42
from tests.support.progress import Told

# An architecture that no build here uses at the same time, and no host of these tests has.
HANDLER = emulation.BINFMT / "nox-buildkit-riscv64"
MACHINE = os.uname().machine


@pytest.fixture
def no_handler() -> Iterator[None]:
    unregister()
    yield
    unregister()


def unregister() -> None:
    if HANDLER.exists():
        HANDLER.write_text("-1")


def test_a_handler_is_registered_on_demand_and_runs_programs(
    engine_home: Path, no_handler: None, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_bytes(exits_with_42("riscv64"))
    program.chmod(0o755)
    assert not emulation.runs("linux/riscv64", MACHINE)
    with pytest.raises(OSError, match="Exec format"):
        subprocess.run([program], check=False)
    emulation.ensure(["linux/riscv64"], MACHINE)
    assert subprocess.run([program], check=False).returncode == 42
    assert "F" in HANDLER.read_text().split("flags:")[1].splitlines()[0]
    root = tmp_path / "root"
    root.mkdir()
    (root / "program").write_bytes(program.read_bytes())
    (root / "program").chmod(0o755)
    inside = subprocess.run(["chroot", str(root), "/program"], check=False)
    assert inside.returncode == 42, "a container, which has no QEMU, would not run it"


def test_a_second_run_registers_nothing(engine_home: Path, no_handler: None) -> None:
    emulation.ensure(["linux/riscv64"], MACHINE)
    told = Told()
    emulation.ensure(["linux/riscv64"], MACHINE, told)
    assert told == Told()


def test_a_disabled_handler_does_not_count(engine_home: Path, no_handler: None) -> None:
    emulation.ensure(["linux/riscv64"], MACHINE)
    HANDLER.write_text("0")
    assert not emulation.runs("linux/riscv64", MACHINE)


def test_removing_the_engine_unregisters_its_own_handlers_only(
    own_home: Path, no_handler: None
) -> None:
    def others() -> set[str]:
        return {file.name for file in emulation.BINFMT.iterdir()} - {HANDLER.name}

    emulation.ensure(["linux/riscv64"], MACHINE)
    before = others()
    private.remove()
    assert not HANDLER.exists()
    assert others() == before


def test_the_host_needs_no_emulation_of_itself() -> None:
    for platform in native_platforms(MACHINE):
        assert emulation.runs(platform, MACHINE)


def test_an_unknown_architecture_is_named(engine_home: Path) -> None:
    with pytest.raises(EngineError, match="linux/vax cannot be emulated"):
        emulation.ensure(["linux/vax"], MACHINE)


def test_the_private_engine_runs_steps_of_another_architecture(
    private_engine: PrivateEngine, no_handler: None, tmp_path: Path
) -> None:
    wanted = frozenset({"linux/riscv64"})
    engine = find_engine(Needs(platforms=wanted, emulated=wanted))
    assert "linux/riscv64" in engine.platforms
    assert "linux/riscv64" not in engine.native
    (tmp_path / "program").write_bytes(exits_with_42("riscv64"))
    (tmp_path / "program").chmod(0o755)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY program /\nRUN ["/program"]\n')
    command = [*engine.docker.command, "buildx", "build"]
    options = ["--no-cache", "--platform", "linux/riscv64", "--network", "host"]
    allowed = ["--allow", "network.host", "--builder", engine.builder, str(tmp_path)]
    done = subprocess.run([*command, *options, *allowed], capture_output=True, check=False)
    assert b"exit code: 42" in done.stderr
