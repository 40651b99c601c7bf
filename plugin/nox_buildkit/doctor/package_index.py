"""The package index: the one that uv would use, asked by uv itself."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.doctor.finding import Finding
from nox_buildkit.errors import LockError, Problem
from nox_buildkit.files import cache_place
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import index_options, index_variables, run_uv, uv_version

_CHECK = "package index"
_SECONDS = 15
_INDEX = re.compile(r"^--(?:extra-)?index-url (\S+)", re.MULTILINE)
#: As uv says that an index was asked, and has nothing of that name or version.
_NOTHING = re.compile(r"was not found in the package registry|there (?:is|are) no versions? of")
_REFUSED = re.compile(r"\b40[13] (?:Unauthorized|Forbidden)")
#: No index has it, so uv asks all of them, whatever their order.
_NOWHERE = "nox-buildkit-doctor==0"
#: One try: it is a question, and no download.
_ONCE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "8"}


@dataclass(frozen=True, slots=True)
class Place:
    """A ``folder`` whose settings uv reads, and the indexes that the spec names besides."""

    folder: Path
    index: str | None = None
    extra: tuple[str, ...] = ()


def places_of(root: Path, sources: Iterable[Source | None]) -> tuple[Place, ...]:
    """Return the different places in which requirements are locked; the project's own at least."""
    found = [Place(s.path.parent, s.index, s.extra_indexes) for s in sources if s]
    return tuple(dict.fromkeys(found)) or (Place(root),)


def look_at_index(place: Place) -> Iterator[Finding]:
    """Ask every index of ``place``, and then for uv, which builds install with."""
    urls = _INDEX.findall(_asked(place, ""))
    named, told = ", ".join(urls), {"indexes": urls}
    problem = _refusal(place, _NOWHERE)
    found = judge_answer(problem, named, told)
    if found.verdict == "ok" and not _uv_is_kept() and _refusal(place, f"uv=={uv_version()}"):
        message = f"{named} answers, and has no uv {uv_version()}, which builds install with"
        fix = "add it to the index, or name one that has it: `export UV_DEFAULT_INDEX=...`"
        found = Finding(_CHECK, "warning", message, fix, told)
    yield found


def judge_answer(problem: Problem | None, named: str, facts: dict[str, list[str]]) -> Finding:
    """Return the verdict on indexes of which uv says ``problem`` of a project that nobody has."""
    if problem is None:
        return Finding(_CHECK, "ok", f"{named} answers", facts=facts)
    fix = problem.hint or "check UV_DEFAULT_INDEX, and the indexes that the spec names"
    if _REFUSED.search(problem.message):
        # After the words on a project that is not found, those on the index.
        message = problem.message.rpartition("hint: ")[2]
        return Finding(_CHECK, "problem", message, fix, facts)
    if _NOTHING.search(problem.message):
        return Finding(_CHECK, "ok", f"{named} answers", facts=facts)
    return Finding(_CHECK, "problem", f"{named}: {problem.message}", fix, facts)


def _refusal(place: Place, requirement: str) -> Problem | None:
    """Return what uv says of ``requirement`` if it finds none."""
    try:
        _asked(place, f"{requirement}\n")
    except LockError as error:
        return error.problems[0]
    return None


def _uv_is_kept() -> bool:
    return any((cache_place() / "uv" / uv_version()).glob("*/uv"))


def _asked(place: Place, requirement: str) -> str:
    """Let uv resolve ``requirement`` with nothing from its cache, and name its indexes.

    Raises LockError.
    """
    with tempfile.TemporaryDirectory(prefix="nox-buildkit-doctor-") as name:
        file = Path(name, "requirements.in")
        file.write_text(requirement)
        return run_uv(
            [
                "pip", "compile", file, "--quiet", "--no-cache", "--no-deps", "--emit-index-url",
                # No code of what they hand out is run; other strategies hide a login that fails.
                "--only-binary", ":all:", "--index-strategy=first-index",
                *index_options(place.index),
            ],
            cwd=place.folder,
            env={**index_variables(place.extra), **_ONCE},
            repositories=False,
            seconds=_SECONDS,
        )  # fmt: skip
