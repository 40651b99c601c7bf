"""Work on several things at once, of which an interruption leaves nothing running."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from nox_buildkit.files import cache_dir
from nox_buildkit.run import Programs, of_threads

#: For a program whose own limit is not stated.
_SECONDS = 600

T = TypeVar("T")
R = TypeVar("R")


def at_once(work: Callable[[T], R], things: Iterable[T], most: int) -> list[R]:
    """Return what ``work`` returns for each of ``things``, ``most`` of them at a time.

    Ctrl-C ends the programs that ``work`` runs. Raises what the first of them raises.
    """
    with ThreadPoolExecutor(most) as pool, _programs() as programs:
        before = of_threads.set(programs)
        try:
            waiting = [pool.submit(copy_context().run, work, thing) for thing in things]
            return [each.result() for each in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            of_threads.reset(before)


@contextlib.contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` beside the block, and wait for it at the end.

    An interruption of the block ends the programs that ``work`` runs. Raises what ``work`` raises.
    """
    with ThreadPoolExecutor(1) as pool, _programs() as programs:
        before = of_threads.set(programs)
        waiting = pool.submit(copy_context().run, work)
        of_threads.reset(before)
        yield
        waiting.result()


def _programs() -> Programs:
    return Programs(cache_dir(), _SECONDS, around=of_threads.get())
