"""Spec and facts in, plan out. Nothing here looks at the outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.facts import BaseFacts, Facts, TargetFacts
from nox_buildkit.plan.model import ImagePlan, Plan
from nox_buildkit.plan.packages import Selection, less_installed, select_packages
from nox_buildkit.plan.parts import (
    Application,
    Base,
    File,
    Healthcheck,
    ImageConfig,
    Package,
    PlacedFile,
    PlatformPlan,
    Step,
    with_group,
)
from nox_buildkit.plan.platforms import PLATFORMS, uv_platform
from nox_buildkit.plan.tags import tags_for
from nox_buildkit.spec.image import Variant
from nox_buildkit.spec.model import BuildSpec
from nox_buildkit.spec.targets import Target, targets_of, with_images_below

#: Where the virtual environment lies in every image.
VENV = "/opt/venv"


def make_plan(
    spec: BuildSpec, facts: Facts, *, images: Sequence[str] = (), platforms: Sequence[str] = ()
) -> Plan:
    """Plan ``images`` (default: all) for ``platforms`` (default: what the spec says).

    Raises PlanError with every problem of every image.
    """
    problems: list[Problem] = []
    asked = tuple(images or spec.images)
    made: dict[str, ImagePlan] = {}
    for name in with_images_below(spec, asked):
        try:
            made[name] = _plan_image(name, spec, facts, platforms, made)
        except PlanError as error:
            location = spec.location("images", name)
            problems += [Problem(p.message, p.hint, p.location or location) for p in error.problems]
    if problems:
        raise PlanError(*problems)
    below = tuple(image for name, image in made.items() if name not in asked)
    return Plan(facts.uv, facts.native, tuple(made[name] for name in asked), below)


def _plan_image(
    name: str,
    spec: BuildSpec,
    facts: Facts,
    platforms: Sequence[str],
    made: Mapping[str, ImagePlan],
) -> ImagePlan:
    planned = []
    for target in targets_of(spec, name):
        chosen = [p for p in target.platforms if not platforms or p in platforms]
        if not chosen:
            continue
        if target.below and target.below.image not in made:
            # Its own problems are told.
            raise PlanError()
        planned.append(_plan_target(target, chosen, facts, made))
    first, *others = planned
    known = facts.targets[targets_of(spec, name)[0].name]
    tags = spec.images[name].tags
    return replace(
        first,
        name=name,
        variants=tuple(others),
        tags=tags_for(tags, known.context.version, facts.git.revision if facts.git else ""),
        repository=f"{spec.registry}/{name}" if spec.registry else None,
    )


def _plan_target(
    target: Target, chosen: Sequence[str], facts: Facts, made: Mapping[str, ImagePlan]
) -> ImagePlan:
    image, known = target.variant, facts.targets[target.name]
    below = made[target.below.image].on(chosen[0]) if target.below else None
    _check_base(known.base, chosen)
    _check_base(known.builder or known.base, facts.native)
    libc = known.base.libc
    if libc is None:
        raise PlanError(Problem(f"nothing is known of base '{known.base.name}'", "take another"))
    selection = select_packages(
        known.lock.coverage if known.lock else {},
        [PLATFORMS[p] for p in chosen],
        image.python,
        libc,
        known.local,
        compiles=known.compiler is not None,
    )
    installed = _installed(below) if below else {}
    if installed:
        selection = less_installed(selection, installed, known.base.name)
    version = known.context.version
    return ImagePlan(
        name=target.name,
        base=_base(known.base, made[target.below.image] if target.below else None),
        builder=_base(known.builder) if known.builder else None,
        compiler=_base(known.compiler) if known.compiler else None,
        # Base debian has them already.
        apt=image.apt if known.base.apt else (),
        build_apt=known.build_apt,
        compiled_with=image.build_apt if known.compiler else (),
        libc=libc,
        uv=facts.uv,
        python=image.python,
        lock=known.lock.path if known.lock else None,
        index=known.lock.index if known.lock else None,
        extra_indexes=known.lock.extra_indexes if known.lock else (),
        pure=tuple(package for package in selection.pure if not package.path),
        own=tuple(package for package in selection.pure if package.path),
        platforms=tuple(
            PlatformPlan(
                platform,
                uv_platform(PLATFORMS[platform], libc),
                selection.native.get(platform, ()),
                installed.get(platform, ()),
            )
            for platform in chosen
        ),
        application=Application(
            known.context.folder,
            tuple(File(f.path, f.size, f.digest) for f in known.context.files),
            known.context.ignored,
        ),
        directories=tuple(dict.fromkeys((*image.directories, *image.volumes))),
        files=tuple(_placed(image, known)),
        prestart=image.prestart,
        steps=tuple(
            Step(step.run, step.output, tuple(step.env.items()), step.cache) for step in image.steps
        ),
        step_packages=_step_packages(target, facts, selection),
        config=ImageConfig(
            workdir=target.workdir,
            user=target.user,
            env=_environment(image, below),
            entrypoint=_entrypoint(image, _entrypoint_below(known.base, below)),
            command=_command(target, below),
            expose=tuple(str(port) for port in image.expose),
            labels=_labels(target, facts, version),
            volumes=image.volumes,
            stop_signal=image.stop_signal,
            healthcheck=_healthcheck(image),
        ),
        tags=(),
        repository=None,
        warnings=(*known.base.warnings, *_warnings(target, known)),
    )


def _warnings(target: Target, known: TargetFacts) -> Iterator[str]:
    image = target.variant
    if not (known.lock or known.local or image.requirements or target.below):
        yield (
            f"{target.image}: no requirements were found in '{image.context}', so nothing is "
            "installed; name a set of them, or write 'requirements: none'"
        )


def _installed(image: ImagePlan) -> dict[str, tuple[Package, ...]]:
    """All packages of ``image`` by platform, those of its base included."""
    return {
        one.platform: (*one.installed, *image.pure, *image.own, *one.packages)
        for one in image.platforms
    }


def _step_packages(target: Target, facts: Facts, selection: Selection) -> tuple[Package, ...]:
    """What the machine that builds needs to run the target's steps, less what is shared."""
    if not target.variant.steps:
        return ()
    found: dict[str, Package] = {}
    compiles = facts.targets[target.name].compiler is not None
    here: Target | None = target
    while here:
        known, native = facts.targets[here.name], PLATFORMS[facts.native[0]]
        libc = known.base.libc
        coverage = known.lock.coverage if known.lock else {}
        if libc:
            there = select_packages(
                coverage, [native], here.variant.python, libc, known.local, compiles=compiles
            )
            for package in (*there.pure, *there.native[native.oci]):
                found.setdefault(package.name, package)
        here = here.below
    return tuple(package for package in found.values() if package not in selection.pure)


def _base(known: BaseFacts, below: ImagePlan | None = None) -> Base:
    # An image of the same plan is not there yet; what it will be follows from its own plan.
    digest = below.digest if below else known.digest
    return Base(known.name, digest, known.context, known.interpreter)


def _check_base(base: BaseFacts, needed: Sequence[str]) -> None:
    missing = [p for p in dict.fromkeys(needed) if p not in base.platforms]
    if missing:
        raise PlanError(
            Problem(
                f"base '{base.name}' has no {' and no '.join(missing)}",
                f"it has {', '.join(sorted(base.platforms)) or 'nothing'}; "
                "take another base, or leave the platform out",
            )
        )


def _placed(image: Variant, known: TargetFacts) -> Iterator[PlacedFile]:
    for file, source in zip(image.files, known.files, strict=True):
        path = f"{known.context.folder}/{source.path}"
        yield PlacedFile(
            file.target, file.mode, with_group(file.owner), source.size, source.digest, path
        )


def _healthcheck(image: Variant) -> Healthcheck | None:
    check = image.healthcheck
    return Healthcheck(**check.model_dump()) if check else None


def _entrypoint_below(base: BaseFacts, below: ImagePlan | None) -> tuple[str, ...]:
    if below and below.config.entrypoint is not None:
        return below.config.entrypoint
    return base.entrypoint


def _entrypoint(image: Variant, base: tuple[str, ...]) -> tuple[str, ...] | None:
    """The image's own; None leaves that of the base, where a command can follow it."""
    if image.entrypoint is not None or not image.command:
        return image.entrypoint
    # An interpreter would take the program's name for that of a script.
    program = base[0] if base else ""
    if re.fullmatch(r"(?:.*/)?python[0-9.]*", program):
        return ()
    # Stating an entrypoint of any kind takes the place of the base's.
    return base if image.prestart and base else None


def _command(target: Target, below: ImagePlan | None) -> tuple[str, ...] | None:
    image = target.variant
    if image.command is not None or not (below and image.prestart):
        return image.command
    # What runs before it is an entrypoint, which takes the command of the base away.
    if not below.config.command:
        message = f"'{image.base}' has no command that it could come before"
        raise PlanError(Problem(message, "add a 'command'", target.location("prestart")))
    return below.config.command


def _environment(image: Variant, below: ImagePlan | None) -> tuple[tuple[str, str], ...]:
    # A container's log is read as it is written, and its file system is not for byte code.
    defaults = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    if below:
        defaults = dict(below.config.env)
    return tuple({**defaults, **image.env}.items())


def _labels(target: Target, facts: Facts, version: str) -> tuple[tuple[str, str], ...]:
    """OCI annotations (image specification, annotations.md) as labels; the spec's own win."""
    git = facts.git
    labels = {
        "org.opencontainers.image.title": target.image,
        "org.opencontainers.image.source": git.source if git else "",
        "org.opencontainers.image.revision": _revision(facts),
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.created": (
            facts.created.strftime("%Y-%m-%dT%H:%M:%SZ") if facts.created else ""
        ),
    }
    known = {key: value for key, value in labels.items() if value}
    return tuple(sorted({**known, **target.variant.labels}.items()))


def _revision(facts: Facts) -> str:
    if not facts.git:
        return ""
    return f"{facts.git.revision}{'-dirty' if facts.git.dirty else ''}"
