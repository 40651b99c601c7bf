"""Several things at a time: their order, their errors, and what an end leaves behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nox_buildkit.at_once import at_once, meanwhile
from nox_buildkit.run import run


def test_results_are_in_the_order_of_the_things_though_programs_run_together() -> None:
    def wait(seconds: float) -> str:
        return run(["sh", "-c", f"sleep {seconds}; echo {seconds}"], seconds=60).output.strip()

    began = time.monotonic()
    assert at_once(wait, [0.6, 0.5, 0.4], 3) == ["0.6", "0.5", "0.4"]
    assert time.monotonic() - began < 1.4


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_ends_the_programs_of_the_others(
    error: type[BaseException], tmp_path: Path
) -> None:
    started = tmp_path / "started"

    def work(number: int) -> None:
        if number == 0:
            while not started.exists():
                time.sleep(0.01)
            raise error
        run(["sh", "-c", f"touch {started}; sleep 1000"], seconds=1000)

    began = time.monotonic()
    with pytest.raises(error):
        at_once(work, range(8), 2)
    assert time.monotonic() - began < 10


def test_work_beside_a_block_is_done_at_its_end() -> None:
    done = []

    def work() -> None:
        run(["sleep", "0.3"], seconds=60)
        done.append("beside")

    with meanwhile(work):
        done.append("block")
    assert done == ["block", "beside"]


def test_an_error_of_work_beside_a_block_is_raised_after_it() -> None:
    done = []

    def work() -> None:
        raise ValueError("beside")

    with pytest.raises(ValueError, match="beside"), meanwhile(work):
        time.sleep(0.1)
        done.append("block")
    assert done == ["block"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_in_a_block_ends_the_programs_beside_it(
    error: type[BaseException], tmp_path: Path
) -> None:
    started = tmp_path / "started"
    began = time.monotonic()

    def work(_number: int) -> None:
        run(["sh", "-c", f"touch {started}; sleep 1000"], seconds=1000)

    # Programs are run by threads of the thread, too.
    with pytest.raises(error), meanwhile(lambda: at_once(work, range(2), 2)):
        while not started.exists():
            time.sleep(0.01)
        raise error
    assert time.monotonic() - began < 10
