"""What a run has looked at is asked for again, and nothing less: then the run is not repeated."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from nox_buildkit import observation, up_to_date
from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.project_folder import exclusively
from nox_buildkit.run import run


class _Runs:
    """Runs that look at files of a folder, and find nothing to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words: list[str] = []
        self.count = 0
        self.nothing = True
        self.more: Callable[[], object] = lambda: None
        (folder / "listed").mkdir(parents=True)
        (folder / "listed" / "one").write_text("1")
        (folder / "read").write_text("r")
        (folder / "measured").write_text("m")
        (folder / "elsewhere").write_text("e")
        (folder / "link").symlink_to("elsewhere")
        (folder / "answer").write_text("yes")

    def work(self) -> bool:
        self.count += 1
        for look in (
            (self.folder / "read").read_text,
            (self.folder / "measured").stat,
            (self.folder / "link").is_file,
            (self.folder / "link").readlink,
            (self.folder / "missing").exists,
            lambda: sorted((self.folder / "listed").iterdir()),
        ):
            with contextlib.suppress(OSError):
                look()
        run(["cat", self.folder / "answer"], seconds=5)
        self.more()
        print("to programs")
        print("to people", file=sys.stderr)
        return self.nothing

    def is_repeated(self) -> bool:
        """Run, and tell whether the work was done."""
        before = self.count
        up_to_date.build(self.words, Path("buildspec.yaml"), self.work)
        return self.count > before


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Runs:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    runs = _Runs(tmp_path / "folder")
    # What has just been written may be written again in the same moment.
    time.sleep(0.2)
    return runs


def test_the_same_is_printed_and_nothing_is_done(
    runs: _Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs.is_repeated()
    planned = capsys.readouterr()
    assert not runs.is_repeated()
    for printed in (planned, capsys.readouterr()):
        assert printed.out == "to programs\n"
        said = "to people\nnothing changed: nothing was built or written (0.0 s)\n"
        assert re.sub(r"0\.\d s", "0.0 s", printed.err) == said


def _replace(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def _add_in_the_same_moment(folder: Path) -> None:
    """Add a file as rsync does, which sets the time of the folder to that of its source."""
    before = folder.stat()
    (folder / "two").touch()
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "read").write_text("R"),
        lambda folder: (folder / "read").unlink(),
        lambda folder: _replace(folder / "read", "r"),
        lambda folder: (folder / "measured").write_text("M"),
        lambda folder: (folder / "measured").chmod(0o700),
        lambda folder: (folder / "elsewhere").write_text("E"),
        lambda folder: (folder / "elsewhere").unlink(),
        lambda folder: (folder / "missing").touch(),
        lambda folder: (folder / "missing").mkdir(),
        lambda folder: (folder / "listed" / "two").touch(),
        lambda folder: _add_in_the_same_moment(folder / "listed"),
        lambda folder: (folder / "listed").rename(folder / "unlisted"),
        lambda folder: (folder / "answer").write_text("no"),
    ],
    ids=[
        "written", "removed", "replaced", "measured", "mode", "target", "dangling", "file",
        "folder", "listed", "listed before", "renamed", "answer",
    ],
)  # fmt: skip
def test_what_has_changed_is_looked_at_again(runs: _Runs, change: Callable[[Path], object]) -> None:
    assert runs.is_repeated()
    assert not runs.is_repeated()
    change(runs.folder)
    assert runs.is_repeated()


def test_a_folder_that_is_only_there_may_change(runs: _Runs) -> None:
    runs.more = (runs.folder.parent / "cache").is_dir
    assert runs.is_repeated()
    (runs.folder.parent / "cache" / "new").touch()
    # It was listed, and not read.
    (runs.folder / "listed" / "one").write_text("2")
    assert not runs.is_repeated()


def test_another_variable_folder_or_command_line_is_another_run(
    runs: _Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs.is_repeated()
    with monkeypatch.context() as patch:
        patch.setenv("SOME_VARIABLE", "1")
        assert runs.is_repeated()
    with monkeypatch.context() as patch:
        patch.chdir(runs.folder)
        assert runs.is_repeated()
    runs.words = ["--json"]
    assert runs.is_repeated()
    assert not runs.is_repeated()


def test_no_value_of_a_variable_is_written_down(
    runs: _Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "correct-horse")
    runs.words = ["--set=images.web.environment.TOKEN=correct-horse"]
    runs.is_repeated()
    (record,) = (tmp_path / "cache" / "up-to-date").iterdir()
    assert "correct-horse" not in record.read_text()
    assert record.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("key", ["until", "day"])
def test_a_record_is_used_for_an_hour_of_a_day(runs: _Runs, tmp_path: Path, key: str) -> None:
    assert runs.is_repeated()
    (record,) = (tmp_path / "cache" / "up-to-date").iterdir()
    then = {"until": 0, "day": "2000-01-01"}[key]
    write_cached(record, {**read_cached(record), key: then})
    assert runs.is_repeated()
    assert not runs.is_repeated()


def _connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


@pytest.mark.parametrize(
    "more",
    [_connect, lambda: subprocess.run(["true"], check=True), observation.give_up],
    ids=["network", "a program of its own", "something to do"],
)
def test_a_run_that_cannot_be_looked_at_again_is_repeated(
    runs: _Runs, more: Callable[[], object]
) -> None:
    runs.more = more
    assert runs.is_repeated()
    assert runs.is_repeated()


def _remove_tree(folder: Path) -> None:
    shutil.rmtree(folder / "tree")


def _list_by_descriptor(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.scandir(handle).close()
    os.close(handle)


@pytest.mark.parametrize("look", [_remove_tree, _list_by_descriptor])
def test_what_is_looked_at_by_a_descriptor_cannot_be_looked_at_again(
    tmp_path: Path, look: Callable[[Path], None]
) -> None:
    (tmp_path / "tree" / "below").mkdir(parents=True)
    with observation.observing() as seen:
        look(tmp_path)
    assert not seen.is_complete


def test_functions_have_their_options_while_somebody_observes(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with observation.observing():
        assert os.stat in os.supports_follow_symlinks
        shutil.copy2(tmp_path / "link", tmp_path / "copy", follow_symlinks=False)
    assert (tmp_path / "copy").is_symlink()


def test_another_build_of_the_project_is_waited_for_and_nothing_is_said_of_it_again(
    runs: _Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with ExitStack() as stack:
            stack.enter_context(exclusively(Path("buildspec.yaml")))
            other = threading.Timer(1, stack.pop_all().close)
            other.start()
            runs.is_repeated()
            other.join()
        assert "waiting for another build" in capsys.readouterr().err
    runs.is_repeated()
    assert runs.count == 1
    assert "waiting" not in capsys.readouterr().err


def test_what_does_not_hold_is_forgotten(runs: _Runs, tmp_path: Path) -> None:
    runs.is_repeated()
    records = tmp_path / "cache" / "up-to-date"
    (records / "folder").mkdir()
    os.utime(records / "folder", (0, 0))
    (runs.folder / "read").write_text("R")
    runs.nothing = False
    runs.is_repeated()
    assert [path.name for path in records.iterdir()] == ["folder"]
    runs.nothing = True
    time.sleep(0.2)
    runs.is_repeated()
    assert not runs.is_repeated()


def test_what_is_being_written_is_looked_at_again(runs: _Runs) -> None:
    runs.more = lambda: (runs.folder / "read").write_text("now")
    assert runs.is_repeated()
    assert runs.is_repeated()


def test_a_time_to_come_is_as_good_as_any(runs: _Runs) -> None:
    later = time.time() + 3600
    os.utime(runs.folder / "read", (later, later))
    time.sleep(0.2)
    assert runs.is_repeated()
    assert not runs.is_repeated()
    (runs.folder / "read").write_text("now")
    os.utime(runs.folder / "read", (later, later))
    assert runs.is_repeated()


def test_what_is_beside_a_linked_folder_is_looked_at_there(runs: _Runs, tmp_path: Path) -> None:
    (tmp_path / "other" / "folder").mkdir(parents=True)
    (tmp_path / "other" / "read").write_text("1")
    (runs.folder / "away").symlink_to(tmp_path / "other" / "folder")
    time.sleep(0.2)
    runs.more = (runs.folder / "away" / ".." / "read").read_text
    assert runs.is_repeated()
    assert not runs.is_repeated()
    (tmp_path / "other" / "read").write_text("2")
    assert runs.is_repeated()


def test_a_run_after_another_one_of_the_process_is_not_recorded(runs: _Runs) -> None:
    for _ in range(2):
        up_to_date.build([], Path("buildspec.yaml"), runs.work, first=False)
    assert runs.count == 2
    assert runs.is_repeated()


def test_another_machine_is_another_run(runs: _Runs) -> None:
    program = """
from pathlib import Path
from nox_buildkit import up_to_date
up_to_date.build([], Path("buildspec.yaml"), lambda: not print("planned"))
"""
    command = [sys.executable, "-c", program]

    def said(*before: str) -> bytes:
        return subprocess.run([*before, *command], stdout=subprocess.PIPE, check=True).stdout

    assert said() == said() == b"planned\n"
    (record,) = Path("cache/up-to-date").iterdir()
    known = record.read_bytes()
    assert said("setarch", "i686") == b"planned\n"
    assert record.read_bytes() != known


def test_whoever_found_something_to_do_and_a_ci_are_not_recorded(
    runs: _Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.nothing = False
    assert runs.is_repeated()
    assert "nothing changed" not in capsys.readouterr().err
    runs.nothing = True
    monkeypatch.setenv("CI", "true")
    assert runs.is_repeated()
    assert runs.is_repeated()
    assert "nothing changed" in capsys.readouterr().err


def _digest(path: Path) -> str:
    digests = FileDigests(path.parent, "test")
    found = digests.of(str(path), path.lstat(), path.read_text)
    digests.keep()
    return found


def test_digests_that_are_written_down_are_no_reason_to_look_again(runs: _Runs) -> None:
    runs.more = lambda: _digest(runs.folder / "read")
    assert runs.is_repeated()
    assert not runs.is_repeated()
    _replace(runs.folder / "read", "R")
    time.sleep(0.2)
    assert runs.is_repeated()


def test_a_run_that_found_something_damaged_is_repeated(runs: _Runs, tmp_path: Path) -> None:
    runs.more = lambda: _digest(runs.folder / "read")
    assert runs.is_repeated()
    (digests,) = (tmp_path / "cache" / "digests").iterdir()
    digests.write_bytes(b"cut")
    _replace(runs.folder / "read", "R")
    time.sleep(0.2)
    assert runs.is_repeated()
    assert runs.is_repeated()
    assert not runs.is_repeated()


@pytest.mark.parametrize("content", [b"", b"sha256:0\n{}"], ids=["empty", "cut"])
def test_a_damaged_record_is_made_anew(runs: _Runs, tmp_path: Path, content: bytes) -> None:
    assert runs.is_repeated()
    (record,) = (tmp_path / "cache" / "up-to-date").iterdir()
    record.write_bytes(content)
    assert runs.is_repeated()
    assert not runs.is_repeated()


def test_nothing_is_observed_after_a_failure(runs: _Runs) -> None:
    status = os.stat

    def fail() -> None:
        assert os.stat is not status
        raise OSError(5, "no")

    runs.more = fail
    with pytest.raises(OSError, match="no"):
        runs.is_repeated()
    assert os.stat is status
