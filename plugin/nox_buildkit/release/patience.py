"""Waiting for registries, and their token servers, that are busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tenacity
from requests import Response
from urllib3.util import Retry

from nox_buildkit.release.repository import RegistryError

#: Status codes of what may be done later.
BUSY = (429, 500, 502, 503, 504)
_ATTEMPTS = 6
_MOST_SECONDS = 120

T = TypeVar("T")


class Busy(RegistryError):
    """A registry that may do what it was asked later; ``after``: in seconds, if it says so."""

    after: float | None = None


def require_idle(response: Response, error: RegistryError) -> None:
    """Raise Busy with the problems of ``error`` if the answer is that of a busy server."""
    if response.status_code in BUSY:
        busy = Busy(*error.problems)
        busy.after = _seconds(response.headers.get("Retry-After"))
        raise busy


def patiently(call: Callable[[], T], tell: Callable[[str], None]) -> T:
    """Return what ``call`` returns, called again for as long as it raises Busy.

    ``tell`` hears of each pause.
    """

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0
        tell(f"{error}: trying again in {pause:.0f} s")

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_waiting),
        wait=_wait,
        stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_after_delay(_MOST_SECONDS),
        before_sleep=before_sleep,
        reraise=True,
    )
    return retrying(call)


def _worth_waiting(error: BaseException) -> bool:
    return isinstance(error, Busy) and (error.after or 0) <= _MOST_SECONDS


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    stated = error.after if isinstance(error, Busy) else None
    random = tenacity.wait_random_exponential(multiplier=0.5, max=20)
    return stated if stated is not None else random(state)


def _seconds(stated: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3)."""
    if not stated:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(stated))
    except Exception:
        return None
