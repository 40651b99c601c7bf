"""Spec and facts in, plan out. Nothing here looks at the outside."""

from __future__ import annotations

from collections.abc import Sequence

from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.facts import BaseFacts, Facts, ImageFacts
from nox_buildkit.plan.model import (
    Application,
    Base,
    File,
    ImageConfig,
    ImagePlan,
    Plan,
    PlatformPlan,
)
from nox_buildkit.plan.packages import select_packages
from nox_buildkit.plan.platforms import PLATFORMS, uv_platform
from nox_buildkit.plan.tags import tags_for
from nox_buildkit.spec.model import BuildSpec, Image

#: Where the virtual environment lies in every image.
VENV = "/opt/venv"


def make_plan(
    spec: BuildSpec, facts: Facts, *, images: Sequence[str] = (), platforms: Sequence[str] = ()
) -> Plan:
    """Plan ``images`` (default: all) for ``platforms`` (default: what the spec says).

    Raises PlanError with every problem of every image.
    """
    problems: list[Problem] = []
    plans = []
    for name in images or spec.images:
        try:
            plans.append(_plan_image(name, spec, facts, platforms))
        except PlanError as error:
            location = spec.location("images", name)
            problems += [Problem(p.message, p.hint, p.location or location) for p in error.problems]
    if problems:
        raise PlanError(*problems)
    return Plan(facts.uv, facts.native, tuple(plans))


def _plan_image(name: str, spec: BuildSpec, facts: Facts, platforms: Sequence[str]) -> ImagePlan:
    image, known = spec.images[name], facts.images[name]
    chosen = [platform for platform in image.platforms if not platforms or platform in platforms]
    _check_base(known, [*chosen, *facts.native])
    selection = select_packages(
        known.lock.coverage if known.lock else {},
        [PLATFORMS[p] for p in chosen],
        image.python,
        known.base.glibc,
        known.local,
        compiles=known.builder is not None,
    )
    version = known.context.version
    return ImagePlan(
        name=name,
        base=_base(known.base),
        builder=_base(known.builder) if known.builder else None,
        uv=facts.uv,
        python=image.python,
        lock=known.lock.path if known.lock else None,
        index=known.lock.index if known.lock else None,
        extra_indexes=known.lock.extra_indexes if known.lock else (),
        pure=selection.pure,
        platforms=tuple(
            PlatformPlan(
                platform,
                uv_platform(PLATFORMS[platform], known.base.glibc),
                selection.native.get(platform, ()),
            )
            for platform in chosen
        ),
        application=Application(
            known.context.folder,
            tuple(File(f.path, f.size, f.digest) for f in known.context.files),
            known.context.ignored,
        ),
        config=ImageConfig(
            workdir=image.workdir,
            user=image.user,
            env=_environment(image),
            entrypoint=image.entrypoint,
            command=image.command,
            expose=tuple(str(port) for port in image.expose),
            labels=_labels(name, image, facts, version),
        ),
        tags=tags_for(image.tags, version, facts.git.revision if facts.git else ""),
        repository=f"{spec.registry}/{name}" if spec.registry else None,
    )


def _base(known: BaseFacts) -> Base:
    return Base(known.name, known.digest, known.context)


def _check_base(known: ImageFacts, needed: Sequence[str]) -> None:
    missing = [p for p in dict.fromkeys(needed) if p not in known.base.platforms]
    if missing:
        raise PlanError(
            Problem(
                f"base '{known.base.name}' has no {' and no '.join(missing)}",
                f"it has {', '.join(sorted(known.base.platforms)) or 'nothing'}; "
                "take another base, or leave the platform out",
            )
        )


def _environment(image: Image) -> tuple[tuple[str, str], ...]:
    # A container's log is read as it is written, and its file system is not for byte code.
    defaults = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return tuple({**defaults, **image.env}.items())


def _labels(name: str, image: Image, facts: Facts, version: str) -> tuple[tuple[str, str], ...]:
    """OCI annotations (image specification, annotations.md) as labels; the spec's own win."""
    git = facts.git
    labels = {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.source": git.source if git else "",
        "org.opencontainers.image.revision": _revision(facts),
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.created": (
            facts.created.strftime("%Y-%m-%dT%H:%M:%SZ") if facts.created else ""
        ),
    }
    known = {key: value for key, value in labels.items() if value}
    return tuple(sorted({**known, **image.labels}.items()))


def _revision(facts: Facts) -> str:
    if not facts.git:
        return ""
    return f"{facts.git.revision}{'-dirty' if facts.git.dirty else ''}"
