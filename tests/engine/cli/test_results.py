"""What lies in dist is what was built, of the files that were there, or it is made again."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from pathlib import Path

from nox_buildkit.project_folder import kept_for
from tests.support.oci import ImageIndex
from tests.support.project import APP, Project
from tests.support.real_parts import in_cache

PROGRAM = "app/app/__main__.py"


def _program(project: Project) -> str:
    image = ImageIndex.open(project.tar)
    assert image.digest == project.digest()
    return image.platforms["linux/amd64"].read(PROGRAM)


def test_a_build_that_waits_for_another_plans_with_the_files_of_then(
    built: Project, engine_home: Path
) -> None:
    before = built.digest()
    with in_cache(engine_home):
        lock = kept_for(built.root) / ".lock"
    with lock.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with built.start("build") as process:
            assert process.stderr
            for line in process.stderr:
                if "waiting for another build of this project" in line:
                    break
            built.write({"app/__main__.py": f"{APP}# Edited.\n"})
            fcntl.flock(other, fcntl.LOCK_UN)
            process.communicate(timeout=120)
    assert process.returncode == 0
    assert _program(built).endswith("# Edited.\n")

    built.write({"app/__main__.py": APP})
    assert "nothing changed" not in built.ok("build").stderr
    assert _program(built) == APP
    assert built.digest() == before


def test_a_file_that_buildkit_takes_for_unchanged_is_no_silent_old_image(built: Project) -> None:
    """Its size and time are as they were: so BuildKit does not ask for its content."""
    path = built.root / "app/__main__.py"
    built.tar.unlink()
    built.ok("build")
    record = (built.root / "dist/build.json").read_bytes()
    times = path.stat()
    other = APP.replace("pid", "dip")
    path.write_text(other)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    cause = built.nox("build").cause
    assert cause.codes == ["NBK605"]
    assert cause.startswith("web: changed while it was built: app/__main__.py; build again; ")
    assert "touch it" in cause
    assert (built.root / "dist/build.json").read_bytes() == record

    path.touch()
    built.ok("build")
    assert _program(built) == other


def test_an_image_that_is_cut_or_altered_is_made_again(built: Project) -> None:
    whole, digest = built.tar.read_bytes(), built.digest()
    middle = len(whole) // 2
    for damaged in (
        whole[:-512],
        whole[: middle // 512 * 512],
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    ):
        built.tar.write_bytes(damaged)
        assert "nothing changed" not in built.ok("build").stderr
        assert built.tar.read_bytes() == whole
    assert built.digest() == digest
    assert "nothing changed" in built.ok("build").stderr


def test_a_record_that_cannot_be_read_is_said_and_made_again(built: Project) -> None:
    good = built.record()["images"]["web"]
    (built.root / "dist/build.json").write_text("[" * 100_000)
    done = built.ok("build")
    assert "dist/build.json is not a record of a build: it is not used" in done.stderr
    made = built.record()["images"]["web"]
    assert (made["digest"], made["archive"]) == (good["digest"], good["archive"])


def test_a_damaged_layer_of_an_earlier_build_is_exported_again(
    built: Project, engine_home: Path
) -> None:
    built.write({"app/more.py": ""})
    built.ok("build")
    digest = built.digest()
    kept = engine_home.glob(f"projects/{built.root.name}-*")
    (mine,) = (
        folder
        for folder in kept
        if (folder / "export").exists() and (folder / "project").read_text() == str(built.root)
    )
    largest = max((mine / "export").rglob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as stream:
        stream.seek(-8, os.SEEK_END)
        stream.write(bytes(8))
    built.tar.unlink()
    done = built.ok("build")
    assert "web: layers of an earlier build are damaged: exporting again" in done.stderr
    assert built.digest() == digest
    ImageIndex.open(built.tar)


def test_what_a_killed_build_left_is_swept_and_a_folder_that_cannot_be_written_is_found_first(
    built: Project, tmp_path: Path
) -> None:
    killed = built.root / "dist/.web.oci.tar.abc.nox-buildkit.part"
    killed.write_bytes(b"half")
    others = [built.root / name for name in (".film.part", "dist/.film.part")]
    for path in others:
        path.write_bytes(b"half")
    at_work = built.root / "dist/.web.oci.tar.def.nox-buildkit.part"
    with at_work.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        built.write({"app/more.py": "MORE = 1\n"})
        built.ok("build")
        assert not killed.exists()
        assert all(path.exists() for path in (at_work, *others))

    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        began = time.monotonic()
        cause = built.nox("build", "--output", str(disk)).cause
        assert re.match(rf"{disk} has room for 1.05 MB: the base alone takes [\d.]+ MB; ", cause)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        cause = built.nox("build", "--output", str(disk / "new")).cause
        assert cause.codes == ["NBK608"]
        assert f"{disk}/new cannot be written: Read-only file system; name another" in cause
        assert time.monotonic() - began < 40
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_a_build_writes_is_in_no_image_wherever_it_is(project: Project) -> None:
    project.ok("build", "--output", "out")
    first = ImageIndex.open(project.root / "out/web.oci.tar").digest
    for _ in range(2):
        project.ok("build", "--output", ".")
        assert ImageIndex.open(project.root / "web.oci.tar").digest == first
    assert "nothing changed" in project.ok("build", "--output", ".").stderr

    project.ok("build")
    assert project.digest() == first
    for image in ImageIndex.open(project.tar).platforms.values():
        names = {Path(name).name for name in image.own_names}
        assert not names & {"web.oci.tar", "build.json", "timeline.html", "out"}
