"""What a container is started with: the image's own words, and what it inherits."""

from __future__ import annotations

import re

from nox_buildkit.buildspec.model.image import Variant
from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.facts import BaseFacts, Facts
from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Healthcheck, ImageConfig, Start


def config_of(target: Target, facts: Facts, below: ImagePlan | None, start: Start) -> ImageConfig:
    """The configuration that ``target`` states over that of ``below``, which starts ``start``.

    Raises PlanError.
    """
    image, known = target.variant, facts.targets[target.name]
    return ImageConfig(
        workdir=target.workdir,
        user=target.user,
        env=_environment(image, below),
        entrypoint=_entrypoint(image, start.entrypoint or ()),
        command=_command(target, start.command),
        expose=tuple(str(port) for port in image.expose),
        labels=_labels(target, facts, known.context.version, below),
        volumes=image.volumes,
        stop_signal=image.stop_signal,
        healthcheck=_healthcheck(image),
    )


def _healthcheck(image: Variant) -> Healthcheck | None:
    check = image.healthcheck
    return Healthcheck(**check.model_dump()) if check else None


def starts_below(base: BaseFacts, below: ImagePlan | None) -> Start:
    """What a container of the base starts."""
    return below.starts if below else Start(base.entrypoint, base.command)


def starts_of(config: ImageConfig, below: Start) -> Start:
    """What a container starts; stating an entrypoint takes the command of the base away."""
    if config.entrypoint is not None:
        return Start(config.entrypoint, config.command)
    command = config.command if config.command is not None else below.command
    return Start(below.entrypoint, command)


def _entrypoint(image: Variant, base: tuple[str, ...]) -> tuple[str, ...] | None:
    """The image's own; None leaves that of the base, where a command can follow it."""
    if image.entrypoint is not None or not (image.command or image.prestart):
        return image.entrypoint
    # An interpreter would take the program's name for that of a script.
    program = base[0] if base else ""
    if re.fullmatch(r"(?:.*/)?python[0-9.]*", program):
        return ()
    # Stating an entrypoint of any kind takes the place of the base's.
    return base if image.prestart and base else None


def _command(target: Target, below: tuple[str, ...] | None) -> tuple[str, ...] | None:
    image = target.variant
    if image.command is not None or not (target.below and image.prestart):
        return image.command
    # What runs before it is an entrypoint, which takes the command of the base away.
    if not below:
        message = f"'{image.base}' has no command that it could come before"
        raise PlanError(Problem(message, "add a 'command'", target.location("prestart")))
    return below


def _environment(image: Variant, below: ImagePlan | None) -> tuple[tuple[str, str], ...]:
    # A container's log is read as it is written, and its file system is not for byte code.
    defaults = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    if below:
        defaults = dict(below.config.env)
    return tuple({**defaults, **image.env}.items())


def _labels(
    target: Target, facts: Facts, version: str, below: ImagePlan | None
) -> tuple[tuple[str, str], ...]:
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
    # What is not known of it is not to be inherited.
    inherited = dict(below.config.labels) if below else {}
    known = {key: value for key, value in labels.items() if value or inherited.get(key)}
    return tuple(sorted({**known, **target.variant.labels}.items()))


def _revision(facts: Facts) -> str:
    if not facts.git:
        return ""
    return f"{facts.git.revision}{'-dirty' if facts.git.dirty else ''}"
