"""Everything a plan needs to know of the outside, asked for in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from python_on_whales import DockerClient

from nox_buildkit.engine.provision import Report
from nox_buildkit.errors import BuildkitError, PlanError, Problem, UsageError
from nox_buildkit.facts.bases import read_base
from nox_buildkit.facts.context import read_context
from nox_buildkit.facts.git import read_git
from nox_buildkit.lock.pylock import read_pylock
from nox_buildkit.lock.source import Source
from nox_buildkit.lock.uv import uv_version
from nox_buildkit.plan.facts import BaseFacts, Facts, ImageFacts, LockFacts
from nox_buildkit.spec.model import BuildSpec


@dataclass(frozen=True, slots=True)
class Outside:
    """How the outside is reached. ``client`` makes a docker client when one is first needed."""

    root: Path
    client: Callable[[], DockerClient]
    report: Report
    exclude: tuple[Path, ...] = ()
    pull: bool = False


def gather(
    spec: BuildSpec,
    sources: Mapping[str, Source | None],
    outside: Outside,
    *,
    native: Iterable[str],
    platforms: Iterable[str] = (),
) -> Facts:
    """Facts about the images of ``sources``. Raises BuildkitError with every image's problems."""
    git = read_git(outside.root)
    problems: list[Problem] = []
    bases: dict[tuple[str, str], BaseFacts] = {}
    images = {}
    for name, source in sources.items():
        try:
            images[name] = _image(name, spec, source, outside, tuple(native), tuple(platforms), bases)
        except BuildkitError as error:
            problems += error.problems
    if problems:
        raise PlanError(*dict.fromkeys(problems))
    return Facts(
        uv=uv_version(),
        images=images,
        git=git,
        created=_source_date_epoch() or (git.committed if git else None),
        native=tuple(native),
    )


def _image(
    name: str,
    spec: BuildSpec,
    source: Source | None,
    outside: Outside,
    native: tuple[str, ...],
    platforms: tuple[str, ...],
    bases: dict[tuple[str, str], BaseFacts],
) -> ImageFacts:
    image = spec.images[name]
    key = (image.base, image.python)
    if key not in bases:
        every = {p for i in spec.images.values() if (i.base, i.python) == key for p in i.platforms}
        bases[key] = read_base(
            image.base,
            image.python,
            sorted({*every, *native}),
            outside.client,
            outside.report,
            pull=outside.pull,
            location=spec.location("images", name, "base"),
        )
    exclude = [*outside.exclude, *([source.output] if source else [])]
    return ImageFacts(
        base=bases[key],
        context=read_context(
            (outside.root / image.context).resolve(),
            copy=image.copy_,
            exclude=exclude,
            location=spec.location("images", name, "copy"),
        ),
        lock=_lock(source, outside.root) if source else None,
    )


def _lock(source: Source, root: Path) -> LockFacts:
    return LockFacts(
        path=os.path.relpath(source.output, root),
        source=os.path.relpath(source.path, root),
        pylock=read_pylock(source),
        index=source.index,
    )


def _source_date_epoch() -> datetime | None:
    """reproducible-builds.org, SOURCE_DATE_EPOCH specification."""
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            Problem(f"SOURCE_DATE_EPOCH is '{value}'", "set it to seconds since 1970, or unset it")
        ) from None
